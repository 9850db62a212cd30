"""What somebody meant who wrote a policy record that cannot be read so."""

import re
from difflib import get_close_matches
from typing import Final

from postroad.doctor.checks.dmarc.published import JUDGED_APART, POLICY_TAGS, VERSION
from postroad.doctor.tag_text import retagged
from postroad.mailauth.dmarc.record import Alignment, DmarcRecord, Oddity, Policy, read_record

_KNOWN: Final = "v|p|sp|np|adkim|aspf|psd|t|rua|ruf|fo|pct|rf|ri"
# Commas and spaces where semicolons belong. A comma also stands between the addresses of rua=, where no tag follows.
_SEPARATOR: Final = re.compile(rf"[\s,;]+(?=(?:{_KNOWN})\s*=)", re.IGNORECASE)
_SAID_VERSION: Final = re.compile(r"\bv\s*=\s*dmarc\s?\d*[\s;,]*", re.IGNORECASE)
_ALIGNMENTS: Final = {"relaxed": Alignment.RELAXED, "strict": Alignment.STRICT}
_LIKE: Final = 0.7  # of the letters of a word, in difflib's measure: "rejct" and "quarentine", but not "block"


def as_meant(text: str) -> str | None:
    """The record in which every tag is read; ``None``: nothing of it can be made out.

    The version comes first, and tags are parted by semicolons. A value that is nearly one becomes that; of two for one
    tag the first stays; any other goes, and a policy becomes the mildest.
    """
    bare = " ".join(text.replace("\\", "").replace('"', "").split()).strip("' ")
    tags = _SEPARATOR.sub("; ", _SAID_VERSION.sub("", bare, count=1)).strip("; ,")
    written = retagged(f"{VERSION}; {tags}", {})
    record = read_record(written.encode())
    if record is None or not written.isprintable():
        return None
    return retagged(written, _corrected(record))


def _corrected(record: DmarcRecord) -> dict[str, str | None]:
    odd = [note for note in record.notes if note.oddity is Oddity.INVALID and note.tag not in JUDGED_APART]
    return {note.tag: _near(note.tag, note.text.partition("=")[2] or note.text) for note in odd}


def _near(tag: str, value: str) -> str | None:
    if tag in POLICY_TAGS:
        near = get_close_matches(value.lower(), [one.value for one in Policy], n=1, cutoff=_LIKE)
        return near[0] if near else (Policy.NONE.value if tag == "p" else None)
    return _ALIGNMENTS.get(value.lower())
