"""DM-03: the record can be read, and every tag of it."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import VERSION, Published, discovered, is_meant_as_policy
from postroad.doctor.remedy import DnsRecord, txt
from postroad.doctor.tag_text import retagged
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.record import Note, Oddity, is_dmarc_record

_ELSEWHERE: Final = frozenset({"rua", "ruf", "fo", "psd"})  # tags that checks of their own are about
_POLICIES: Final = frozenset({"p", "sp", "np"})
_WRONG: Final = (Oddity.INVALID, Oddity.REPEATED, Oddity.MALFORMED)


async def _look(examination: Examination) -> Sight:
    found, steps = await discovered(examination)
    if found.record is not None and found.domain is not None:
        for seen in _of(Published(found.record, found.domain)):
            yield seen
        return
    for step in steps:
        for text in filter(is_meant_as_policy, step.texts):
            sentence = f"{step.name} has a text that is no DMARC record: {excerpt(text)}"
            yield Seen(Level.FAIL, sentence, _mended(step.name, text))


def _of(published: Published) -> list[Seen]:
    notes = [note for note in published.record.notes if note.tag not in _ELSEWHERE or note.oddity is Oddity.REPEATED]
    wrong = [note for note in notes if note.oddity in _WRONG]
    publish = published.with_tags(_corrected(wrong)) if wrong else ()
    seen = [Seen(Level.FAIL if note.tag in _POLICIES else Level.WARN, _shown(note), publish) for note in wrong]
    unknown = [note for note in notes if note.oddity is Oddity.UNKNOWN]
    return seen + [Seen(Level.INFO, f"{_shown(note)}; receivers pass over it") for note in unknown]


def _corrected(wrong: list[Note]) -> dict[str, str | None]:
    """Without the tags that say nothing; a policy that nobody can read becomes the mildest."""
    return {note.tag: "none" if note.tag == "p" else None for note in wrong if note.tag}


def _shown(note: Note) -> str:
    written = f"{note.tag}={note.text}" if note.tag and "=" not in note.text else note.text
    return f"{note.oddity.value}: {excerpt(written)}"


def _mended(name: str, text: bytes) -> tuple[DnsRecord, ...]:
    """The text with its version said right: exactly DMARC1, first, without quotes, parted from the rest."""
    bare = " ".join(text.decode("latin-1").split()).strip("\"' ")
    rest = bare[bare.lower().find("dmarc1") + len("dmarc1") :].replace("\\", "").strip("; ")
    mended = retagged(f"{VERSION}; {rest}", {})
    return (txt(name, mended),) if mended.isprintable() and is_dmarc_record(mended.encode()) else ()


CHECK: Final = Check(
    "DM-03",
    Area.DMARC,
    "The record begins with v=DMARC1, spelled so, and every tag has a value that it may have.",
    "RFC 9989 §4.7, §4.8",
    _look,
)
