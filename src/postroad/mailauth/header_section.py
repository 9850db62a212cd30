"""A message as signatures see it: header fields with their exact octets, and the body, in lines of CRLF."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from postroad.message import limits

# RFC 5322 §2.2.3: what begins with white space continues the field above it.
_FIELD: Final = re.compile(rb"(([^\n:]*+)(:?)[^\n]*+\n(?:[ \t][^\n]*+\n)*+)")
# RFC 5322 §2.3 has no CR without LF; to some readers it ends a line all the same.
_FROM_BEHIND_CR: Final = re.compile(rb"(?i)\rfrom[ \t]*:([^\r\n]*)")


class Field(NamedTuple):
    """``key`` is the name in lower case, without white space before the colon (RFC 5322 §4.5); ``raw`` the whole field
    with its folding and its last CRLF. A line that is no field has the key ``b""``, so that nothing can name it."""

    key: bytes
    raw: bytes

    @property
    def value(self) -> bytes:
        """What stands after the colon, folding and all."""
        return self.raw.partition(b":")[2]


@dataclass(frozen=True, slots=True)
class Signable:
    """The fields as they stand, top first, and the body behind the empty line. ``cut``: there are more fields."""

    fields: tuple[Field, ...]
    body: bytes
    cut: bool = False

    def named(self, key: bytes) -> list[Field]:
        """All fields of this name (in lower case), top first."""
        return [field for field in self.fields if field.key == key]

    def senders(self) -> list[bytes]:
        """The values of all From fields, and of those that only some readers see: behind a bare CR, or with white space
        before the first field of all. Who reads which is not known, so each of them counts."""
        values = [field.value for field in self.fields[:1] if field.key.lstrip(b" \t") == b"from" != field.key]
        for field in self.fields:
            values += [field.value] if field.key == b"from" else []
            values += _FROM_BEHIND_CR.findall(field.raw) if field.raw.count(b"\r") > field.raw.count(b"\n") else []
        return values


def read(content: bytes) -> Signable:
    """Header and body of any bytes. A bare LF is read as CRLF (RFC 6376 §5.3); the header ends at the first empty line.

    A line in the header that is no field stays in its place: what others took for a header when they signed is not
    cut off here.
    """
    return read_lines(with_crlf(content))


def received(content: bytes) -> Signable:
    """The same of what a stranger sent, with the fields of the first megabyte of the header, ten thousand at the most.

    The header is divided from the body, and cut, before it is looked at: ten megabytes of short lines are a second's
    work for each reader.
    """
    header, body = divided(with_crlf(content))
    within = header
    if len(header) > limits.MAX_HEADER_OCTETS:
        within = header[: header.rfind(b"\n", 0, limits.MAX_HEADER_OCTETS) + 1]
    fields = tuple(islice(_fields(within), limits.MAX_FIELDS))
    return Signable(fields, body, cut=sum(len(field.raw) for field in fields) < len(header))


def read_lines(content: bytes) -> Signable:
    """The same of a content that is known to have no bare LF."""
    header, body = divided(content)
    return Signable(tuple(_fields(header)), body)


def with_crlf(content: bytes) -> bytes:
    """The content with CRLF for each bare LF; a bare CR stays."""
    if content.count(b"\n") == content.count(b"\r\n"):
        return content
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def divided(content: bytes) -> tuple[bytes, bytes]:
    """The header, complete to its last CRLF, and the body behind the empty line; CRLF line ends are expected."""
    if content.startswith(b"\r\n"):
        return b"", content[2:]
    end = content.find(b"\r\n\r\n")
    if end >= 0:
        return content[: end + 2], content[end + 4 :]
    return (content if content.endswith(b"\n") or not content else content + b"\r\n"), b""


def _fields(header: bytes) -> Iterator[Field]:
    for found in _FIELD.finditer(header):
        raw, name, colon = found.groups()
        yield Field(name.rstrip(b" \t").lower() if colon else b"", raw)
