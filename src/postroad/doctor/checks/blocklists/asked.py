"""Asking all lists of one kind, each only if it passes its self-test, and what their words come to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from postroad.doctor.blocklist import UNTESTED, Blocklist, Entry, Kind, Weight, Word, ask, self_test, usual_blocklists
from postroad.doctor.check import Examination, NotApplicable, Seen, excerpt
from postroad.lint.finding import Level
from postroad.lookup import RecordType

MAX_EXPLANATION: Final = 200  # characters of what a list says of an entry


def lists_of(kind: Kind, examination: Examination) -> tuple[Blocklist, ...]:
    """Those that are to be asked."""
    known = examination.beyond.blocklists
    return tuple(one for one in (usual_blocklists() if known is None else known) if one.kind is kind)


async def tests_of(lists: Sequence[Blocklist], examination: Examination) -> list[Entry]:
    """How each does in its self-test."""
    return await asyncio.gather(*(self_test(one, examination.aside) for one in lists))


async def entries(
    names: Sequence[tuple[str, str]], lists: Sequence[Blocklist], examination: Examination
) -> AsyncIterator[Seen]:
    """What lists that can be believed say about names; each comes with how people call it."""
    asked = False
    for blocklist, test in zip(lists, await tests_of(lists, examination), strict=True):
        if is_silent(test):
            asked = True
            yield Seen(Level.UNKNOWN, f"{blocklist.zone} could not be asked: {test.reason}")
        elif test.word is Word.CLEAN or test == UNTESTED:
            tell = _entry if test.word is Word.CLEAN else _untested_entry
            for seen in await asyncio.gather(*(tell(blocklist, name, called, examination) for name, called in names)):
                asked = asked or seen is not None
                if seen is not None:
                    yield seen
    if not asked:
        raise NotApplicable("no list passes its own test (BL-02)")


def is_silent(test: Entry) -> bool:
    """The list said nothing of its test points: it, or the way to it, refuses the question or is down."""
    return test.word is Word.SILENCE or (test.word is Word.ERROR and bool(test.codes))


async def _entry(blocklist: Blocklist, name: str, called: str, examination: Examination) -> Seen:
    entry = await ask(blocklist, name, examination.aside)
    if entry.word is Word.CLEAN:
        return Seen(Level.PASS, f"{called} is not on {blocklist.zone}")
    if entry.word is not Word.LISTED:
        return Seen(Level.UNKNOWN, f"{blocklist.zone} about {called}: {entry.reason}")
    level = Level.FAIL if blocklist.weight is Weight.MAJOR else Level.WARN
    why = await _explanation(f"{name}.{blocklist.zone}", examination)
    about = f"; see {blocklist.about}" if blocklist.about else ""
    return Seen(level, f"{called} is on {blocklist.zone} ({', '.join(entry.codes)}){why}{about}")


async def _untested_entry(blocklist: Blocklist, name: str, called: str, examination: Examination) -> Seen | None:
    """Of a list without its test entry, that something is not listed says nothing; what else it says may be true."""
    seen = await _entry(blocklist, name, called, examination)
    if seen.level is Level.UNKNOWN:
        return seen
    if seen.level is Level.PASS or blocklist.weight is not Weight.MAJOR:
        return None
    return Seen(Level.WARN, f"the list's own test entry is missing, so look it up: {seen.text}")


async def _explanation(name: str, examination: Examination) -> str:
    """What the list says beside (RFC 5782 §2.1: a TXT record)."""
    texts = (await examination.aside.lookup(name, RecordType.TXT)).texts
    return f": {excerpt(texts[0][:MAX_EXPLANATION])}" if texts else ""
