"""A message as the rules look at it: fields, text and HTML, read from any bytes without an error."""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from postroad.address import Address
from postroad.errors import AddressError
from postroad.lint.links import Image, Link, links_of_text, references_of
from postroad.message import limits
from postroad.message.address_list import address_list
from postroad.message.content_fields import parametered
from postroad.message.entity import Entity, Field, read
from postroad.message.header_decode import decoded, in_charset

MAX_OCTETS: Final = limits.MAX_OCTETS  # of a message that is looked into; what follows is left out
MAX_TEXT: Final = 1_000_000  # octets of one text or HTML part that are looked into; no client shows more


class Kind(Enum):
    """What sort of mail it is, which decides what large receivers ask of it."""

    TRANSACTIONAL = "transactional"  # to one person, about something that person did
    MARKETING = "marketing"  # to many, who may want to leave


class LineEnds(Enum):
    """How the message came: with the line ends of the wire, or as a file has them."""

    CRLF = "CRLF"
    LF = "LF"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class LintedMessage:
    """``content`` is as it came; ``entity`` is its structure, in lines of CRLF. ``text`` and ``html`` are the first
    parts of these types that are no attachment, decoded; ``None`` where there is none."""

    content: bytes
    line_ends: LineEnds
    entity: Entity
    kind: Kind
    leaves: tuple[Entity, ...]
    text: str | None
    html: str | None
    links: tuple[Link, ...] = field(default=(), repr=False)
    images: tuple[Image, ...] = field(default=(), repr=False)

    def named(self, key: str) -> list[Field]:
        """The fields of this name (in lower case), top first."""
        return [one for one in self.entity.fields if one.key == key]

    def value(self, key: str) -> str | None:
        """The first field of this name, decoded, on one line."""
        found = self.named(key)
        return decoded(_raw(found[0])) if found else None

    def addresses(self, key: str) -> tuple[Address, ...]:
        """The mailboxes of the first field of this name; none where it cannot be read."""
        found = self.named(key)
        try:
            return address_list(_raw(found[0]), found[0].name) if found else ()
        except AddressError:
            return ()

    @property
    def author(self) -> Address | None:
        """The first mailbox of From."""
        return next(iter(self.addresses("from")), None)

    @property
    def is_marketing(self) -> bool:
        return self.kind is Kind.MARKETING


def linted(content: bytes, kind: Kind | None = None) -> LintedMessage:
    """Read a message for the rules. Without a kind, fields that only mail to many has decide. It never raises."""
    content = content[:MAX_OCTETS]
    if content.startswith(b"From "):  # the line before a message in an mbox (RFC 4155)
        content = content.partition(b"\n")[2]
    ends = _line_ends(content)
    entity = read(content if ends is LineEnds.CRLF else content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    leaves = tuple(_leaves(entity))
    text, html = _first(leaves, "text/plain"), _first(leaves, "text/html")
    found = references_of(html or "")
    links = (*found.links, *links_of_text(text or ""))
    return LintedMessage(
        content, ends, entity, kind or _kind(entity), leaves, text, html, links, found.images
    )  # fmt: skip


def _raw(one: Field) -> str:
    return one.value[: limits.MAX_FIELD_OCTETS].decode("utf-8", "surrogateescape")


def _line_ends(content: bytes) -> LineEnds:
    pairs, feeds, returns = content.count(b"\r\n"), content.count(b"\n"), content.count(b"\r")
    if pairs == feeds == returns:
        return LineEnds.CRLF
    return LineEnds.LF if not pairs and not returns else LineEnds.MIXED


def _leaves(entity: Entity) -> Iterator[Entity]:
    """The parts that hold content, in their order; messages within are somebody else's."""
    if entity.essence.startswith("message/") or not entity.parts:
        yield entity
        return
    for part in entity.parts:
        yield from _leaves(part)


def _first(leaves: tuple[Entity, ...], essence: str) -> str | None:
    for leaf in leaves:
        if leaf.essence == essence and not _is_attached(leaf):
            return in_charset(content_of(leaf)[:MAX_TEXT], charset_of(leaf) or "us-ascii")
    return None


def _is_attached(leaf: Entity) -> bool:
    found = next((one.text for one in leaf.fields if one.key == "content-disposition"), "")
    return found.strip().lower().startswith("attachment")


def charset_of(leaf: Entity) -> str | None:
    """What the Content-Type says; ``None`` if nothing."""
    found = next((one.text for one in leaf.fields if one.key == "content-type"), "")
    return next((one.value.strip() for one in parametered(found).named("charset")), None)


def content_of(leaf: Entity) -> bytes:
    """The body without its transfer encoding (RFC 2045 §6); as it is where that cannot be undone."""
    if leaf.encoding == "quoted-printable":
        return binascii.a2b_qp(leaf.body)
    if leaf.encoding != "base64":
        return leaf.body
    try:
        return binascii.a2b_base64(leaf.body)
    except binascii.Error:
        return leaf.body


def _kind(entity: Entity) -> Kind:
    keys = {one.key for one in entity.fields}
    if "list-post" in keys:  # a list on which people talk (RFC 2369 §3.4); who leaves it asks the list
        return Kind.TRANSACTIONAL
    precedence = next((one.text.strip().lower() for one in entity.fields if one.key == "precedence"), "")
    many = keys & {"list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id"}
    return Kind.MARKETING if many or precedence in ("bulk", "list") else Kind.TRANSACTIONAL
