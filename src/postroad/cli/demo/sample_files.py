"""Small real files, made in code: a picture and a PDF that any program opens."""

import struct
import zlib
from typing import Final

_SIDE: Final = 48  # pixels
_PAPER, _INK, _FLAP = b"\xf6\xf1\xe7", b"\x1f\x4e\x79", b"\xd9\x5f\x3b"


def picture() -> bytes:
    """An envelope with a red flap, as PNG (ISO/IEC 15948): 8 bits RGB, 48 by 48 pixels."""
    rows = b"".join(b"\0" + b"".join(_pixel(x, y) for x in range(_SIDE)) for y in range(_SIDE))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


def _pixel(x: int, y: int) -> bytes:
    if not (4 <= x < 44 and 10 <= y < 38):
        return b"\xff\xff\xff"
    if x in (4, 43) or y in (10, 37):
        return _INK
    depth = y - 10  # the flap is a triangle whose point is two thirds down
    return _FLAP if abs(x - 24) < 20 - depth * 1.1 else _PAPER


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def pdf(line: str) -> bytes:
    """One A4 page with one line of ASCII text, as PDF 1.4 with a correct cross-reference table (ISO 32000-1 §7.5)."""
    escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("ascii")
    drawing = b"BT /F1 24 Tf 72 770 Td (" + escaped + b") Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 %s >> >> >>"
        % b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
    )
    file, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(file))
    return bytes(file) + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer
