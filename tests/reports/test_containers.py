"""What a report comes in: what is inside comes out, and what would burst is refused."""

import gzip
import io
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.reports.containers import MAX_ENTRIES, MAX_MEMBERS, is_archive, is_bare, unpacked
from tests.reports.report_files import REPORT, zipped

ZIPPED = zipped({"report.xml": REPORT})
MOST_MEMORY = 300_000_000  # octets of addresses: Python, our modules, and twice the largest report


def changed(archive: bytes, place: int, form: str, value: int) -> bytes:
    octets = bytearray(archive)
    struct.pack_into(form, octets, place, value)
    return bytes(octets)


def with_flags(archive: bytes, flags: int) -> bytes:
    return changed(archive, archive.index(b"PK\x01\x02") + 8, "<H", flags)


def with_method(archive: bytes, method: int) -> bytes:
    return changed(archive, archive.index(b"PK\x01\x02") + 10, "<H", method)


def with_size(archive: bytes, size: int) -> bytes:
    return changed(archive, archive.index(b"PK\x01\x02") + 24, "<L", size)


def with_checksum(archive: bytes) -> bytes:
    return changed(archive, archive.index(b"PK\x01\x02") + 16, "<L", 1)


@pytest.mark.parametrize(
    "packed",
    [
        REPORT,
        b"\xef\xbb\xbf" + REPORT,
        gzip.compress(REPORT, mtime=0),
        gzip.compress(REPORT, mtime=0) + b"\0" * 512,
        gzip.compress(REPORT[:300], mtime=0) + gzip.compress(REPORT[300:], mtime=0),
        ZIPPED,
        zipped({"report.xml": REPORT}, zipfile.ZIP_STORED),
        zipped({"folder/": b"", "folder/report.xml": REPORT, "__MACOSX/._report.xml": b"\0\5"}),
        zipped({"readme.txt": b"hello", "report.xml": REPORT}),
        zipped({"report": REPORT}),
    ],
    ids=lambda packed: f"{packed[:2]!r} {len(packed)}",
)
def test_what_is_inside_comes_out(packed: bytes) -> None:
    assert unpacked(packed).removeprefix(b"\xef\xbb\xbf") == REPORT


def test_a_zip_that_was_written_as_a_stream_is_read() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.octets = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, octets: object) -> int:
            taken = bytes(octets)  # type: ignore[call-overload]  # any buffer; its type is nameless before 3.12
            self.octets += taken
            return len(taken)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.xml", REPORT)
    assert unpacked(bytes(pipe.octets)) == REPORT


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "neither XML nor JSON"),
        (b"From: a@example.com\n\nhello", "neither XML nor JSON"),
        (b"PK", "neither XML nor JSON"),
        (gzip.compress(b"", mtime=0), "neither XML nor JSON"),
        (gzip.compress(b"GIF89a", mtime=0), "neither XML nor JSON"),
        (gzip.compress(REPORT, mtime=0)[:-9], "cut short"),
        (gzip.compress(REPORT, mtime=0)[:40], "neither XML nor JSON"),
        (gzip.compress(REPORT, mtime=0)[:-8] + b"\0" * 8, "damaged"),
        (gzip.compress(gzip.compress(REPORT, mtime=0), mtime=0), "archive within an archive"),
        (gzip.compress(ZIPPED, mtime=0), "archive within an archive"),
        (zipped({"report.zip": ZIPPED}), "archive within an archive"),
        (zipped({"report.xml.gz": gzip.compress(REPORT, mtime=0)}), "archive within an archive"),
        (ZIPPED[:-30], "no directory"),
        (ZIPPED[:200] + ZIPPED[300:], "directory"),
        (zipped({}), "holds 0 files"),
        (zipped({"a.xml": REPORT, "b.xml": REPORT}), "holds 2 files"),
        (zipped({f"{number}.xml": b"<a/>" for number in range(MAX_ENTRIES + 1)}), f"holds {MAX_ENTRIES + 1} files"),
        (with_flags(ZIPPED, 1), "encrypted"),
        (with_method(ZIPPED, 14), "method 14"),
        (with_size(ZIPPED, 5), "length and checksum"),
        (with_size(ZIPPED, 1 << 31), "length and checksum"),
        (with_checksum(ZIPPED), "length and checksum"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_with_its_reason(octets: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why) as caught:
        unpacked(octets)
    assert caught.value.field == "report"
    assert caught.value.advice


BOMBS = """
import gzip, io, resource, sys, zipfile, zlib
from postroad.errors import MessageError
from postroad.reports.containers import unpacked
from postroad.reports.report_file import report_in_file

def packed(begin, size, window):
    packer = zlib.compressobj(1, zlib.DEFLATED, window)
    pieces = [packer.compress(begin)]
    spaces = b" " * 1_000_000
    pieces += [packer.compress(spaces) for _ in range(size // 1_000_000)]
    return b"".join(pieces) + packer.flush()

def zipped(entries, body, size):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED if entries > 1 else zipfile.ZIP_DEFLATED) as archive:
        for number in range(entries):
            archive.writestr(f"{number}.xml", body)
    whole = file.getvalue()
    # The directory says that there is little inside.
    return whole.replace(len(body).to_bytes(4, "little"), size.to_bytes(4, "little"))

xml = b"<feedback><report_metadata><org_name>"
bombs = {
    "gzip of spaces": packed(b"", 60_000_000, 31),
    "gzip of XML": packed(xml, 60_000_000, 31),
    "gzip of JSON": packed(b"{", 60_000_000, 31),
    "gzip of many members": packed(xml, 10_000_000, 31) + packed(b"", 10_000_000, 31) * 100,
    "zip of ten thousand": zipped(10_000, b"<feedback/>", 11),
    "zip that lies": zipped(1, xml + b" " * 60_000_000, 40),
    "gzip in gzip": gzip.compress(packed(xml, 5_000_000, 31), mtime=0),
    "XML of one tag": packed(b"<feedback " + b"a" * 10_000_000, 0, 31),
    "XML of attributes": packed(b"<feedback " + b"a='' " * 8_000_000, 0, 31),
    "XML of depth": packed(b"<feedback>" + b"<a>" * 15_000_000, 0, 31),
    "XML of width": packed(b"<feedback><record>" + b"<a/>" * 12_000_000, 0, 31),
    "XML of roots": packed(b"<a>" * 16_000_000, 0, 31),
    "XML of comments": packed(b"<feedback><!--" + b" " * 49_000_000, 0, 31),
    "XML of records": packed(b"<feedback>" + b"<record>" * 6_000_000, 0, 31),
    "JSON of lists": packed(b'{"policies":' + b"[" * 4_000_000, 0, 31),
    "JSON of numbers": packed(b'{"policies":[' + b"1," * 2_000_000, 0, 31),
    "JSON of digits": packed(b'{"policies":' + b"1" * 4_000_000 + b"}", 0, 31),
}
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
for name, bomb in bombs.items():
    try:
        report_in_file(bomb)
    except MessageError as refused:
        print(f"{name}: {refused}")
    else:
        sys.exit(f"{name} was read")
"""


def test_a_gzip_file_has_few_members() -> None:
    """A megabyte of them, one octet each, would be copied as often."""
    report, space = gzip.compress(REPORT, mtime=0), gzip.compress(b" ", mtime=0)
    assert unpacked(report + space * (MAX_MEMBERS - 1)) == REPORT + b" " * (MAX_MEMBERS - 1)
    with pytest.raises(MessageError, match=r"more than 1000 members"):
        unpacked(report + space * MAX_MEMBERS)


def test_bombs_are_refused_in_bounded_memory() -> None:
    """In a process of its own that gets no more memory; there Python would end with a MemoryError."""
    command = [sys.executable, "-c", BOMBS, str(MOST_MEMORY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 17


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from([ZIPPED, gzip.compress(REPORT, mtime=0), REPORT]))
def test_whatever_it_is_it_is_unpacked_or_refused(patch: bytes, place: int, archive: bytes) -> None:
    octets = archive[:place] + patch + archive[place + len(patch) :]
    try:
        assert is_bare(unpacked(octets))
    except MessageError as refused:
        assert refused.field == "report"  # noqa: PT017 - this is the other good end


def test_a_mail_is_no_report_by_its_beginning() -> None:
    for mail in (b"Return-Path: <>\r\n", b"From x Mon Nov 23\n", b"\n\nSubject: x\n"):
        assert not is_bare(mail)
        assert not is_archive(mail)
