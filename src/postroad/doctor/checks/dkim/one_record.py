"""DK-01: each selector has a key, and one."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dkim.published import Published, published
from postroad.lint.finding import Level
from postroad.lookup import RecordType


async def _look(examination: Examination) -> Sight:
    for one in await published(examination):
        if len(one.texts) == 1:
            yield Seen(Level.PASS, f"{one.name} has one record")
        elif one.texts:
            shown = " / ".join(excerpt(text) for text in one.texts)
            sentence = f"{one.name} has {len(one.texts)} records; which one counts is undefined: {shown}"
            yield Seen(Level.FAIL, f"{sentence}; publish one in their place", one.remedy)
        else:
            yield Seen(Level.FAIL, await _missing(one, examination), one.remedy)


async def _missing(one: Published, examination: Examination) -> str:
    domain = examination.subject.domain
    await examination.ask(domain, RecordType.TXT)  # who does not answer for the domain is not believed about a key
    sentence = f"there is no key at {one.name}"
    # Panels add the domain to whatever is typed in, so who types it, too, has it twice.
    doubled = f"{one.name}.{domain}"
    if (await examination.ask(doubled, RecordType.TXT)).texts:
        sentence += f", but at {doubled}: the domain was written twice"
    return sentence if one.key else f"{sentence} (--key shows the record)"


CHECK: Final = Check(
    "DK-01",
    Area.DKIM,
    "Every selector that signs has one TXT record at SELECTOR._domainkey.DOMAIN, and no second.",
    "RFC 6376 §3.6.2",
    _look,
)
