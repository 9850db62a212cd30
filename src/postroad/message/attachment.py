"""Files that travel with a message: attachments, and the pictures that its HTML shows."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from postroad.address import shown
from postroad.errors import MessageError
from postroad.message.characters import header_text
from postroad.message.media_type import MediaType, extension_of, picture_type, type_of_name

if TYPE_CHECKING:
    from os import PathLike

MAX_FILENAME_CHARACTERS: Final = 255  # NAME_MAX of the common file systems

# RFC 2392 §2 makes a cid an addr-spec; the bare word that everybody writes is understood everywhere as well.
_CID: Final = r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.-]+(?:@[A-Za-z0-9.-]+)?"
MAX_CID_OCTETS: Final = 900  # RFC 5322 §2.1.1: "Content-ID: <…>" within 998 octets


@dataclass(frozen=True, slots=True, init=False)
class Attachment:
    """A file beside the text.

    ``content`` is bytes; a str is kept as UTF-8. ``filename`` is a name without a folder. ``content_type`` such as
    ``"text/csv; charset=utf-8"`` is guessed from the file name where left out, ``application/octet-stream`` where the
    name does not tell.

    Raises:
        MessageError: naming the field that is wrong.
    """

    content: bytes
    filename: str
    content_type: str

    def __init__(self, content: bytes | str, filename: str, content_type: str | None = None) -> None:
        put = object.__setattr__
        put(self, "filename", _checked_filename(filename))
        put(self, "content_type", str(_media_type(content, self.filename, content_type)))
        put(self, "content", _as_bytes(content))

    @classmethod
    def from_path(
        cls, path: "str | PathLike[str]", filename: str | None = None, content_type: str | None = None
    ) -> Self:
        """Read the file now; its own name is used unless ``filename`` says otherwise.

        Raises:
            MessageError: naming the path, where it is missing, a folder, or unreadable.
        """
        content, name = _read_file(path)
        return cls(content, name if filename is None else filename, content_type)

    @property
    def media_type(self) -> MediaType:
        """``content_type``, taken apart."""
        return MediaType.parse(self.content_type)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.filename!r}, {self.content_type!r}, {len(self.content)} octets)"


@dataclass(frozen=True, slots=True, init=False, repr=False)
class InlineImage(Attachment):
    """A picture that the HTML shows by ``<img src="cid:…">``; ``cid`` is what stands after ``cid:``.

    Name and type may be left out: the common kinds of picture are known by their first octets. In a message without
    HTML it goes as a file like any other; a ``cid:`` in the HTML that no image has stays as it is.

    Raises:
        MessageError: naming the field that is wrong.
    """

    cid: str

    def __init__(
        self, content: bytes | str, cid: str, filename: str | None = None, content_type: str | None = None
    ) -> None:
        checked = _checked_cid(cid)
        seen = picture_type(content) if content_type is None and isinstance(content, bytes) else None
        if filename is None:
            filename = f"{checked.partition('@')[0]}{extension_of(seen) if seen else ''}"
        Attachment.__init__(self, content, filename, content_type or type_of_name(filename) or seen)
        object.__setattr__(self, "cid", checked)

    @classmethod
    def from_path(  # type: ignore[override]  # an inline image cannot be made without its cid
        cls,
        path: "str | PathLike[str]",
        cid: str,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> Self:
        """Read the file now; its own name is used unless ``filename`` says otherwise.

        Raises:
            MessageError: naming the path, where it is missing, a folder, or unreadable.
        """
        content, name = _read_file(path)
        return cls(content, cid, name if filename is None else filename, content_type)


def _as_bytes(content: object) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, bytearray | memoryview):
        return bytes(content)
    if not isinstance(content, str):
        raise MessageError(f"content: bytes or a str is needed, not {type(content).__name__}", field="content")
    try:
        return content.encode()
    except UnicodeEncodeError as fault:
        raise MessageError(f"content: a lone surrogate at position {fault.start}", field="content") from fault


def _media_type(content: object, filename: str, content_type: str | None) -> MediaType:
    if content_type is None:
        guessed = type_of_name(filename)
        media_type = MediaType.parse(
            guessed or ("text/plain" if isinstance(content, str) else "application/octet-stream")
        )
    else:
        media_type = MediaType.parse(header_text(content_type, "content_type"), "content_type")
    if media_type.maintype == "multipart":
        raise MessageError(f"content_type: {shown(str(media_type))} is not the type of a file", field="content_type")
    if isinstance(content, str) and media_type.maintype == "text":
        return media_type._replace(parameters=(*media_type.without("charset"), ("charset", "utf-8")))
    return media_type


def _checked_filename(filename: object) -> str:
    name = header_text(filename, "filename")
    # What the sender's folders are called is nobody's business, and a path must never steer the reader's disk.
    base = name.replace("\\", "/").rpartition("/")[2].strip()
    if base in ("", ".", ".."):
        raise MessageError(f"filename: {shown(name)} names no file", field="filename")
    if len(base) > MAX_FILENAME_CHARACTERS:
        raise MessageError(f"filename: longer than {MAX_FILENAME_CHARACTERS} characters", field="filename")
    return base


def _checked_cid(cid: object) -> str:
    text = header_text(cid, "cid")
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    if not is_cid(text):
        raise MessageError(
            f"cid: {shown(text)} cannot name an inline image",
            field="cid",
            advice="Use a plain word such as 'logo', or 'logo@example.com'; in the HTML write src=\"cid:logo\".",
        )
    return text


def is_cid(text: str) -> bool:
    """Whether an inline image can be called so (RFC 2392 §2), and the bare word that everybody writes."""
    return len(text) <= MAX_CID_OCTETS and re.fullmatch(_CID, text) is not None


def _shown_path(path: str) -> str:
    """The path for an error message: its end is what tells files apart."""
    return shown(path if len(path) <= 60 else f"...{path[-57:]}")


def _read_file(path: "str | PathLike[str]") -> tuple[bytes, str]:
    from pathlib import Path  # loaded late: it costs start-up time, and most mail carries no file

    try:
        place = Path(path)
        return place.read_bytes(), place.name
    except (OSError, TypeError, ValueError) as fault:
        why = getattr(fault, "strerror", None) or str(fault)
        raise MessageError(
            f"path: {_shown_path(str(path))} cannot be read ({why})",
            field="path",
            advice="Give the path of a readable file; a relative path is looked up in the current folder.",
        ) from fault
