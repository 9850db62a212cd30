"""Writing header fields, each by its own grammar (RFC 5322 §2.2.3, §3.6).

A line has at most 78 characters where it can be broken, and never more than 998 octets (RFC 5322 §2.1.1). Values come
here checked: no control characters (``characters``), and nothing that needs more than a line (``check``).
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from postroad.address import Address, phrase, shown
from postroad.errors import MessageError
from postroad.message import encoded_word, message_id

SHOULD: Final = 78  # characters of a line without its CRLF; RFC 5322 §2.1.1
MUST: Final = 998  # octets of a line without its CRLF; RFC 5322 §2.1.1

_MSG_IDS: Final = frozenset({"references", "in-reply-to", "original-message-id", "supersedes"})
_ADDRESSES: Final = frozenset(
    {"disposition-notification-to", "return-receipt-to", "errors-to", "mail-followup-to", "mail-reply-to"}
)
_URIS: Final = frozenset({"list-help", "list-subscribe", "list-owner", "list-archive", "list-post"})
# Structured by their RFC, with no place for an encoded word: Auto-Submitted (RFC 3834), Feedback-ID and the like.
_TOKENS: Final = frozenset(
    {"auto-submitted", "precedence", "feedback-id", "importance", "priority", "x-priority", "sensitivity", "list-id"}
)
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
_CHUNK: Final = re.compile(" *[^ ]+")
_BRACKETED: Final = r"<[!-;=?-~]+>(?: \([ !-'*-\[\]-~]*\))?|NO"


def fold(name: str, tokens: Iterable[str], limit: int = SHOULD) -> str:
    """One field from unbreakable tokens, a space between two; with its line end."""
    line = start = f"{name}:"
    lines = ""
    for token in tokens:
        length = len(line) + 1 + len(token)
        # A break right after the colon is legal and unloved: only where it brings the line below a limit.
        if length > limit and (line is not start or len(token) < limit or length > MUST):
            lines += f"{line}\r\n"
            line = f" {token}"
        else:
            line = f"{line} {token}"
    return f"{lines}{line}\r\n"


def unstructured(name: str, text: str) -> str:
    """A field of free text, such as Subject (RFC 5322 §3.2.5).

    Encoded words stand where ASCII does not do, where the text looks like one, where a space at an edge would get lost,
    and where a run without a space is longer than a line.
    """
    if text.isascii() and "=?" not in text and text == text.strip(" "):
        if len(name) + 2 + len(text) <= SHOULD:
            return f"{name}: {text}\r\n" if text else f"{name}:\r\n"
        chunks = _CHUNK.findall(text)
        if len(max(chunks, key=len)) < MUST:
            return fold(name, _without_first_space(chunks))
        return fold(name, encoded_word.encoded_words(text), encoded_word.MAX_LINE)
    before, middle, after = _around_non_ascii(text)
    room = encoded_word.MAX_LINE - len(name) - 2 - (len(before) + 1 if before else 0)
    words = encoded_word.encoded_words(middle, room)
    chunks = [*_chunks(before), *words, *_chunks(after)]
    return fold(name, chunks, encoded_word.MAX_LINE)


def _chunks(text: str) -> list[str]:
    return list(_without_first_space(_CHUNK.findall(text)))


def _without_first_space(chunks: list[str]) -> list[str]:
    # fold() puts one space between tokens: each further chunk brings its spaces along, less that one.
    return [chunk[1:] if chunk[:1] == " " else chunk for chunk in chunks]


def _around_non_ascii(text: str) -> tuple[str, str, str]:
    """The plain words before, the words that must be encoded, and the plain words after."""
    if "=?" in text or text != text.strip(" ") or text.isascii():
        return "", text, ""  # what looks like an encoded word must not be taken for one; edges must not be trimmed
    first = len(text) - len(text.lstrip(_PRINTABLE))
    last = len(text.rstrip(_PRINTABLE))
    before = text[: max(text.rfind(" ", 0, first), 0)].rstrip(" ")
    space = text.find(" ", last)
    after = text[space:].lstrip(" ") if space >= 0 else ""
    start = len(before) + 1 if before else 0
    end = len(text) - len(after) - 1 if after else len(text)
    if len(max(_CHUNK.findall(f"{before} {after}"), key=len, default="")) >= MUST:
        return "", text, ""
    return before, text[start:end], after


def mailboxes(name: str, addresses: Sequence[Address]) -> str:
    """An address field (RFC 5322 §3.4): display names may become encoded words, addresses never do."""
    room = encoded_word.MAX_LINE - len(name) - 2
    tokens: list[str] = []
    limit = SHOULD
    for address in addresses:
        own, encoded = mailbox_tokens(address, room)
        if encoded:
            limit = encoded_word.MAX_LINE
        if tokens:
            tokens[-1] += ","
        tokens += own
    return fold(name, tokens, limit)


@lru_cache(maxsize=1024)
def mailbox_tokens(address: Address, room: int) -> tuple[tuple[str, ...], bool]:
    """The unbreakable pieces of one mailbox, and whether there are encoded words among them."""
    name = address.display_name
    if not name:
        return (address.addr_spec,), False
    if name.isascii() and "=?" not in name and len(name) <= SHOULD - 2:
        return (phrase(name), f"<{address.addr_spec}>"), False
    return (*encoded_word.encoded_words(name, room), f"<{address.addr_spec}>"), True


def uris(name: str, values: Sequence[str]) -> str:
    """A list of URIs in angle brackets, as they are (RFC 2369 §2)."""
    tokens = [f"<{uri}>," for uri in values]
    tokens[-1] = tokens[-1][:-1]
    return fold(name, tokens)


def added(name: str, value: str) -> str:
    """A field that the caller added; its name tells the grammar."""
    kind = name.lower()
    if kind in _MSG_IDS:
        return fold(name, message_id.listed(value, name))
    if kind in _ADDRESSES:
        return mailboxes(name, [Address.parse(value)])
    if kind in _URIS or kind in _TOKENS:
        return fold(name, _chunks(value))
    return unstructured(name, value)


def check(name: str, value: str, field: str) -> None:
    """Refuse a value that its field's grammar cannot hold.

    Raises:
        MessageError: naming ``field``.
    """
    kind = name.lower()
    if kind in _MSG_IDS:
        message_id.listed(value, field)
    elif kind in _ADDRESSES:
        _check_address(value, field)
    elif kind in _URIS:
        _check_uris(value, field)
    elif kind in _TOKENS:
        _check_tokens(value, field)


def _check_address(value: str, field: str) -> None:
    try:
        Address.parse(value)
    except MessageError as fault:
        raise MessageError(f"{field}: {fault.message}", field=field, advice=fault.advice) from fault


def _check_uris(value: str, field: str) -> None:
    for item in value.split(", "):
        if not re.fullmatch(_BRACKETED, item.strip(" ")) or len(item) >= MUST - 2:
            raise MessageError(
                f"{field}: {shown(item)} is not a URI in angle brackets (RFC 2369 §2)",
                field=field,
                advice="Write <https://…> or <mailto:…>; separate several by a comma and a space.",
            )


def _check_tokens(value: str, field: str) -> None:
    if not value.isascii():
        raise MessageError(
            f"{field}: this field is read by machines and holds ASCII only", field=field,
            advice="Use ASCII here; text for people goes into subject, text or html.",
        )  # fmt: skip
    if any(len(word) >= MUST for word in value.split(" ")):
        raise MessageError(f"{field}: a word longer than a line of {MUST} octets", field=field)
