"""SPF-13: nothing is left of what came before SPF."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.lint.finding import Level
from postroad.lookup import RecordType, Status

_SENDER_ID: Final = b"spf2.0/"


async def _look(examination: Examination) -> Sight:
    for domain in examination.subject.spf_domains:
        for text in (await examination.ask(domain, RecordType.TXT)).texts:
            if text.lower().startswith(_SENDER_ID):
                yield Seen(Level.WARN, f"{domain} has a record of Sender ID, which nobody reads: {excerpt(text)}; "
                           "take it away")  # fmt: skip
        if (await examination.ask(domain, RecordType.SPF)).status is Status.FOUND:
            yield Seen(Level.INFO, f"{domain} has a record of the type SPF (99), which nobody asks for; take it away")


CHECK: Final = Check(
    "SPF-13",
    Area.SPF,
    "There is no record of Sender ID (spf2.0), nor of the type SPF, any more: both came to their end.",
    "RFC 7208 §3.1, RFC 6686 §6",
    _look,
)
