"""DM-04: what the domain wishes for mail that fails."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.dmarc.published import Published, discovered, mailbox, published
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.policy import PolicyTag
from postroad.mailauth.dmarc.record import Policy


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    record = found.record
    if any(note.tag == "p" for note in record.misstated):
        raise NotApplicable("p= has no valid value, as DM-03 says")
    if record.p is None and not record.rua:
        publish = found.with_tags({"p": "none", "rua": f"mailto:{mailbox(found.domain)}"})
        hint = "say p=none for a while, and more when the reports show that your own mail passes"
        yield Seen(Level.FAIL, f"{found.name} has neither p= nor rua=: DMARC does not apply; {hint}", publish)
    elif record.p is None:
        yield Seen(Level.WARN, f"{found.name} has no p=, which counts as p=none", found.with_tags({"p": "quarantine"}))
    elif record.p is Policy.NONE and found.domain == examination.subject.domain:
        sentence = f"{found.name} has p=none: mail in your name that fails is only reported"
        hint = "when the reports show that your own mail passes, ask for more"
        yield Seen(Level.WARN, f"{sentence}; {hint}", found.with_tags({"p": "quarantine"}))
    elif record.misstated:
        raise NotApplicable(f"{record.misstated[0].tag}= has no valid value, as DM-03 says")
    else:
        yield await _of_subdomain(found, examination)


async def _of_subdomain(found: Published, examination: Examination) -> Seen:
    """The policy that counts for the domain: below the one that has the record, sp= comes before p=."""
    discovery, _ = await discovered(examination)
    tag = discovery.tag or PolicyTag.P
    if discovery.policy is Policy.NONE:
        domain = examination.subject.domain
        sentence = (
            f"{found.name} has {tag}=none, which counts for {domain}: mail in its name that fails is only reported"
        )
        return Seen(Level.WARN, sentence, found.with_tags({tag: "quarantine"}))
    return Seen(Level.PASS, f"{found.name} has {tag}={discovery.policy}")


CHECK: Final = Check(
    "DM-04",
    Area.DMARC,
    "The policy is p=quarantine or p=reject; p=none is where to begin, and the least that bulk senders need.",
    "RFC 9989 §4.7, §4.10.1",
    _look,
)
