"""The structure of a chain (RFC 8617 §4.2, §5.2 steps 1 to 3): which sets there are, before a signature is checked."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from postroad.mailauth.header_section import Field
from postroad.mailauth.results.read import read_arc_instance
from postroad.mailauth.tag_list import MalformedTagList, read_tags

MAX_SETS: Final = 50  # RFC 8617 §4.2.1
_INSTANCE: Final = re.compile(r"[0-9]{1,2}")


class ChainStatus(StrEnum):
    """The Chain Validation Status (RFC 8617 §4.4)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result, not a password
    FAIL = "fail"


class Part(Enum):
    """The three fields of a set, in the order in which they are sealed (RFC 8617 §5.1.1)."""

    RESULTS = b"arc-authentication-results"
    SIGNATURE = b"arc-message-signature"
    SEAL = b"arc-seal"

    @property
    def title(self) -> str:
        """The field's name as it is written."""
        return _TITLES[self]


_TITLES: Final = {
    Part.RESULTS: "ARC-Authentication-Results",
    Part.SIGNATURE: "ARC-Message-Signature",
    Part.SEAL: "ARC-Seal",
}


@dataclass(frozen=True, slots=True)
class ArcSet:
    """What one forwarder added. The tags are those of the signature and of the seal."""

    instance: int
    results: Field
    signature: Field
    seal: Field
    signature_tags: Mapping[str, str]
    seal_tags: Mapping[str, str]

    @property
    def fields(self) -> tuple[Field, Field, Field]:
        """In the order in which they are sealed."""
        return (self.results, self.signature, self.seal)


class BrokenChain(Exception):
    """The fields make no chain; the text says why."""


def read_chain(fields: Iterable[Field]) -> tuple[ArcSet, ...]:
    """The sets of a message, the oldest first; none if it has no such field.

    Raises:
        BrokenChain: too many, a gap, a field missing or doubled, or a ``cv=`` that cannot stand there.
    """
    found = [(part, field) for field in fields for part in Part if field.key == part.value]
    if len(found) > MAX_SETS * len(Part):
        raise BrokenChain(f"more than {MAX_SETS} sets")
    places: dict[int, dict[Part, _Piece]] = {}
    for part, field in found:
        piece = _piece(part, field)
        here = places.setdefault(piece.instance, {})
        if part in here:
            raise BrokenChain(f"there are two {part.title} fields with i={piece.instance}")
        here[part] = piece
    sets = tuple([_set(instance, places.get(instance, {})) for instance in range(1, max(places, default=0) + 1)])
    _check_status(sets)
    return sets


@dataclass(frozen=True, slots=True)
class _Piece:
    instance: int
    field: Field
    tags: Mapping[str, str]


def _piece(part: Part, field: Field) -> _Piece:
    if part is Part.RESULTS:
        return _Piece(_checked(part, read_arc_instance(field.value.decode("utf-8", "surrogateescape"))), field, {})
    try:
        tags = read_tags(field.value)
    except MalformedTagList as fault:
        raise BrokenChain(f"{part.title} cannot be read: {fault}") from fault
    written = tags.get("i", "")
    return _Piece(_checked(part, int(written) if _INSTANCE.fullmatch(written) else None), field, tags)


def _checked(part: Part, instance: int | None) -> int:
    if instance is None or not 1 <= instance <= MAX_SETS:
        raise BrokenChain(f"a field {part.title} has no i= from 1 to {MAX_SETS}")
    return instance


def _set(instance: int, pieces: Mapping[Part, _Piece]) -> ArcSet:
    for part in Part:
        if part not in pieces:
            raise BrokenChain(f"there is no {part.title} with i={instance}")
    results, signature, seal = (pieces[part] for part in Part)
    return ArcSet(instance, results.field, signature.field, seal.field, signature.tags, seal.tags)


def _check_status(sets: tuple[ArcSet, ...]) -> None:
    """§5.2 steps 2 and 3 C: the first seal says none, every other pass; a chain that has failed has failed for good."""
    for one in sets:
        status = one.seal_tags.get("cv", "")
        expected = ChainStatus.NONE if one.instance == 1 else ChainStatus.PASS
        if status == ChainStatus.FAIL:
            raise BrokenChain(f"set {one.instance} says that the chain had failed when it came there (cv=fail)")
        if status != expected:
            shown = f"cv={status[:20]!a}" if status else "no cv="
            raise BrokenChain(f"ARC-Seal i={one.instance} has {shown} where cv={expected} belongs")
