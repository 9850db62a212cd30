"""Key records: what a signer publishes at ``selector._domainkey.domain``, written and read (RFC 6376 §3.6.1)."""

import binascii
import hashlib
from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from postroad.mailauth.dkim.keys import KeyKind, SigningKey
from postroad.mailauth.tag_list import MalformedTagList, read_tags, without_white_space

MAX_OCTETS: Final = 8_192  # of a record; one for RSA-16384 has 2,900
MAX_RSA_BITS: Final = 8_192  # that are checked at all; more would cost milliseconds a signature
_STRING: Final = 255  # octets of a TXT record's string (RFC 1035 §3.3)

PublicKey = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A record that can be used, or was revoked: then ``public`` is ``None``."""

    kind: KeyKind
    public: PublicKey | None
    hashes: tuple[str, ...] | None = None  # h=, None where it allows all
    services: tuple[str, ...] = ("*",)  # s=
    flags: tuple[str, ...] = ()  # t=

    @property
    def testing(self) -> bool:
        """The domain tries DKIM out; a pass or a fail ought to change nothing (``t=y``)."""
        return "y" in self.flags

    @property
    def strict(self) -> bool:
        """``i=`` may not lie in a subdomain of ``d=`` (``t=s``)."""
        return "s" in self.flags

    @property
    def bits(self) -> int:
        """Of an RSA key."""
        return self.public.key_size if isinstance(self.public, RSAPublicKey) else 0

    def serves(self, service: str) -> bool:
        """Whether the key is meant for this service: ``email``, ``tlsrpt``."""
        return "*" in self.services or service in self.services

    def is_of(self, key: SigningKey) -> bool:
        """Whether the record publishes this key."""
        return self.public is not None and _octets_of(self.public) == key.public

    def verifies(self, signature: bytes, octets: bytes) -> bool:
        """Whether the signature is this key's, over these octets."""
        try:
            if isinstance(self.public, RSAPublicKey):
                self.public.verify(signature, octets, padding.PKCS1v15(), hashes.SHA256())
            elif self.public is not None:
                self.public.verify(signature, hashlib.sha256(octets).digest())  # RFC 8463 §3
        except (InvalidSignature, ValueError):
            return False
        return self.public is not None


def _octets_of(public: PublicKey) -> bytes:
    if isinstance(public, RSAPublicKey):
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public.public_bytes_raw()


class MalformedKeyRecord(ValueError):
    """This is no key record, or none that can be used; the text says why."""


def read_record(octets: bytes) -> KeyRecord:
    """The record in a TXT record's joined strings. Unknown tags, flags and services are passed over.

    Raises:
        MalformedKeyRecord: no tag list, another version, an unknown kind of key, or a key that is none.
    """
    if len(octets) > MAX_OCTETS:
        raise MalformedKeyRecord(f"the key record has more than {MAX_OCTETS} octets")
    try:
        tags = read_tags(octets)
    except MalformedTagList as fault:
        raise MalformedKeyRecord(f"the key record is malformed: {fault}") from fault
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise MalformedKeyRecord("the key record is not of version DKIM1, said first")  # §3.6.1, v=
    try:
        kind = KeyKind(tags.get("k", "rsa"))
    except ValueError:
        raise MalformedKeyRecord(f"the key is of an unknown kind, {tags['k'][:40]!a}") from None
    hashes = _words(tags["h"]) if "h" in tags else None
    return KeyRecord(kind, _public(tags, kind), hashes, _words(tags.get("s", "*")), _words(tags.get("t", "")))


def _words(value: str) -> tuple[str, ...]:
    return tuple([word for part in value.split(":") if (word := part.strip(" \t\r\n"))])


def _public(tags: dict[str, str], kind: KeyKind) -> PublicKey | None:
    if "p" not in tags:
        raise MalformedKeyRecord("the key record holds no key (p=)")
    text = without_white_space(tags["p"])
    if not text:
        return None
    try:
        octets = b64decode(text, validate=True)
        public = Ed25519PublicKey.from_public_bytes(octets) if kind is KeyKind.ED25519 else load_der_public_key(octets)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, RSAPublicKey if kind is KeyKind.RSA else Ed25519PublicKey):
        raise MalformedKeyRecord(f"p= of the key record is no {kind} key")
    if isinstance(public, RSAPublicKey) and public.key_size > MAX_RSA_BITS:
        raise MalformedKeyRecord(f"an RSA key of {public.key_size} bits; {MAX_RSA_BITS} are checked at the most")
    return public


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def record_text(key: SigningKey) -> str:
    """The record that publishes a key; ``h=sha256``, because nothing else may sign (RFC 8301 §3.1)."""
    return f"v=DKIM1; h=sha256; k={key.kind}; p={key.public_text}"


def revoked_text(kind: KeyKind) -> str:
    """The record of a key that was revoked: it stays, so that verifiers need not guess (§3.6.1, p=)."""
    return f"v=DKIM1; k={kind}; p="


def record_name(selector: str, domain: str) -> str:
    """Where the record stands (§3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def txt_strings(text: str) -> tuple[str, ...]:
    """The text as strings of a TXT record, which readers join without anything between them (§3.6.2.2)."""
    return tuple([text[start : start + _STRING] for start in range(0, len(text), _STRING)]) or ("",)


def zone_line(name: str, text: str) -> str:
    """The record as zone files and most control panels take it. Semicolons stand in quotes, so nothing is escaped."""
    strings = " ".join(f'"{string}"' for string in txt_strings(text))
    return f"{name}. IN TXT ( {strings} )" if len(text) > _STRING else f"{name}. IN TXT {strings}"
