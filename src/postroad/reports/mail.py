"""Reading a mail that came back: any bytes become a tree of parts, or are refused with a reason.

The structure is that of RFC 2045 and RFC 2046, read as leniently as returned mail needs: any line ends, a lost closing
delimiter, 8-bit octets where none belong, a header that ends without an empty line. Parts are slices of one buffer;
what a part says is decoded only when it is asked for.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postroad.errors import MessageError
from postroad.message import limits
from postroad.message.content_fields import TEXT, Parametered, encoding_of, essence_of, parametered
from postroad.message.header_decode import decoded, in_charset, octets_resolved, one_line

MAX_OCTETS: Final = limits.MAX_OCTETS  # of a mail: it may bring the whole message back
MAX_LINE_OCTETS: Final = 1_000_000  # RFC 5322 §2.1.1 allows 998; HTML of some senders stands in one line
MAX_TEXT_OCTETS: Final = 262_144  # of a part's text that is read; a hundred times what a notice says
MAX_PARAMETERS_OCTETS: Final = limits.MAX_MIME_FIELD_OCTETS

# RFC 5322 §2.2, with the white space before the colon of §4.5. Line ends are LF by then.
_FIELD: Final = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_ENVELOPE_LINE: Final = re.compile(rb"(?:[ \t]*\n)*(?:>?From [^\n]*\n)?")  # RFC 4155, and empty lines before a header
_MESSAGES: Final = frozenset({"message/rfc822", "message/global"})  # RFC 2046 §5.2.1, RFC 6532 §3.7
_SECTION: Final = re.compile(r"(filename|name)(?:\*(\d{1,3}))?(\*)?", re.IGNORECASE)  # RFC 2231 §3, §4
_PERCENT: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A mail, or a part of one.

    ``fields`` are its header's, names in lower case, values folded as they stood; ``essence`` is ``type/subtype`` in
    lower case; ``parts`` are those of a multipart, or the one message that a message/rfc822 holds.
    """

    fields: tuple[tuple[str, str], ...]
    essence: str
    encoding: str
    parts: tuple["Part", ...]
    _buffer: bytes
    _start: int
    _end: int

    def first(self, name: str) -> str:
        """The decoded text of the first field of that name (in lower case), in one line; empty where there is none."""
        for known, value in self.fields:
            if known == name:
                return decoded(value)
        return ""

    def all(self, name: str) -> list[str]:
        """The decoded texts of all fields of that name."""
        return [decoded(value) for known, value in self.fields if known == name]

    @property
    def content_type(self) -> Parametered:
        """The Content-Type with its parameters."""
        return _parameters(self.fields, "content-type")

    @property
    def filename(self) -> str:
        """The file's name as the sender gave it (RFC 2183 §2.3, RFC 2231), without a path; empty where there is none.

        It is text of a stranger: to be shown, never to be opened.
        """
        for field, wanted in (("content-disposition", "filename"), ("content-type", "name")):
            name = _named(_parameters(self.fields, field), wanted)
            if name:
                return name.replace("\\", "/").rpartition("/")[2].strip()
        return ""

    @property
    def body(self) -> bytes:
        """The body as it stands there, with LF line ends."""
        return self._buffer[self._start : self._end]

    def content(self) -> bytes:
        """The body without its transfer encoding (RFC 2045 §6); broken encodings give what can be read of them."""
        return _decoded(self.body, self.encoding)

    def text(self) -> str:
        """The content as text with LF line ends, at most ``MAX_TEXT_OCTETS`` of it."""
        # Base64 has four octets for three, and quoted-printable up to three for one (RFC 2045 §6.7, §6.8).
        body = self._buffer[self._start : min(self._end, self._start + 3 * MAX_TEXT_OCTETS)]
        octets = _decoded(body, self.encoding)[:MAX_TEXT_OCTETS]
        charset = self.charset
        text = in_charset(octets, charset) if charset else octets_resolved(octets.decode("ascii", "surrogateescape"))
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    @property
    def charset(self) -> str:
        """The charset that the part claims; empty where it claims none."""
        given = self.content_type.named("charset")
        return given[0].value.strip("\"' ").lower() if given else ""

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in their order."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.parts))


def read_mail(raw: bytes) -> Part:
    """Read a mail. Memory and time grow with its size alone.

    Raises:
        MessageError: it is larger, deeper, in more parts, or has longer lines than the limits here and in
            ``message.limits`` allow; or it is empty.
    """
    if not isinstance(raw, bytes | bytearray | memoryview):
        raise MessageError(f"raw: bytes are needed, not {type(raw).__name__}", field="raw")
    if len(raw) > MAX_OCTETS:
        raise _refused(f"the mail is too large: {len(raw)} octets, {MAX_OCTETS} allowed")
    octets = _with_plain_line_ends(bytes(raw))
    if not octets.strip():
        raise _refused("the mail is empty")
    _check_lines(octets)
    return _Reader().part(octets, 0, len(octets), TEXT, 0)


def read_fields(text: str, *, encoded_words: bool = True) -> tuple[tuple[str, str], ...]:
    """The header fields at the beginning of a text with LF line ends: names in lower case, values in one line.

    Encoded words are decoded unless the fields have none (RFC 3464 §2.1.2: a status has no RFC 2047)."""
    octets = text.encode("utf-8", "surrogateescape" if text.isascii() else "replace")
    fields, _ = _header(octets, 0, len(octets))
    read = decoded if encoded_words else _unencoded
    return tuple((name, read(value)) for name, value in fields)


def _unencoded(value: str) -> str:
    return one_line(octets_resolved(value))


def _refused(why: str) -> MessageError:
    return MessageError(f"raw: {why}", field="raw", advice="Give one mail as it was received, with its header.")


def _with_plain_line_ends(raw: bytes) -> bytes:
    if b"\r" in raw:
        # CR CR LF is what a gateway makes of a CRLF that it takes for a LF.
        raw = raw.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return raw.removeprefix(b"\xef\xbb\xbf")  # a byte order mark, as some editors leave one


def _check_lines(octets: bytes) -> None:
    position = 0
    while len(octets) - position > MAX_LINE_OCTETS:
        end = octets.rfind(b"\n", position, position + MAX_LINE_OCTETS + 1)
        if end < 0:
            raise _refused(f"a line is longer than {MAX_LINE_OCTETS} octets")
        position = end + 1


class _Reader:
    """Counts what one mail holds while it is read, so that a bomb is refused before it goes off."""

    def __init__(self) -> None:
        self._parts = 0
        self._fields = 0
        self._header_octets = 0

    def part(self, buffer: bytes, start: int, end: int, default: str, depth: int) -> Part:
        self._parts += 1
        if self._parts > limits.MAX_PARTS:
            raise _refused(f"more than {limits.MAX_PARTS} parts")
        if depth > limits.MAX_DEPTH:
            raise _refused(f"parts nested more than {limits.MAX_DEPTH} deep")
        fields, body = _header(buffer, start, end)
        self._count(len(fields), body - start)
        essence, encoding = _kind(fields, default)
        parts = self._inside(fields, essence, encoding, buffer, (body, end), depth)
        return Part(fields, essence, encoding, parts, buffer, body, end)

    def _count(self, fields: int, octets: int) -> None:
        self._fields += fields
        self._header_octets += octets
        if self._fields > limits.MAX_FIELDS or self._header_octets > limits.MAX_HEADER_OCTETS:
            raise _refused(f"more than {limits.MAX_FIELDS} fields or {limits.MAX_HEADER_OCTETS} octets of header")

    def _inside(
        self,
        fields: tuple[tuple[str, str], ...],
        essence: str,
        encoding: str,
        buffer: bytes,
        span: tuple[int, int],
        depth: int,
    ) -> tuple[Part, ...]:
        if essence in _MESSAGES:
            if encoding in ("base64", "quoted-printable"):  # against RFC 2046 §5.2.1, and found
                buffer = _with_plain_line_ends(_decoded(buffer[slice(*span)], encoding))
                span = (0, len(buffer))
            return (self.part(buffer, *span, TEXT, depth + 1),) if span[1] > span[0] else ()
        if not essence.startswith("multipart/"):
            return ()
        boundaries = _parameters(fields, "content-type").named("boundary")
        if not boundaries or not boundaries[0].value.rstrip():
            return ()
        delimiter = b"--" + boundaries[0].value.rstrip().encode("utf-8", "surrogateescape")
        default = "message/rfc822" if essence == "multipart/digest" else TEXT  # RFC 2046 §5.1.5
        return tuple(self.part(buffer, *inside, default, depth + 1) for inside in _split(buffer, *span, delimiter))


def _header(buffer: bytes, start: int, end: int) -> tuple[tuple[tuple[str, str], ...], int]:
    """The fields, and where the body begins."""
    fields = []
    position = start
    if start == 0 and (lead := _ENVELOPE_LINE.match(buffer)) is not None and _FIELD.match(buffer, lead.end(), end):
        position = lead.end()
    while found := _FIELD.match(buffer, position, end):
        fields.append((found[1].decode("ascii").lower(), found[2].decode("utf-8", "surrogateescape")))
        position = found.end()
    if buffer.startswith(b"\n", position, end):
        position += 1
    return tuple(fields), position


def _kind(fields: tuple[tuple[str, str], ...], default: str) -> tuple[str, str]:
    """What a part is, and how it is encoded."""
    essence, encoding = default, ""
    for name, value in fields:
        if name == "content-type":
            essence = essence_of(_unfolded(value)) or default
        elif name == "content-transfer-encoding":
            encoding = encoding_of(_unfolded(value))
    return essence, encoding


def _split(buffer: bytes, start: int, end: int, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """The parts of a multipart (RFC 2046 §5.1.1); the last one may lack its end, as in mail that was cut."""
    opened = -1
    position = start - 1 if start and buffer.startswith(delimiter, start) else start
    while (found := _delimiter(buffer, position, end, delimiter)) >= 0:
        line_end = buffer.find(b"\n", found + 1, end)
        line_end = end if line_end < 0 else line_end
        if opened >= 0:
            yield opened, max(opened, found)
        opened = min(line_end + 1, end)
        if buffer[found + 1 + len(delimiter) : line_end].rstrip(b" \t") == b"--":
            return
        position = line_end
    if opened >= 0:
        yield opened, end


def _delimiter(buffer: bytes, position: int, end: int, delimiter: bytes) -> int:
    """Where the line end before the next delimiter line stands; -1 where there is none."""
    wanted = b"\n" + delimiter
    while (found := buffer.find(wanted, position, end)) >= 0:
        line_end = buffer.find(b"\n", found + 1, end)
        rest = buffer[found + len(wanted) : end if line_end < 0 else line_end]
        if rest.rstrip(b" \t") in (b"", b"--"):
            return found
        position = found + 1
    return -1


def _unfolded(value: str) -> str:
    return value.replace("\n", " ").strip()[:MAX_PARAMETERS_OCTETS]


def _parameters(fields: tuple[tuple[str, str], ...], name: str) -> Parametered:
    value = next((_unfolded(value) for known, value in fields if known == name), "")
    if ";" not in value and not value.startswith("=?"):
        return Parametered(value, (), whole=True)
    # Against RFC 2047 §5, and what some composers make of a name that is not ASCII.
    return parametered(decoded(value) if value.startswith("=?") else value)


def _named(given: Parametered, wanted: str) -> str:
    """A file's name, put together from the sections of RFC 2231 where it came in some."""
    plain, sections = "", []
    for parameter in given.parameters:
        found = _SECTION.fullmatch(parameter.name)
        if found is None or found[1].lower() != wanted:
            continue
        if found[2] is None and found[3] is None:
            plain = plain or decoded(parameter.value)
        else:
            sections.append((int(found[2] or 0), found[3] is not None, parameter.value))
    return _joined(sorted(sections)) if sections else plain


def _joined(sections: list[tuple[int, bool, str]]) -> str:
    charset, octets = "utf-8", b""
    for number, extended, section in sections:
        value = section
        if extended and number == 0 and section.count("'") >= 2:
            charset, _, value = section.split("'", 2)
        raw = value.encode("utf-8", "surrogateescape")
        octets += _PERCENT.sub(lambda escape: bytes([int(escape[1], 16)]), raw) if extended else raw
    return in_charset(octets, charset or "utf-8")


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        digits = _NOT_BASE64.sub(b"", body)
        return binascii.a2b_base64(digits[: len(digits) - (len(digits) % 4 == 1)] + b"==")
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    return body
