"""Private keys that sign: made, read once, and what others need of them (RFC 6376 §3.3, RFC 8301, RFC 8463).

Reading an RSA key proves its numbers and takes as long as a hundred signatures: read a key once and keep the object.
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from enum import StrEnum
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postroad.errors import ConfigurationError

RSA_BITS: Final = 2048  # of a new key: the SHOULD of RFC 8301 §3.2, and its record fits two strings
MIN_RSA_BITS: Final = 1024  # RFC 8301 §3.2: the least that may sign, or pass
MAX_RSA_BITS: Final = 4096  # RFC 8301 §3.2: the most that every verifier can check
_SEED_OCTETS: Final = 32  # RFC 8032 §5.1.5
_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MAX_OCTETS: Final = 65_536  # of a key's text; an RSA-4096 key in PEM has 3,300
_PKCS8: Final = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class KeyKind(StrEnum):
    """``k=`` of a key record (RFC 6376 §3.6.1, RFC 8463 §4)."""

    RSA = "rsa"
    ED25519 = "ed25519"


class SigningKey:
    """A private key, ready to sign, from any thread. ``algorithm`` is what ``a=`` names; ``public`` what ``p=`` holds.

    It shows nothing of itself but kind and size.
    """

    __slots__ = ("_private", "algorithm", "bits", "kind", "public")

    def __init__(self, private: rsa.RSAPrivateKey | Ed25519PrivateKey) -> None:
        self._private = private
        if isinstance(private, rsa.RSAPrivateKey):
            self.kind, self.bits = KeyKind.RSA, private.key_size
            form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        else:
            self.kind, self.bits = KeyKind.ED25519, 256
            form = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)  # RFC 8463 §4.2
        self.algorithm = f"{self.kind}-sha256"
        self.public = private.public_key().public_bytes(*form)

    def sign(self, octets: bytes) -> bytes:
        """The signature over these octets; other threads run meanwhile."""
        if isinstance(self._private, rsa.RSAPrivateKey):
            return self._private.sign(octets, padding.PKCS1v15(), hashes.SHA256())  # RFC 6376 §3.3.2
        return self._private.sign(hashlib.sha256(octets).digest())  # RFC 8463 §3

    def pem(self) -> bytes:
        """The private key as unencrypted PKCS #8 in PEM, for a file that only its owner reads."""
        return self._private.private_bytes(*_PKCS8)

    @property
    def public_text(self) -> str:
        """``p=`` of its record."""
        return b64encode(self.public).decode("ascii")

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm}, {self.bits} bits)"


def generate(kind: KeyKind = KeyKind.RSA, *, bits: int = RSA_BITS) -> SigningKey:
    """A new key; ``bits`` are an RSA key's.

    Raises:
        ConfigurationError: less than 1024 bits, or more than 4096.
    """
    if kind is KeyKind.ED25519:
        return SigningKey(Ed25519PrivateKey.generate())
    _check_bits(bits)
    return SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def read_key(text: bytes | str) -> SigningKey:
    """A key as it is kept: PEM (PKCS #1, PKCS #8 or OpenSSH, unencrypted), or an Ed25519 seed of 32 octets in base64.

    Raises:
        ConfigurationError: it is neither, is encrypted, of another kind, or too short; nothing of it is shown.
    """
    octets = text.encode() if isinstance(text, str) else text
    if len(octets) > _MAX_OCTETS:
        raise _refusal(f"more than {_MAX_OCTETS} octets are no key")
    private = _from_pem(octets.strip()) if b"-----BEGIN" in octets else _from_seed(octets)
    if isinstance(private, rsa.RSAPrivateKey):
        _check_bits(private.key_size)
    return SigningKey(private)


def _from_pem(octets: bytes) -> rsa.RSAPrivateKey | Ed25519PrivateKey:
    try:
        load = serialization.load_ssh_private_key if _OPENSSH in octets else serialization.load_pem_private_key
        private: object = load(octets, password=None)
    except TypeError:
        raise _refusal("the key is encrypted", "Decrypt it: openssl pkey -in key.pem -out plain.pem") from None
    except (ValueError, UnsupportedAlgorithm):
        # What cryptography says may quote the text.
        raise _refusal("this PEM holds no private key that can be read") from None
    if not isinstance(private, rsa.RSAPrivateKey | Ed25519PrivateKey):
        raise _refusal(f"DKIM signs with RSA or Ed25519, and this is {type(private).__name__}")
    return private


def _from_seed(octets: bytes) -> Ed25519PrivateKey:
    try:
        seed = b64decode(b"".join(octets.split()), validate=True)
    except binascii.Error:
        seed = b""
    if len(seed) != _SEED_OCTETS:
        raise _refusal("this is neither PEM nor the base64 of an Ed25519 seed of 32 octets")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _check_bits(bits: int) -> None:
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        sentence = f"an RSA key of {bits} bits; verifiers take {MIN_RSA_BITS} to {MAX_RSA_BITS} (RFC 8301)"
        raise _refusal(sentence, "Make one of 2048 bits: postroad dkim keygen")


def _refusal(sentence: str, advice: str | None = None) -> ConfigurationError:
    advice = advice or "Give a private key in PEM (PKCS #1 or PKCS #8), as `postroad dkim keygen` makes it."
    return ConfigurationError(f"key: {sentence}", setting="key", advice=advice)
