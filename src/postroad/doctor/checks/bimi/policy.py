"""BIMI-02: DMARC is enforced, without which no receiver shows a logo."""

import re
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.bimi.published import needed
from postroad.doctor.checks.dmarc.published import Published, discovered, mailbox
from postroad.doctor.questions import Unanswered
from postroad.doctor.remedy import txt
from postroad.lint.finding import Level
from postroad.lookup import Answer, RecordType, Status
from postroad.mailauth.dmarc.record import Oddity, Policy

_FEWER: Final = re.compile(r"0?\d{1,2}")  # per cent than 100 (RFC 7489 §6.4: up to three digits)


async def _look(examination: Examination) -> Sight:
    await needed(examination)
    domain = examination.subject.domain
    found, _ = await discovered(examination)
    if found.uncertain:
        raise Unanswered(Answer(f"_dmarc.{domain}", RecordType.TXT, Status.FAILED, reason=found.uncertain))
    if found.record is None or found.domain is None:
        record = txt(f"_dmarc.{domain}", f"v=DMARC1; p=quarantine; rua=mailto:{mailbox(domain)}")
        yield Seen(Level.FAIL, f"{domain} has no DMARC policy", (record,))
        return
    published = Published(found.record, found.domain)
    changes = _changes(published)
    if changes:
        publish = published.with_tags({tag: _AS_WANTED[tag] for tag in changes})
        yield Seen(Level.FAIL, f"{published.name} has {', '.join(changes.values())}", publish)
    else:
        yield Seen(Level.PASS, f"{published.name} has p={found.record.own_policy}")


_AS_WANTED: Final[dict[str, str | None]] = {"p": "quarantine", "sp": "quarantine", "t": None, "pct": None}


def _changes(published: Published) -> dict[str, str]:
    """What is in the way, by the tag that is to be changed."""
    record, changes = published.record, dict[str, str]()
    if record.own_policy is Policy.NONE:
        changes["p"] = "p=none, or no valid one"
    if record.sp is Policy.NONE:
        changes["sp"] = "sp=none"
    if record.testing:
        changes["t"] = "t=y"
    pct = dict(published.odd(Oddity.REMOVED)).get("pct", "")
    if _FEWER.fullmatch(pct):
        changes["pct"] = f"pct={pct}"
    return changes


CHECK: Final = Check(
    "BIMI-02",
    Area.BIMI,
    "The DMARC policy is quarantine or reject, for subdomains too, without t=y, and for all mail.",
    "draft-brand-indicators-for-message-identification §7",
    _look,
)
