"""DM-09: whoever else gets the reports wants them."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import VERSION, published
from postroad.doctor.remedy import txt
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.report_destination import Authorization, destinations


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    for tag, place in await destinations(found.record, found.domain, examination.resolver):
        if place.authorization is Authorization.REFUSED:
            sentence = f"{place.uri.host} does not say that it wants reports about {found.domain} ({tag}= names it)"
            publish = (txt(place.name, VERSION),)
            yield Seen(Level.FAIL, f"{sentence}; it has to publish the record", publish)
        elif place.authorization is Authorization.GRANTED:
            yield Seen(Level.PASS, f"{place.name} wants the reports: {excerpt(place.uri.uri)}")


CHECK: Final = Check(
    "DM-09",
    Area.DMARC,
    "A domain of another organization that is to get reports says so, or nobody sends any there.",
    "RFC 9990 §4",
    _look,
)
