"""A logo as BIMI wants it: SVG Tiny Portable/Secure, read without a DTD and within limits.

Source: draft-svg-tiny-ps-abrotman. What a reader could fetch, run or play has no place in it.
"""

import zlib
from collections.abc import Iterator
from typing import Final, NoReturn
from xml.parsers import expat

MAX_OCTETS: Final = 32 * 1024  # of a logo, unfolded (SVG-PS §2.1: "should not exceed 32 kilobytes")
MAX_UNFOLDED: Final = 1024 * 1024  # octets that a compressed file may become; a bomb stops here
_MAX_DEPTH: Final = 100  # elements within elements
_MAX_FAULTS: Final = 10  # that are told
_GZIP: Final = b"\x1f\x8b"
_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_FORBIDDEN: Final = {
    **dict.fromkeys(("script", "handler", "listener"), "runs something"),
    **dict.fromkeys(("animate", "animateColor", "animateMotion", "animateTransform", "set"), "moves"),
    **dict.fromkeys(("image", "foreignObject", "audio", "video", "animation", "a", "style"), "is not allowed"),
}


class NoSvg(ValueError):
    """This cannot be read; the text says why."""


def unfolded(octets: bytes) -> bytes:
    """The document, also where it is compressed (.svgz).

    Raises:
        NoSvg: it is no gzip file after all, or becomes too large.
    """
    if not octets.startswith(_GZIP):
        return octets
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)  # with gzip's header
    try:
        text = reader.decompress(octets, MAX_UNFOLDED)
    except zlib.error as fault:
        raise NoSvg(f"it is no gzip file: {fault}") from fault
    if reader.unconsumed_tail or not reader.eof:
        raise NoSvg(f"it is cut short, or has more than {MAX_UNFOLDED} octets")
    return text


def faults_of(octets: bytes) -> tuple[str, ...]:
    """What keeps a document from being a logo for BIMI.

    Raises:
        NoSvg: it is no well-formed XML, or has a document type definition.
    """
    text = unfolded(octets)
    reader = _Reader()
    reader.read(text)
    if len(text) > MAX_OCTETS:
        reader.faults.append(f"it has {len(text)} octets, more than {MAX_OCTETS}")
    return tuple(dict.fromkeys(reader.faults))[:_MAX_FAULTS]


class _Reader:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self._depth = 0
        self._title: list[str] | None = None  # the text of the root's title, while and after it is read
        self._in_title = False

    def read(self, text: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(text, True)
        except expat.ExpatError as fault:
            raise NoSvg(f"it is no well-formed XML: {expat.ErrorString(fault.code)}, line {fault.lineno}") from fault
        except NoSvg:
            raise
        except (ValueError, LookupError) as fault:  # expat asks Python for encodings, and many are none for it
            raise NoSvg(f"it is in no encoding that can be read: {fault}") from fault
        if self._title is None or not "".join(self._title).strip():
            self.faults.append("it has no <title>")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise NoSvg(f"its elements are nested more than {_MAX_DEPTH} deep")
        if self._depth == 1:
            self.faults += _of_root(namespace, local, attributes)
        if self._depth == 2 and local == "title":
            self._title, self._in_title = [], True
        if local in _FORBIDDEN:
            self.faults.append(f"<{local}> {_FORBIDDEN[local]}")
        self.faults += _of_attributes(attributes)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        self._in_title = self._in_title and self._depth > 1

    def _text(self, text: str) -> None:
        if self._in_title and self._title is not None:
            self._title.append(text)


def _of_root(namespace: str, local: str, attributes: dict[str, str]) -> Iterator[str]:
    if local != "svg" or namespace != _NAMESPACE:
        yield f"its root is no <svg xmlns={_NAMESPACE!r}>"
    if attributes.get("version") != "1.2":
        yield 'version is not "1.2"'
    if attributes.get("baseProfile") != "tiny-ps":
        yield 'baseProfile is not "tiny-ps"'
    yield from (f"its root has {name}=" for name in ("x", "y") if name in attributes)
    box = attributes.get("viewBox", "").replace(",", " ").split()
    try:
        sizes = [float(one) for one in box]
    except ValueError:
        sizes = []
    if len(sizes) != 4:
        yield "it has no viewBox"
    elif sizes[2] != sizes[3]:
        yield f"it is not square: {box[2]} by {box[3]}"


def _of_attributes(attributes: dict[str, str]) -> Iterator[str]:
    for name, value in attributes.items():
        local = name.rpartition(" ")[2]
        if local == "href" and not value.startswith("#"):
            yield "it refers to something outside"
        elif local.startswith("on"):
            yield f"{local}= runs something"
        elif "url(" in value and "url(#" not in value.replace(" ", "").replace("'", "").replace('"', ""):
            yield "it refers to something outside"


def _refuse(*_: object) -> NoReturn:
    raise NoSvg("it has a document type definition, which can do harm and is not allowed")
