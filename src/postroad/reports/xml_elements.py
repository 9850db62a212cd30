"""Reads XML of strangers (XML 1.0) as a stream, within limits: DTDs and with them entities are refused.

Expat reads; what is kept of an element is its name without prefix, in lower case, and its text or its children. The
children of the wanted element are handed out one by one, so that a report of any length takes the memory of one record.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NoReturn
from xml.parsers import expat

from postroad.reports.containers import refuse
from postroad.reports.deviations import shown

MAX_DEPTH: Final = 20  # elements within elements; a DMARC report has 5
MAX_CHILD_OCTETS: Final = 1_000_000  # of a child of the wanted element; a record has 1,000, and 300 for each signature
MAX_TAG_OCTETS: Final = 100_000  # of one tag or comment; the longest of real reports name a few namespaces
_MAX_NAMES: Final = 1_000  # different names of elements that are remembered; the RFCs have 40
_CHUNK: Final = 65_536  # octets; what is fed at once

Value = str | tuple[tuple[str, "Value"], ...]
"""An element: its text, stripped, where it holds no elements; else their names and values, in their order."""
Children = tuple[tuple[str, Value], ...]

_DECLARATION: Final = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]{0,39})[\"']")
_SIGNS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UNMARKED: Final = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))  # XML 1.0 Appendix F.1
# What Python knows and a report may be in. Others of its codecs take quadratic time, or are no charsets at all.
_CHARSETS: Final = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?12\d\d|cp12\d\d|koi8-?[ru]|gb2312|gbk|gb18030|big5"
    r"|shift[-_]?jis|sjis|euc-?jp|iso-2022-jp|euc-?kr",
    re.IGNORECASE,
)
_ADVICE: Final = "Ask the reporter for it again, and tell them what is wrong with it."


@dataclass(frozen=True, slots=True)
class Root:
    """The wanted element itself: the namespace it is in, and the elements that begin before it."""

    namespace: str
    before: tuple[str, ...]


def read_elements(octets: bytes, wanted: str, take: Callable[[str, Value], None], note: Callable[[str], None]) -> Root:
    """Hand each child of the first element of that name to ``take``; what is odd about the XML, to ``note``.

    Raises:
        MessageError: it is no well-formed XML up to the end of that element, is without it, has a DTD, is in a charset
            that nobody knows, or goes beyond the limits here.
    """
    charset, octets = _charset(octets, note)
    reader = _Reader(wanted, take, note)
    for chunk in _chunks(octets, charset):
        reader.feed(chunk)
    return reader.finish()


# ── charsets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _charset(octets: bytes, note: Callable[[str], None]) -> tuple[str, bytes]:
    """What the octets are in (XML 1.0 §4.3.3), and they without a byte order mark and what else stands before."""
    for sign, charset in _SIGNS:
        if octets.startswith(sign):
            return charset, octets[len(sign) :]
    for sign, charset in _UNMARKED:
        if octets.startswith(sign):
            return charset, octets
    start = octets.lstrip()
    if len(start) < len(octets):
        note("white space stands before the XML")
    found = _DECLARATION.match(start)
    named = found[1].decode("ascii") if found else "utf-8"
    if named.lower().startswith(("utf-16", "ucs-2", "iso-10646-ucs")):  # but a declaration that was read is in octets
        note(f"it says that it is in {named}, and is in UTF-8")
        named = "utf-8"
    if not _CHARSETS.fullmatch(named):
        refuse(f"it is in the charset {named}, which is not known", _ADVICE)
    return named, start


def _chunks(octets: bytes, charset: str) -> Iterator[bytes]:
    """The octets in UTF-8, so that expat has to know no other charset."""
    if charset.lower() in ("utf-8", "utf8"):
        yield from (octets[start : start + _CHUNK] for start in range(0, len(octets), _CHUNK))
        return
    decoder = _decoder(charset)
    for start in range(0, len(octets), _CHUNK):
        try:
            text = decoder.decode(octets[start : start + _CHUNK], start + _CHUNK >= len(octets))
        except UnicodeDecodeError as error:
            refuse(f"it is not in {charset}, as it says: {error.reason}", _ADVICE)
        yield text.encode("utf-8", "replace")


def _decoder(charset: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(charset)("strict")
    except LookupError:
        refuse(f"it is in the charset {charset}, which is not known", _ADVICE)


# ── elements ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Reader:
    """Feeds expat and watches how much it keeps; first looks for the wanted element, then reads what is in it."""

    def __init__(self, wanted: str, take: Callable[[str, Value], None], note: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._take = take
        self._note = note
        self._root: Root | None = None
        self._before: list[str] = []
        self._done = False
        self._broken = False  # behind the end of the wanted element
        self._fed = 0  # octets
        self._taken_at = 0  # octets that were fed when a child last came to its end
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_dtd
        self._parser.StartElementHandler = self._search

    def feed(self, chunk: bytes) -> None:
        if self._broken:
            return
        self._fed += len(chunk)
        self._parse(chunk, final=False)
        # A tag is kept whole until it ends, and one without an end would be kept for ever.
        if self._fed - max(self._parser.CurrentByteIndex, 0) > MAX_TAG_OCTETS + _CHUNK:
            refuse(f"a tag has more than {MAX_TAG_OCTETS} octets", _ADVICE)
        if not self._done and self._fed - self._taken_at > MAX_CHILD_OCTETS + _CHUNK:
            refuse(f"an element of the report has more than {MAX_CHILD_OCTETS} octets", _ADVICE)

    def finish(self) -> Root:
        if not self._broken:
            self._parse(b"", final=True)
        if self._root is None:
            self._refuse_other()
        return self._root

    def _parse(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            why = f"{expat.ErrorString(error.code)}, line {error.lineno}, column {error.offset + 1}"
            if not self._done:
                refuse(f"it is no well-formed XML: {why}", _ADVICE)
            # What a report says is complete when its element ends; a wrapper without end takes nothing from it.
            self._note(f"around the report the XML is not well-formed: {expat.ErrorString(error.code)}")
            self._broken = True

    def _search(self, name: str, attributes: dict[str, str]) -> None:
        prefix, _, local = name.rpartition(":")
        if local.lower() == self._wanted:
            namespace = attributes.get(f"xmlns:{prefix}" if prefix else "xmlns", "")
            self._root = Root(namespace, tuple(self._before))
            self._read(_Names(prefix, self._note))
            return
        self._before.append(name)
        if len(self._before) > MAX_DEPTH:
            self._refuse_other()

    def _read(self, names: "_Names") -> None:
        start, end, text = _handlers(names, self._child, self._close, self._note)
        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end
        self._parser.CharacterDataHandler = text

    def _child(self, name: str, value: Value) -> None:
        self._taken_at = self._fed
        self._take(name, value)

    def _close(self) -> None:
        self._done = True
        self._parser.StartElementHandler = self._after
        self._parser.EndElementHandler = None
        self._parser.CharacterDataHandler = None

    def _after(self, name: str, _attributes: dict[str, str]) -> None:
        self._note(f"behind the report stands another element: {shown(name)}")
        self._parser.StartElementHandler = None

    def _refuse_dtd(self, *_: object) -> NoReturn:
        refuse("it has a document type definition", "No report needs one, and some do harm; tell the reporter.")

    def _refuse_other(self) -> NoReturn:
        found = f"its root is {shown(self._before[0])}" if self._before else "it is empty"
        refuse(f"it holds no <{self._wanted}>; {found}", "Give a DMARC aggregate report.")


class _Names(dict[str, str]):
    """From names in the XML to those of the RFC. One of another namespace keeps its prefix: it is an extension."""

    def __init__(self, prefix: str, note: Callable[[str], None]) -> None:
        self._prefix = prefix
        self._note = note

    def __missing__(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        if prefix != self._prefix:
            return name
        if local != local.lower():
            self._note(f"the element {shown(local)} is not in lower case")
        if len(self) < _MAX_NAMES:
            self[name] = local.lower()
        return local.lower()


def _handlers(
    names: _Names, child: Callable[[str, Value], None], close: Callable[[], None], note: Callable[[str], None]
) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None], Callable[[str], None]]:
    """Expat's handlers of a tag's start, its end, and text. They run 60,000 times for a report of a megabyte: closures
    take a third less time than methods, and text goes from expat to a list without any Python code."""
    texts: list[str] = []
    waiting: list[list[tuple[str, Value]] | None] = []  # of the elements around the one that is read
    children: list[tuple[str, Value]] | None = None

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal children
        if texts:
            if not texts[0].isspace():
                note(f"text stands before the element {shown(name)}, between others")
            texts.clear()
        waiting.append(children)
        children = None
        if len(waiting) > MAX_DEPTH:
            refuse(f"its elements are nested more than {MAX_DEPTH} deep", _ADVICE)

    def end(name: str) -> None:
        nonlocal children
        value: Value = tuple(children) if children else "".join(texts).strip()
        texts.clear()
        if len(waiting) > 1:
            children = waiting.pop()
            if children is None:
                children = [(names[name], value)]
            else:
                children.append((names[name], value))
        elif waiting:
            children = waiting.pop()
            child(names[name], value)
        else:
            close()

    return start, end, texts.append
