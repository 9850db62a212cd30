"""DK-06: the key may be used for what it is used for."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.dkim.published import Published, readable
from postroad.doctor.tag_text import retagged
from postroad.lint.finding import Level
from postroad.mailauth.dkim.key_lookup import EMAIL
from postroad.mailauth.dkim.record import KeyRecord


async def _look(examination: Examination) -> Sight:
    for one, record in await readable(examination):
        faults = _faults(one, record)
        publish = one.instead(_unrestricted(one.text, record)) if faults else ()
        for level, sentence in faults:
            yield Seen(level, sentence, publish)


def _faults(one: Published, record: KeyRecord) -> list[tuple[Level, str]]:
    faults = []
    if record.hashes is not None and "sha256" not in record.hashes:
        faults.append((Level.FAIL, f"{one.name} allows no sha256: h={':'.join(record.hashes)}"))
    if not record.serves(EMAIL):
        faults.append((Level.FAIL, f"{one.name} is not for email: s={':'.join(record.services)}"))
    if record.testing:
        faults.append((Level.WARN, f"{one.name} says t=y: receivers may treat the mail as if it were not signed"))
    return faults


def _unrestricted(text: str, record: KeyRecord) -> str:
    kept = ":".join(flag for flag in record.flags if flag != "y")
    return retagged(text, {"h": "sha256", "s": None, "t": kept or None})


CHECK: Final = Check(
    "DK-06",
    Area.DKIM,
    "A key allows sha256 (h=), is for email (s=), and is not marked as a test (t=y).",
    "RFC 6376 §3.6.1",
    _look,
)
