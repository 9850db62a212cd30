"""A message's header as it stands there: its fields in their order, folded, with their octets."""

import re
from dataclasses import dataclass
from typing import Final

_FIELD: Final = re.compile(
    rb"([!-9;-~]++)[ \t]*+:([^\r\n]*+(?:\r?\n|\Z)(?:[ \t][^\r\n]*+(?:\r?\n|\Z))*+)"
)  # §2.2, §4.5


@dataclass(frozen=True, slots=True)
class Field:
    """``name`` is in lower case, ``value`` what stands behind the colon, ``octets`` all of it with its line ends.

    Octets of the value that are no UTF-8 are kept by surrogates (PEP 383).
    """

    name: str
    value: str
    octets: bytes


def read_header(octets: bytes) -> tuple[tuple[Field, ...], bytes]:
    """The fields of a message (RFC 5322 §2.2), and what follows: an empty line and the body, or what is no field.

    Lines end with LF or CRLF. A leading ``From `` line of an mbox (RFC 4155) is dropped.
    """
    position = octets.find(b"\n") + 1 or len(octets) if octets.startswith(b"From ") else 0
    fields = []
    while found := _FIELD.match(octets, position):
        value = found[2].decode("utf-8", "surrogateescape")
        fields.append(Field(found[1].decode("ascii").lower(), value, found[0]))
        position = found.end()
    return tuple(fields), octets[position:]
