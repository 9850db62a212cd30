"""What is to be published so that a finding goes: DNS records and files, complete, in the form that is pasted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from postroad.lookup import RecordType

_STRING: Final = 255  # octets of a TXT record's string (RFC 1035 §3.3)
_ESCAPED: Final = {ord("\\"): "\\\\", ord('"'): '\\"'}  # RFC 1035 §5.1
_TXT_LINE: Final = re.compile(r'(\S+)\. IN TXT (?:\( )?("(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*")*)(?: \))?')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record to publish, in the place of those that do the same job at its name.

    ``text`` is the value as people write it: of TXT the octets without quotes, of other types what stands in a zone
    file behind the type. ``name`` is without its final dot.
    """

    name: str
    kind: RecordType
    text: str

    @property
    def line(self) -> str:
        """As zone files have it, on one line; a long TXT record in several strings (RFC 1035 §5.1, RFC 7208 §3.3)."""
        if self.kind is not RecordType.TXT:
            return f"{self.name}. IN {self.kind} {self.text}"
        strings = [f'"{one.translate(_ESCAPED)}"' for one in _pieces(self.text)]
        value = strings[0] if len(strings) == 1 else f"( {' '.join(strings)} )"
        return f"{self.name}. IN TXT {value}"


@dataclass(frozen=True, slots=True)
class WebDocument:
    """A file to put on a web server, in the place of what is there."""

    url: str
    text: str

    @property
    def line(self) -> str:
        """The address behind a #, and the file's lines under it."""
        return f"# {self.url}\n{self.text.rstrip()}"


Remedy: TypeAlias = DnsRecord | WebDocument


def txt(name: str, text: str) -> DnsRecord:
    """A TXT record."""
    return DnsRecord(name, RecordType.TXT, text)


def lines(records: Iterable[Remedy]) -> str | None:
    """What a finding says under ``publish``: a line for each record, none twice."""
    return "\n".join(dict.fromkeys(record.line for record in records)) or None


def read_line(line: str) -> DnsRecord | None:
    """The TXT record that ``DnsRecord.line`` wrote; ``None``: it is something else."""
    read = _TXT_LINE.fullmatch(line)
    if read is None:
        return None
    strings = [re.sub(r"\\(.)", r"\1", one[1]) for one in _QUOTED.finditer(read[2])]
    return txt(read[1], "".join(strings))


def _pieces(text: str) -> list[str]:
    return [text[start : start + _STRING] for start in range(0, len(text), _STRING)] or [""]
