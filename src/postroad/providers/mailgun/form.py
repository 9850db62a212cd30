"""``multipart/form-data`` (RFC 7578): fields and files in one body, the same fields the same octets."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))')
_PARAMETER: Final = re.compile(r';\s*(name|filename)="([^"]*)"')


class Field(NamedTuple):
    """``filename`` makes it a file."""

    name: str
    content: bytes
    filename: str | None = None
    content_type: str | None = None


def written(fields: Iterable[Field]) -> tuple[str, bytes]:
    """The Content-Type, and the body."""
    parts = [_part(one) for one in fields]
    boundary = hashlib.sha256(b"".join(parts)).hexdigest()[:32]  # what nobody can put into its own digest
    separator = f"--{boundary}".encode()
    body = b"".join(separator + b"\r\n" + part + b"\r\n" for part in parts) + separator + b"--\r\n"
    return f"multipart/form-data; boundary={boundary}", body


def _part(field: Field) -> bytes:
    head = f'Content-Disposition: form-data; name="{_quoted(field.name)}"'
    if field.filename is not None:
        head += f'; filename="{_quoted(field.filename)}"'
        head += f"\r\nContent-Type: {field.content_type or 'application/octet-stream'}"
    return head.encode() + b"\r\n\r\n" + field.content


def _quoted(name: str) -> str:
    # As browsers do it (the HTML standard's multipart/form-data encoding).
    return re.sub('[\r\n"]', lambda found: f"%{ord(found[0]):02X}", name)


def read(content_type: str, body: bytes) -> list[Field]:
    """The fields of a form in either of its encodings.

    Raises:
        ValueError: it is none.
    """
    if content_type.startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
        return [Field(name, value.encode()) for name, value in pairs]
    boundary = _BOUNDARY.search(content_type)
    if not content_type.startswith("multipart/form-data") or boundary is None:
        raise ValueError("no form")
    # RFC 2046 §5.1.1: the delimiter begins with the line end before it.
    pieces = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("the form has no end")
    return [_field(piece.removeprefix(b"\r\n")) for piece in pieces[1:-1]]


def _field(part: bytes) -> Field:
    head, separator, content = part.partition(b"\r\n\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in map(_split, head.decode().split("\r\n"))}
    disposition = dict(_PARAMETER.findall(fields.get("content-disposition", "")))
    if not separator or "name" not in disposition:
        raise ValueError("a part without a name")
    return Field(_plain(disposition["name"]), content, _filename(disposition), fields.get("content-type"))


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _filename(disposition: dict[str, str]) -> str | None:
    name = disposition.get("filename")
    return None if name is None else _plain(name)


def _plain(name: str) -> str:
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
