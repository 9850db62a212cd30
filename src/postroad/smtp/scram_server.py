"""SCRAM-SHA-256 from the server's side (RFC 5802, RFC 7677): it keeps what proves a password, not the password."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final, Self

from postroad.chance import random_bytes
from postroad.secret import Secret
from postroad.smtp.saslprep import saslprep
from postroad.smtp.scram import MIN_ITERATIONS, NONCE_OCTETS, derived, signature

NAME: Final = "SCRAM-SHA-256"
SALT_OCTETS: Final = 16  # RFC 5802 leaves it open; as PostgreSQL does
# Of PBKDF2, where nothing else is asked for: some 50 ms for a client at each login, and for a thief at each guess.
ITERATIONS: Final = 100_000

# RFC 5802 §7; without channel binding ("n", or "y" for a client that could do it), without extensions ("m=").
_CLIENT_FIRST: Final = re.compile(
    r"(?P<header>[ny],(?:a=(?P<identity>[^,]+))?,)(?P<bare>n=(?P<user>[^,]+),r=(?P<nonce>[!-+\--~]+)(?:,.*)?)",
    re.DOTALL,
)
_CLIENT_FINAL: Final = re.compile(
    r"(?P<without_proof>c=(?P<binding>[^,]+),r=(?P<nonce>[!-+\--~]+)(?:,.*)?),p=(?P<proof>[^,]+)", re.DOTALL
)
_SASL_NAME: Final = re.compile(r"(?:[^=,\0]|=2C|=3D)+")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What a server keeps of a password (RFC 5802 §3). ``StoredKey.of(password)`` makes one.

    Who steals it cannot log in with it, but can guess passwords, and play this server.
    """

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def of(cls, password: Secret, salt: bytes | None = None, iterations: int = ITERATIONS) -> Self:
        """Derived from the password, with a new salt where none is given. Takes half a microsecond an iteration.

        A number of iterations of one's own shows who exists: unknown users are challenged with the usual one.

        Raises:
            ValueError: fewer iterations than RFC 7677 §4 asks for.
        """
        if iterations < MIN_ITERATIONS:
            raise ValueError(f"{iterations} iterations are too few; {MIN_ITERATIONS} is the least")
        salt = random_bytes(SALT_OCTETS) if salt is None else salt
        keys = derived(password, salt, iterations)
        return cls(salt, iterations, hashlib.sha256(keys.client).digest(), keys.server)

    def matches(self, password: Secret) -> bool:
        """Whether it was made of this password, for mechanisms that show it. Takes as long as making it."""
        same = self.of(password, self.salt, self.iterations)
        return hmac.compare_digest(same.stored_key, self.stored_key)


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """What is kept of this user's password? Nobody has proved anything yet. ``None`` answers for an unknown user."""

    username: str


@dataclass(frozen=True, slots=True)
class Proved:
    """The client knows the password of this user."""

    username: str


class MalformedResponse(ValueError):
    """The response is not in the mechanism's form."""


class WrongProof(Exception):
    """The client does not know the password, or there is no such user; it is not told which."""


def exchange(
    decoy_secret: bytes, random: Callable[[int], bytes] = random_bytes
) -> Generator[bytes | KeyWanted, bytes | StoredKey | None, Proved]:
    """One exchange: yields challenges and the question for the key, is sent responses and the key.

    An unknown user is challenged as well, always by the same salt, made of ``decoy_secret``.
    """
    first = _matched(_CLIENT_FIRST, (yield b""))
    username = _username(first["user"], first["identity"])
    key = yield KeyWanted(username)
    if not isinstance(key, StoredKey):
        key = decoy(username, decoy_secret)
    nonce = first["nonce"] + base64.b64encode(random(NONCE_OCTETS)).decode()
    server_first = f"r={nonce},s={base64.b64encode(key.salt).decode()},i={key.iterations}"
    final = _matched(_CLIENT_FINAL, (yield server_first.encode()))
    if _decoded(final["binding"]) != first["header"].encode() or final["nonce"] != nonce:
        raise WrongProof
    message = f"{first['bare']},{server_first},{final['without_proof']}".encode()
    if not _proves(_decoded(final["proof"]), key, message):
        raise WrongProof
    proof = b"v=" + base64.b64encode(signature(key.server_key, message))
    if (yield proof) != b"":  # RFC 4954 §4: the mechanism's last word goes as a challenge
        raise MalformedResponse("something behind the end")
    return Proved(username)


def decoy(username: str, secret: bytes) -> StoredKey:
    """A key that nothing proves, the same for the same user: whether there is one cannot be seen by asking twice."""
    made = [hmac.digest(secret, f"{use} {username}".encode(), "sha256") for use in ("salt", "stored", "server")]
    return StoredKey(made[0][:SALT_OCTETS], ITERATIONS, made[1], made[2])


def _proves(proof: bytes, key: StoredKey, message: bytes) -> bool:
    """RFC 5802 §3: ClientKey is ClientProof XOR ClientSignature, and its hash was kept."""
    of_the_client = signature(key.stored_key, message)
    if len(proof) != len(of_the_client):
        return False
    client_key = bytes(one ^ other for one, other in zip(proof, of_the_client, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), key.stored_key)


def _matched(form: re.Pattern[str], response: object) -> re.Match[str]:
    assert isinstance(response, bytes)
    try:
        match = form.fullmatch(response.decode())
    except UnicodeDecodeError:
        match = None
    if match is None:
        raise MalformedResponse("not a message of SCRAM, or one that asks for channel binding")
    return match


def _username(name: str, identity: str | None) -> str:
    if not _SASL_NAME.fullmatch(name):
        raise MalformedResponse("a user name that is not escaped")
    if identity not in (None, name):  # acting for somebody else is not offered
        raise MalformedResponse("SCRAM for another identity")
    return saslprep(name.replace("=2C", ",").replace("=3D", "="))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedResponse("not base64") from None
