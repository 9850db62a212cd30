"""Pinned keys: a certificate is known by the digest of its public key, whoever issued it and however often.

``sha256//`` and the base64 form of the SHA-256 digest of the SubjectPublicKeyInfo in DER, as RFC 7469 §2.4 makes the
digest and curl writes it.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from postroad.errors import ConfigurationError

_PREFIX: Final = re.compile(r"sha256(?://|:)", re.IGNORECASE)
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}")
_BASE64: Final = re.compile(r"[0-9A-Za-z+/]{43}=?")


def checked_pins(pins: str | Iterable[str]) -> tuple[str, ...]:
    """Each pin as ``sha256//…``, in order. A text holds several divided by ``;`` (as curl has them) or ``,``.

    The digest may be base64 or hexadecimal, with or without colons and prefix.

    Raises:
        ConfigurationError: one is no SHA-256 digest, or there is none.
    """
    given = re.split("[;,]", pins) if isinstance(pins, str) else pins
    checked = tuple(dict.fromkeys(_checked(one.strip()) for one in given))
    if not checked:
        raise ConfigurationError("pin: no pin is given", setting="pin")
    return checked


def _checked(text: str) -> str:
    digest = text[prefix.end() :] if (prefix := _PREFIX.match(text)) else text
    if _HEX.fullmatch(digest):
        return _written(bytes.fromhex(digest.replace(":", "")))
    if _BASE64.fullmatch(digest):
        return _written(b64decode(digest.rstrip("=") + "="))
    raise ConfigurationError(
        f"pin: {ascii(text)[:80]} is not the SHA-256 digest of a public key",
        setting="pin",
        advice="Write sha256//… with 44 characters of base64, or 64 hexadecimal digits.",
    )


def pin_of(certificate: bytes) -> str:
    """The pin of a certificate (DER).

    Raises:
        ValueError: it is no certificate, or its key is of a kind that is not known.
    """
    # Loaded late: only those who pin need the library, and it takes 50 ms.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (UnsupportedAlgorithm, x509.InvalidVersion) as fault:
        raise ValueError(str(fault)) from fault
    return _written(sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest())


def _written(digest: bytes) -> str:
    return f"sha256//{b64encode(digest).decode()}"
