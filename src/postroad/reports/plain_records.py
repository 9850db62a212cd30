"""Most of a long DMARC report are records of one plain shape. They are cut out of it here, and expat reads the rest.

A record of that shape is in ASCII, its tags have no attributes, its texts no references, and it has no comments: it
can be cut into tags and texts by a regular expression, three times as fast as expat calls Python for each. In its place
stands an empty element with its number, so that expat still judges the whole, and says where the records stand: in the
report, or in a comment. Whatever is written in any other way stays, and is read by expat alone.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from postroad.reports.xml_elements import MAX_DEPTH, Children, Value

MAX_OCTETS: Final = 20_000  # of a record that is read here; it has 600, and 250 for each signature
_MAX_KNOWN: Final = 10_000  # blocks that are remembered, and as many rows of them

MARK: Final = "_--."  # without letters, so that it is the same in upper and in lower case
_START, _END = b"<record>", b"</record>"
_MARK: Final = MARK.encode()
_PLAIN: Final = b"\t\n\r" + bytes(range(0x20, 0x7F))  # what is a character of XML (XML 1.0 §2.2), in ASCII
_HEAD: Final = re.compile(
    rb"<record>\s*+<row>\s*+<source_ip>([^<&]*+)</source_ip>\s*+<count>([^<&]*+)</count>\s*+<policy_evaluated>"
)
_TAG: Final = re.compile(r"<(/?)([a-z_]++)>([^<]*+)")


@dataclass(frozen=True, slots=True)
class Shortened:
    """A report with marks in place of its plain records; each mark stands for a run of them."""

    octets: bytes
    runs: list[list[Value]]

    def records(self, name: str) -> list[Value]:
        """Those that stood where the element of this name stands now."""
        return self.runs[int(name.removeprefix(MARK))]


def shortened(octets: bytes) -> Shortened:
    """The report in fewer octets, or as it is."""
    if _START not in octets or octets.translate(None, _PLAIN) or b"]]>" in octets or _MARK in octets:
        return Shortened(octets, [])
    kept: list[bytes] = []
    runs: list[list[Value]] = []
    read = _Reader().record
    position = 0
    while (start := octets.find(_START, position)) >= 0 and (end := octets.find(_END, start)) >= 0:
        end += len(_END)
        between = octets[position:start]
        record = read(octets[start:end]) if end - start <= MAX_OCTETS else None
        if record is None:
            kept.append(octets[position:end])
        elif runs and kept[-1].startswith(b"<" + _MARK) and not between.strip():
            runs[-1].append(record)
        else:
            kept += (between, b"<%s%d/>" % (_MARK, len(runs)))
            runs.append([record])
        position = end
    kept.append(octets[position:])
    return Shortened(b"".join(kept), runs)


class _Reader:
    """Remembers what it read: most records differ from others in address and count alone, and most blocks of the rest
    are like those of another."""

    def __init__(self) -> None:
        self._children = lru_cache(maxsize=_MAX_KNOWN)(_children)
        self._blocks = lru_cache(maxsize=_MAX_KNOWN)(self._read_blocks)

    def record(self, octets: bytes) -> Value | None:
        """The record, where it is of the plain shape."""
        head = _HEAD.match(octets)
        blocks = self._blocks(octets[head.end() :]) if head is not None else None
        if head is None or blocks is None:
            return None
        evaluated, identifiers, results = blocks
        source_ip, count = head[1].decode("ascii").strip(), head[2].decode("ascii").strip()
        row = (("source_ip", source_ip), ("count", count), ("policy_evaluated", evaluated))
        return ("row", row), ("identifiers", identifiers), ("auth_results", results)

    def _read_blocks(self, octets: bytes) -> tuple[Value, Value, Value] | None:
        """What stands behind ``<policy_evaluated>``."""
        evaluated, row_end, rest = self._block(octets, b"</policy_evaluated>", b"<identifiers>")
        identifiers, between, rest = self._block(rest, b"</identifiers>", b"<auth_results>")
        results, end, rest = self._block(rest, b"</auth_results>", _END)
        if evaluated is None or identifiers is None or results is None or rest:
            return None
        if row_end.strip() != b"</row>" or between.strip() or end.strip():
            return None
        return evaluated or "", identifiers or "", results or ""

    def _block(self, octets: bytes, end: bytes, next_: bytes) -> tuple[Children | None, bytes, bytes]:
        """What an element holds that ends with ``end``, what is behind it up to ``next_``, and what behind that."""
        block, ended, rest = octets.partition(end)
        between, begun, rest = rest.partition(next_)
        if not ended or not begun:
            return None, b"", b""
        return self._children(block), between, rest


def _children(octets: bytes) -> Children | None:
    """The elements of a block; ``None`` where it holds anything but plain tags, and text anywhere but in a leaf."""
    block = octets.decode("ascii")
    tags = _TAG.findall(block)
    if (
        "&" in block
        or len(tags) != block.count("<")
        or (block and not block.lstrip().startswith("<") and not block.isspace())
    ):
        return None
    waiting: list[tuple[str, list[tuple[str, Value]]]] = []
    children: list[tuple[str, Value]] = []
    said = ""
    for slash, name, text in tags:
        if not slash:
            if (said and not said.isspace()) or len(waiting) > MAX_DEPTH - 3:
                return None
            waiting.append((name, children))
            children, said = [], text
            continue
        if not waiting or waiting[-1][0] != name or (text and not text.isspace()):
            return None
        value: Value = tuple(children) if children else said.strip()
        children, said = waiting.pop()[1], ""
        children.append((name, value))
    return None if waiting else tuple(children)
