"""DM-03: the record can be read, and every tag of it."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import (
    JUDGED_APART,
    POLICY_TAGS,
    Published,
    discovered,
    is_meant_as_policy,
)
from postroad.doctor.checks.dmarc.slips import as_meant
from postroad.doctor.remedy import DnsRecord, txt
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.record import Note, Oddity
from postroad.mailauth.dmarc.tree_walk import Step
from postroad.mailauth.domain_name import is_within

_WRONG: Final = (Oddity.INVALID, Oddity.REPEATED, Oddity.MALFORMED)


async def _look(examination: Examination) -> Sight:
    found, steps = await discovered(examination)
    if found.record is not None and found.domain is not None:
        for seen in _of(Published(found.record, found.domain)):
            yield seen
    for step in steps:
        if found.domain is None or _is_passed_over(step, found.domain):
            for text in filter(is_meant_as_policy, step.texts):
                sentence = f"{step.name} has a text that is no DMARC record: {excerpt(text)}"
                yield Seen(Level.FAIL, sentence, _mended(step.name, text.decode("latin-1")))


def _is_passed_over(step: Step, domain: str) -> bool:
    """Whether receivers found nothing there, and went on to the record of a domain above."""
    return step.record is None and is_within(step.domain, domain)


def _of(published: Published) -> list[Seen]:
    notes = [note for note in published.record.notes if note.tag not in JUDGED_APART or note.oddity is Oddity.REPEATED]
    wrong = [note for note in notes if note.oddity in _WRONG]
    publish = _mended(published.name, published.record.text) if wrong else ()
    seen = [Seen(Level.FAIL if note.tag in POLICY_TAGS else Level.WARN, _shown(note), publish) for note in wrong]
    unknown = [note for note in notes if note.oddity is Oddity.UNKNOWN]
    return seen + [Seen(Level.INFO, f"{_shown(note)}; receivers pass over it") for note in unknown]


def _shown(note: Note) -> str:
    written = f"{note.tag}={note.text}" if note.tag and "=" not in note.text else note.text
    return f"{note.oddity.value}: {excerpt(written)}"


def _mended(name: str, text: str) -> tuple[DnsRecord, ...]:
    meant = as_meant(text)
    return () if meant is None else (txt(name, meant),)


CHECK: Final = Check(
    "DM-03",
    Area.DMARC,
    "The record begins with v=DMARC1, spelled so, and every tag has a value that it may have.",
    "RFC 9989 §4.7, §4.8",
    _look,
)
