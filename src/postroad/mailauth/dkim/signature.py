"""A DKIM-Signature field, read and judged before any key is asked for (RFC 6376 §3.5, §6.1.1)."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from postroad.mailauth.dkim.canonical import Canon
from postroad.mailauth.dkim.keys import KeyKind
from postroad.mailauth.domain_name import domain_name, is_within
from postroad.mailauth.header_section import Field
from postroad.mailauth.tag_list import MalformedTagList, read_tags, without_white_space

_ALGORITHMS: Final = {"rsa-sha256": KeyKind.RSA, "ed25519-sha256": KeyKind.ED25519}
_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 §2.2
_NUMBER: Final = re.compile(r"[0-9]+")
_SHA256_OCTETS: Final = 32


class Result(StrEnum):
    """What became of checking a signature, in the words of RFC 8601 §2.7.1."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"  # message and signature do not belong together
    NEUTRAL = "neutral"  # the signature cannot be read
    POLICY = "policy"  # it may be right, and is not good enough: a key that is too short, a signature that has expired
    PERMERROR = "permerror"  # it cannot be checked, now or later: no key, a revoked one, rsa-sha1, no From
    TEMPERROR = "temperror"  # the DNS did not answer


class Unverifiable(Exception):
    """A signature that does not pass, before or after its key was looked at."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that can be checked. ``domain`` is in A-labels and lower case, ``identity`` as it stands in ``i=``;
    times are seconds since the epoch, ``length`` octets of the canonical body."""

    kind: KeyKind
    domain: str
    selector: str
    key_name: str  # where its key record stands
    canon: Canon
    names: tuple[bytes, ...]
    body_hash: bytes
    value: bytes
    identity: str
    identity_domain: str
    length: int | None
    signed_at: int | None
    expires_at: int | None


def tags_of(field: Field) -> Mapping[str, str]:
    """The tags of a signature field.

    Raises:
        Unverifiable: it is no tag list.
    """
    try:
        return read_tags(field.value)
    except MalformedTagList as fault:
        raise _unreadable(f"malformed: {fault}") from fault


def read_signature(tags: Mapping[str, str]) -> Signature:
    """The signature that these tags make.

    Raises:
        Unverifiable: a tag is missing or wrong, or it uses what must not be used any more.
    """
    if missing := [tag for tag in ("v", "a", "b", "bh", "d", "h", "s") if tag not in tags]:
        raise _unreadable(f"the tag {missing[0]}= is missing")
    if tags["v"] != "1":
        raise _unreadable("not of version 1")
    kind = _kind(tags["a"])
    domain, key_name = _names(tags["d"], tags["s"])
    identity, identity_domain = _identity(tags.get("i"), domain)
    signed_at, expires_at = _number(tags, "t"), _number(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:  # §3.5, x=
        raise _unreadable("x= is not later than t=")
    if "dns/txt" not in [query.strip(" \t\r\n") for query in tags.get("q", "dns/txt").split(":")]:
        raise _unreadable("q= names no way to the key that is known")
    return Signature(
        kind, domain, tags["s"], key_name, _canon(tags.get("c", "simple/simple")), _fields(tags["h"]),
        _base64(tags, "bh"), _base64(tags, "b"), identity, identity_domain, _number(tags, "l"), signed_at, expires_at,
    )  # fmt: skip


def _unreadable(reason: str) -> Unverifiable:
    return Unverifiable(Result.NEUTRAL, f"the signature cannot be read: {reason}")


def _kind(algorithm: str) -> KeyKind:
    if algorithm == "rsa-sha1":
        raise Unverifiable(Result.PERMERROR, "rsa-sha1 proves nothing any more (RFC 8301 §3.1)")
    if algorithm not in _ALGORITHMS:
        raise _unreadable(f"the algorithm {_shown(algorithm)} is not known")
    return _ALGORITHMS[algorithm]


def _canon(text: str) -> Canon:
    try:
        return Canon.read(text)
    except ValueError:
        raise _unreadable(f"the canonicalization {_shown(text)} is not known") from None


def _names(domain: str, selector: str) -> tuple[str, str]:
    """The domain, and the name of the key record. U-labels become A-labels (RFC 8616 §3)."""
    name = domain_name(domain)
    if name is None or "." not in name or domain.endswith("."):  # §3.5, d=
        raise _unreadable(f"d={_shown(domain)} is no domain name")
    label = domain_name(selector)
    key_name = domain_name(f"{label}._domainkey.{name}")
    if label is None or key_name is None:
        raise _unreadable(f"s={_shown(selector)} is no selector")
    return name, key_name


def _identity(given: str | None, domain: str) -> tuple[str, str]:
    if given is None:
        return f"@{domain}", domain
    identity = without_white_space(given)
    name = domain_name(identity.rpartition("@")[2])
    if "@" not in identity or name is None:
        raise _unreadable(f"i={_shown(identity)} is no identity")
    if not is_within(name, domain):  # §6.1.1
        raise Unverifiable(Result.NEUTRAL, f"i={_shown(identity)} does not belong to d={_shown(domain)}")
    return identity, name


def _fields(text: str) -> tuple[bytes, ...]:
    names = [name.strip(" \t\r\n") for name in text.split(":")]
    if wrong := [name for name in names if not _NAME.fullmatch(name)]:
        raise _unreadable(f"h= names {_shown(wrong[0])}, which is no field")
    keys = tuple([name.lower().encode("ascii") for name in names])
    if b"from" not in keys:  # §6.1.1
        raise Unverifiable(Result.PERMERROR, "From is not signed")
    return keys


def _number(tags: Mapping[str, str], tag: str) -> int | None:
    if tag not in tags:
        return None
    if not _NUMBER.fullmatch(tags[tag]) or len(tags[tag]) > (76 if tag == "l" else 12):  # §3.5, l=, t=, x=
        raise _unreadable(f"{tag}={_shown(tags[tag])} is no number")
    return int(tags[tag])


def _base64(tags: Mapping[str, str], tag: str) -> bytes:
    try:
        octets = b64decode(without_white_space(tags[tag]), validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not octets or (tag == "bh" and len(octets) != _SHA256_OCTETS):
        raise _unreadable(f"{tag}= is no {'SHA-256 hash' if tag == 'bh' else 'signature'} in base64")
    return octets


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:80] + "…")
