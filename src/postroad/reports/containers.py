"""What a report comes in: a bare file, gzip (RFC 1952; RFC 7489 §7.2.1.1, RFC 8460 §5.2), or zip, which many send.

Archives come from strangers: no length that one claims is believed, and nothing grows beyond the limits.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final, NoReturn

from postroad.errors import MessageError

MAX_OCTETS: Final = 50_000_000  # of a report, unpacked; 200 times what a large receiver sends about a large sender
MAX_MEMBERS: Final = 1_000  # of a gzip file; one as a rule, and bgzip begins another every 64 kB
MAX_ENTRIES: Final = 50  # files in a zip; there should be one, and archivers on a Mac add some of their own

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")  # byte order marks (Unicode §23.8)
_SPACE: Final = b" \t\r\n\0"  # with the zeros of UTF-16

# The names are those of the zip format's own description, APPNOTE.TXT 6.3, §4.3.7, §4.3.12 and §4.3.16.
_END: Final = struct.Struct("<4s4H2LH")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MAX_COMMENT: Final = 65_535  # octets behind the end record
_ENCRYPTED: Final = 0x41  # bits 0 and 6 of an entry's flags
_STORED, _DEFLATED = 0, 8

_DAMAGED: Final = "Ask the reporter for it again; the file is damaged or was cut short."
_TOO_MUCH: Final = "A report is one XML or JSON file, bare or packed once. Unpack it yourself if you trust its sender."


def is_archive(octets: bytes) -> bool:
    return octets.startswith((_GZIP, *_ZIP))


def is_bare(octets: bytes) -> bool:
    """Whether this looks like XML or JSON by its first octets; a mail never does, its first is a field's name."""
    return octets.startswith(_MARKS[1:]) or octets.removeprefix(_MARKS[0])[:1_000].lstrip(_SPACE)[:1] in (b"<", b"{")


def unpacked(octets: bytes) -> bytes:
    """The report's own octets.

    Raises:
        MessageError: it is neither XML nor JSON nor an archive of one such file, it is damaged, encrypted or an archive
            within an archive, or it is larger than ``MAX_OCTETS``.
    """
    found = _gunzipped(octets) if octets.startswith(_GZIP) else _unzipped(octets) if octets.startswith(_ZIP) else octets
    if len(found) > MAX_OCTETS:
        refuse(f"the report has more than {MAX_OCTETS} octets", _TOO_MUCH)
    if is_archive(found):
        refuse("an archive within an archive", _TOO_MUCH)
    if not is_bare(found):
        refuse("it holds neither XML nor JSON", "Give a DMARC or TLS report, or the mail that brought it.")
    return found


def refuse(why: str, advice: str) -> NoReturn:
    """Say why a report is not read, and what to do."""
    raise MessageError(f"report: {why}", field="report", advice=advice)


# ── gzip ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _gunzipped(octets: bytes) -> bytes:
    """All members (RFC 1952 §2.2); padding behind them is not looked at."""
    whole = b""
    members = 0
    while octets.startswith(_GZIP):
        members += 1
        if members > MAX_MEMBERS:  # each costs a copy of what stands behind it
            refuse(f"the archive has more than {MAX_MEMBERS} members", _TOO_MUCH)
        member, octets = _inflated(octets, zlib.MAX_WBITS | 16, MAX_OCTETS - len(whole), whole)
        whole += member
        if not is_bare(whole):
            break
    return whole


def _inflated(octets: bytes, window: int, room: int, before: bytes = b"") -> tuple[bytes, bytes]:
    """What one stream unpacks to, and what stands behind it. No more is unpacked than there is room for."""
    stream = zlib.decompressobj(window)
    try:
        start = stream.decompress(octets, 1_024)
        # Most bombs are nothing but zeros or spaces. What does not begin like a report is not unpacked at all.
        if not is_bare(before or start):
            return start, b""
        whole = start + stream.decompress(stream.unconsumed_tail, room + 1)
    except zlib.error as error:
        refuse(f"the archive is damaged: {error}", _DAMAGED)
    if len(whole) > room:
        refuse(f"it unpacks to more than {MAX_OCTETS} octets", _TOO_MUCH)
    if not stream.eof:
        refuse("the archive is cut short", _DAMAGED)
    return whole, stream.unused_data.lstrip(b"\0")


# ── zip ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    flags: int
    method: int
    checksum: int
    packed: int  # octets
    size: int  # octets
    place: int  # of the local header, counted from the archive's begin


def _unzipped(octets: bytes) -> bytes:
    entry = _the_file(_entries(octets))
    if entry.flags & _ENCRYPTED:
        refuse("the archive is encrypted", "Ask the reporter to send it without a password.")
    packed = _packed(octets, entry)
    if entry.method == _STORED:
        whole = packed[: MAX_OCTETS + 1]
    elif entry.method == _DEFLATED:
        whole, _ = _inflated(packed, -zlib.MAX_WBITS, MAX_OCTETS)
    else:
        refuse(f"the archive is packed by method {entry.method}, not by deflate", _TOO_MUCH)
    if is_bare(whole) and (len(whole) != entry.size or zlib.crc32(whole) != entry.checksum):
        refuse("the archive is damaged: what it holds has not the length and checksum that it names", _DAMAGED)
    return whole


def _entries(octets: bytes) -> list[_Entry]:
    """The central directory, which alone says what a zip holds."""
    end = octets.rfind(b"PK\x05\x06", max(0, len(octets) - _END.size - _MAX_COMMENT))
    if end < 0 or end + _END.size > len(octets):
        refuse("the archive is cut short: it has no directory", _DAMAGED)
    _, _, _, _, count, size, place, _ = _END.unpack_from(octets, end)
    if count > MAX_ENTRIES:
        refuse(f"the archive holds {count} files, a report is one", _TOO_MUCH)
    lead = end - size - place  # octets before the archive, as in a self-extracting one
    entries, position = [], place + lead
    if lead < 0:
        refuse("the archive's directory is not where it should be", _DAMAGED)
    for _ in range(count):
        entry, position = _entry(octets, position, lead)
        entries.append(entry)
    return entries


def _entry(octets: bytes, position: int, lead: int) -> tuple[_Entry, int]:
    if octets[position : position + 4] != b"PK\x01\x02" or position + _ENTRY.size > len(octets):
        refuse("the archive's directory is damaged", _DAMAGED)
    read = _ENTRY.unpack_from(octets, position)
    flags, method, checksum, packed, size = read[3], read[4], read[7], read[8], read[9]
    name_end = position + _ENTRY.size + read[10]
    name = octets[position + _ENTRY.size : name_end].decode("utf-8", "replace")
    entry = _Entry(name, flags, method, checksum, packed, size, lead + read[16])
    return entry, name_end + read[11] + read[12]


def _the_file(entries: list[_Entry]) -> _Entry:
    """The one that is a report: not a folder, not what a Mac puts beside each file."""
    files = [entry for entry in entries if not entry.name.endswith("/") and not _is_by_the_way(entry.name)]
    likely = [entry for entry in files if entry.name.lower().endswith((".xml", ".json"))]
    if len(likely) == 1:
        return likely[0]
    if len(files) != 1:
        refuse(f"the archive holds {len(files)} files, a report is one", "Unpack it, and give each report by itself.")
    return files[0]


def _is_by_the_way(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("._")


def _packed(octets: bytes, entry: _Entry) -> bytes:
    if octets[entry.place : entry.place + 4] != b"PK\x03\x04" or entry.place + _LOCAL.size > len(octets):
        refuse("the archive's directory points to nothing", _DAMAGED)
    read = _LOCAL.unpack_from(octets, entry.place)
    start = entry.place + _LOCAL.size + read[9] + read[10]
    if start + entry.packed > len(octets):
        refuse("the archive is cut short", _DAMAGED)
    return octets[start : start + entry.packed]
