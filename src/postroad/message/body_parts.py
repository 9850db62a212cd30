"""What the parts of a MIME message say: its text, its HTML, its files (RFC 2046 §5.1, RFC 8621 §4.1.4)."""

from __future__ import annotations  # Message is generic for type checkers only

import re
from email.generator import BytesGenerator
from email.utils import collapse_rfc2231_value
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroad.errors import MessageError
from postroad.message import limits
from postroad.message.attachment import MAX_FILENAME_CHARACTERS, Attachment, InlineImage, is_cid
from postroad.message.encode import canonical_lines
from postroad.message.header_decode import decoded, in_charset, one_line
from postroad.message.media_type import OCTET_STREAM, MediaType, extension_of
from postroad.message.plain_text import plain_text

_SURROGATES_OR_NUL: Final = re.compile("[\x00\ud800-\udfff]")
_PARAMETER: Final = re.compile(r"[!#$%&'+.^_`{|}~0-9a-z-]+")

if TYPE_CHECKING:
    from email.message import Message

    Part = Message[Any, Any]


class _Piece(NamedTuple):
    """One stretch of the body, in one form or in both."""

    text: str | None
    html: str | None


class _Context(NamedTuple):
    """Where a part stands."""

    container: str = "mixed"  # subtype of the multipart around it
    first: bool = True  # nothing stands before it there
    related: bool = False  # somewhere within a multipart/related


def read_body(message: Part) -> dict[str, Any]:
    """The arguments ``text``, ``html`` and ``attachments`` of the ``Email`` that the message's body stands for.

    Raises:
        MessageError: more parts, or deeper ones, than ``limits`` allows.
    """
    reader = _Reader()
    reader.read(message, _Context(), 0)
    return reader.arguments()


class _Reader:
    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._files: list[tuple[Part, _Context]] = []
        self._parts = 0

    def read(self, part: Part, context: _Context, depth: int) -> None:
        self._parts += 1
        if depth > limits.MAX_DEPTH or self._parts > limits.MAX_PARTS:
            raise MessageError("message: too many parts, or parts nested too deep", field="message")
        payload: Any = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            self._read_multipart(part.get_content_subtype(), payload, context, depth)
        elif _is_body(part, context):
            self._pieces.append(_piece(part))
        else:
            self._files.append((part, context))

    def _read_multipart(self, subtype: str, parts: list[Part], context: _Context, depth: int) -> None:
        before = len(self._pieces)
        related = context.related or subtype == "related"
        for index, part in enumerate(parts):
            self.read(part, _Context(subtype, index == 0, related), depth + 1)
        if subtype == "alternative":
            self._pieces[before:] = _one_piece(self._pieces[before:])

    def arguments(self) -> dict[str, Any]:
        html = _joined_html(self._pieces)
        files = _Files()
        for part, context in self._without_repeated_invitation():
            files.add(part, inline=context.related and html is not None)
        text = _joined_text(self._pieces)
        return {
            "text": "" if text is None and html is None and not files.found else text,
            "html": html,
            "attachments": tuple(files.found),
        }

    def _without_repeated_invitation(self) -> list[tuple[Part, _Context]]:
        """An invitation comes as alternative and as file (RFC 6047 §2.4); the file makes both again."""
        calendars = [part for part, _ in self._files if part.get_content_type() == "text/calendar"]
        as_files = {_lines(part) for part in calendars if _given_name(part)}
        repeated = [part for part in calendars if not _given_name(part) and _lines(part) in as_files]
        return [(part, context) for part, context in self._files if not any(part is other for other in repeated)]


def _is_body(part: Part, context: _Context) -> bool:
    if part.get_content_type() not in ("text/plain", "text/html"):
        return False
    if part.get_content_disposition() == "attachment":
        return False
    if context.first or context.container == "alternative":
        return True
    return context.container != "related" and not _given_name(part)


def _lines(part: Part) -> bytes:
    return canonical_lines(_octets(part)).rstrip()


def _piece(part: Part) -> _Piece:
    charset = part.get_content_charset() or "us-ascii"
    text = in_charset(_octets(part), charset).replace("\r\n", "\n").replace("\r", "\n")
    text = _SURROGATES_OR_NUL.sub("\ufffd", text)
    return _Piece(None, text) if part.get_content_subtype() == "html" else _Piece(text, None)


def _one_piece(pieces: list[_Piece]) -> list[_Piece]:
    """The forms of one content, joined: the richest, which stands last, is what the sender meant."""
    if not pieces:
        return []
    text = next((piece.text for piece in pieces if piece.text is not None), None)
    html = next((piece.html for piece in reversed(pieces) if piece.html is not None), None)
    return [_Piece(text, html)]


def _joined_text(pieces: list[_Piece]) -> str | None:
    if all(piece.text is None for piece in pieces):
        return None
    return _joined([piece.text if piece.text is not None else plain_text(piece.html or "") for piece in pieces])


def _joined_html(pieces: list[_Piece]) -> str | None:
    if all(piece.html is None for piece in pieces):
        return None
    return _joined([piece.html if piece.html is not None else _as_html(piece.text or "") for piece in pieces])


def _as_html(text: str) -> str:
    return f"<pre>{escape(text, quote=False)}</pre>\n" if text.strip() else ""


def _joined(pieces: list[str]) -> str:
    if len(pieces) == 1:
        return pieces[0]
    return "".join(piece if piece.endswith("\n") or not piece else f"{piece}\n" for piece in pieces)


class _Files:
    """The files of a message as they are found; each gets the name it needs."""

    def __init__(self) -> None:
        self.found: list[Attachment] = []
        self._cids: set[str] = set()

    def add(self, part: Part, *, inline: bool) -> None:
        content = _octets(part)
        media_type = _media_type(part)
        name = _file_name(part) or f"part-{len(self.found) + 1}{extension_of(media_type.essence)}"
        cid = decoded(str(part.get("content-id", ""))).strip("<> ") if inline else ""
        if is_cid(cid) and cid not in self._cids:
            self._cids.add(cid)
            self.found.append(InlineImage(content, cid, name, str(media_type)))
        else:  # a second file of one Content-ID, or one that no cid: URL can name, is a file like any other
            self.found.append(Attachment(content, name, str(media_type)))


def _octets(part: Part) -> bytes:
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        children = [_flattened(child) for child in payload]
        if part.get_content_type() == "message/delivery-status":
            # RFC 3464 §2.1: groups of fields, which were read as headers; the empty line behind each is between them.
            return b"\n".join(child.removesuffix(b"\n") for child in children)
        return b"".join(children)
    # A payload that was set as text and never encoded. (Where octets were, U+FFFD shows for what is not ASCII.)
    if isinstance(payload, str) and not payload.isascii() and "\ufffd" not in payload:
        return payload.encode("utf-8", "surrogateescape")
    octets = part.get_payload(decode=True)
    return octets if isinstance(octets, bytes) else b""


def _flattened(message: Part) -> bytes:
    buffer = BytesIO()
    BytesGenerator(buffer, mangle_from_=False, maxheaderlen=0).flatten(message)
    return buffer.getvalue()


def _media_type(part: Part) -> MediaType:
    essence = part.get_content_type()
    texts = [essence if part.get_content_maintype() != "multipart" else OCTET_STREAM]
    for name, value in (part.get_params() or [])[1:]:
        text = collapse_rfc2231_value(value)
        if _is_plain_parameter(name.lower(), text):
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            texts.append(f'{name}="{escaped}"')
    return _parsed("; ".join(texts)) or _parsed(texts[0]) or MediaType("application", "octet-stream")


def _is_plain_parameter(name: str, value: str) -> bool:
    if name in ("name", "boundary") or not _PARAMETER.fullmatch(name):
        return False
    return value.isascii() and value.isprintable()


def _parsed(text: str) -> MediaType | None:
    try:
        return MediaType.parse(text)
    except MessageError:
        return None


def _given_name(part: Part) -> str:
    for field, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = part.get_param(parameter, header=field)
        if isinstance(value, tuple):  # RFC 2231: decoded once, so what looks like an encoded word is none
            return one_line(collapse_rfc2231_value(value))
        if value:
            return decoded(value)
    return ""


def _file_name(part: Part) -> str:
    base = _given_name(part).replace("\\", "/").rpartition("/")[2].strip()
    if base in ("", ".", ".."):
        return ""
    stem, dot, extension = base.rpartition(".")
    if len(base) <= MAX_FILENAME_CHARACTERS:
        return base
    kept = MAX_FILENAME_CHARACTERS - len(dot + extension)
    return f"{stem[:kept]}{dot}{extension}" if stem and kept > 0 else base[:MAX_FILENAME_CHARACTERS]
