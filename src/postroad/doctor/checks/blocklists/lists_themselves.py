"""BL-02: each list passes the test that tells whether it works; one that does not is ignored."""

from typing import Final

from postroad.doctor.blocklist import Entry, Kind, Word
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.blocklists.asked import is_silent, lists_of, tests_of
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    kinds = (Kind.ADDRESS, Kind.DOMAIN) if examination.subject.ips else (Kind.DOMAIN,)
    lists = [one for kind in kinds for one in lists_of(kind, examination)]
    if not lists:
        raise NotApplicable("no list is to be asked")
    told: dict[tuple[Level, str], list[str]] = {}
    for blocklist, test in zip(lists, await tests_of(lists, examination), strict=True):
        told.setdefault(_said(test), []).append(blocklist.zone)
    for (level, said), zones in told.items():
        yield Seen(level, f"{', '.join(zones)}: {said}")


def _said(test: Entry) -> tuple[Level, str]:
    if test.word is Word.CLEAN:
        return Level.PASS, "works"
    return (Level.UNKNOWN, test.reason) if is_silent(test) else (Level.INFO, f"ignored, for {test.reason}")


CHECK: Final = Check(
    "BL-02",
    Area.BLOCKLISTS,
    "A list that is believed lists its test entry, and not everything.",
    "RFC 5782 §5",
    _look,
)
