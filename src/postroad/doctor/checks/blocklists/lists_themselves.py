"""BL-02: each list passes the test that tells whether it works; one that does not is ignored."""

from typing import Final

from postroad.doctor.blocklist import Kind, Word
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.blocklists.asked import lists_of, tests_of
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    kinds = (Kind.ADDRESS, Kind.DOMAIN) if examination.subject.ips else (Kind.DOMAIN,)
    lists = [one for kind in kinds for one in lists_of(kind, examination)]
    if not lists:
        raise NotApplicable("no list is to be asked")
    for blocklist, test in zip(lists, await tests_of(lists, examination), strict=True):
        if test.word is Word.CLEAN:
            yield Seen(Level.PASS, f"{blocklist.zone} works")
        elif test.word is Word.SILENCE or (test.word is Word.ERROR and test.codes):
            yield Seen(Level.UNKNOWN, f"{blocklist.zone}: {test.reason}")
        else:
            yield Seen(Level.INFO, f"{blocklist.zone} is ignored: {test.reason}")


CHECK: Final = Check(
    "BL-02",
    Area.BLOCKLISTS,
    "A list that is believed lists its test entry, and not everything.",
    "RFC 5782 §5",
    _look,
)
