"""The two signatures of a set as DKIM would have them (RFC 8617 §4.1.2, §4.1.3), and what they are over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from postroad.mailauth.arc.chain import ArcSet, Part
from postroad.mailauth.dkim.canonical import Canon, Canonicalization, canonical_field
from postroad.mailauth.dkim.signature import Result, Signature, Unverifiable, read_signature
from postroad.mailauth.tag_list import without_signature

# A signature tag list is read with these in place of what DKIM wants and ARC has not; neither is used afterwards.
_FROM: Final = "from"
_NO_HASH: Final = "A" * 43 + "="  # 32 octets, as bh= must have
_SEAL_TAGS: Final = ("a", "b", "d", "s", "t")  # §4.1.3; others mean nothing there


@dataclass(frozen=True, slots=True)
class SealedBy:
    """Who put a set there, as its seal claims."""

    domain: str
    selector: str


def message_signatures(one: ArcSet) -> tuple[Signature, ...]:
    """The ARC-Message-Signature: a DKIM-Signature without version, in which ``i=`` is the place in the chain.

    Without ``c=`` it may be meant in two ways: as DKIM has it, simple/simple, or relaxed as everything in ARC is. What
    fits in either is right.

    Raises:
        Unverifiable: a tag is missing or wrong.
    """
    tags = one.signature_tags
    if "h" not in tags:
        raise Unverifiable(Result.NEUTRAL, "the signature cannot be read: the tag h= is missing")
    read = read_signature({**_without(tags, "v", "i"), "v": "1", "h": _FROM})
    meant = replace(read, names=_names(tags["h"]))
    return (meant,) if "c" in tags else (meant, replace(meant, canon=Canon()))


def seal_signature(one: ArcSet) -> Signature:
    """The ARC-Seal: it says neither which fields it is over nor how, for that is fixed.

    Raises:
        Unverifiable: a tag is missing or wrong.
    """
    tags = one.seal_tags
    if "h" in tags:  # §4.1.3
        raise Unverifiable(Result.NEUTRAL, "a seal with h= is none")
    known = {tag: tags[tag] for tag in _SEAL_TAGS if tag in tags}
    return read_signature({**known, "v": "1", "h": _FROM, "bh": _NO_HASH})


def sealed_octets(sets: Sequence[ArcSet]) -> bytes:
    """What the seal of the last of these sets is over: all fields of all of them, itself without its value (§5.1.1)."""
    *_, last = sets
    octets = [canonical_field(field.raw, Canonicalization.RELAXED) for one in sets for field in one.fields]
    octets[-1] = canonical_field(without_signature(last.seal.raw), Canonicalization.RELAXED).removesuffix(b"\r\n")
    return b"".join(octets)


def _names(text: str) -> tuple[bytes, ...]:
    """The signed fields in lower case. An empty name, or none at all, names nothing; From may be missing: ARC vouches
    for forwarders, not for authors."""
    names = [name.strip(" \t\r\n").lower() for name in text.split(":")]
    keys = tuple([name.encode("utf-8") for name in names if name])
    if Part.SEAL.value in keys:  # §4.1.2: a seal comes after the signature
        raise Unverifiable(Result.NEUTRAL, "the signature is over ARC-Seal, which cannot be")
    return keys


def _without(tags: Mapping[str, str], *names: str) -> dict[str, str]:
    return {tag: value for tag, value in tags.items() if tag not in names}
