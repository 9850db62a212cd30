"""SCRAM-SHA-256 (RFC 5802, RFC 7677): client and server prove to each other that they know the password.

Neither shows it. Without TLS somebody who listens learns enough to try passwords at home, which is why a server that
asks for little work is refused; and somebody in between may still change what is sent.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from postroad.chance import random_bytes
from postroad.errors import AuthenticationError, ProtocolError
from postroad.reply import Phase
from postroad.secret import Secret
from postroad.smtp.sasl_mechanism import ClientMechanism, sasl_name
from postroad.smtp.saslprep import saslprep

NONCE_OCTETS: Final = 18  # 144 bits; RFC 5802 leaves it open, and base64 needs no padding
# Iterations of PBKDF2. RFC 7677 §4 asks for 4096 at least; fewer serve somebody who wants to guess the password.
MIN_ITERATIONS: Final = 4096
# More than OWASP asks for (600,000); takes about half a second, and a hostile server could ask for 2^31.
MAX_ITERATIONS: Final = 1_000_000

_GS2_HEADER: Final = "n,,"  # RFC 5802 §6: no channel binding, and for nobody else
_CHANNEL_BINDING: Final = base64.b64encode(_GS2_HEADER.encode()).decode()
_SERVER_FIRST: Final = re.compile(
    r"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[A-Za-z0-9+/]+={0,2}),i=(?P<iterations>[1-9][0-9]{0,9})(?:,.*)?", re.DOTALL
)
_SERVER_FINAL: Final = re.compile(r"v=(?P<signature>[A-Za-z0-9+/]+={0,2})(?:,.*)?", re.DOTALL)
_SERVER_ERROR: Final = re.compile(r"e=(?P<error>[^,]+)(?:,.*)?", re.DOTALL)


class Keys(NamedTuple):
    """What both sides derive from the password (RFC 5802 §3)."""

    client: bytes
    server: bytes


class _Question(NamedTuple):
    nonce: str
    salt: bytes
    iterations: int


class _Stage(Enum):
    ASKED = "client-first is out"
    PROVED = "client-final is out"
    REFUSED = "the server has named an error"
    TRUSTED = "the server has proved itself"


class ScramSha256(ClientMechanism):
    """The client's side. ``random`` gives the nonce's octets."""

    name = "SCRAM-SHA-256"
    costly = True

    def __init__(self, username: str, password: Secret, random: Callable[[int], bytes] = random_bytes) -> None:
        self._password = password
        self._nonce = base64.b64encode(random(NONCE_OCTETS)).decode()
        self._first = f"n={sasl_name(saslprep(username))},r={self._nonce}"
        self._stage = _Stage.ASKED
        self._expected = b""  # the server's signature

    def initial_response(self) -> bytes:
        return (_GS2_HEADER + self._first).encode()

    def respond(self, challenge: bytes) -> bytes:
        if self._stage is _Stage.ASKED and not challenge:  # a server that ignored the initial response (RFC 4954 §4)
            return self.initial_response()
        text = _text(challenge)
        if (error := _SERVER_ERROR.fullmatch(text)) is not None:  # RFC 5802 §7; its last reply follows
            self.complaint, self._stage = _shown(error["error"]), _Stage.REFUSED
            return b""
        if self._stage is _Stage.ASKED:
            return self._proof(text, _question(text, self._nonce))
        if self._stage is _Stage.PROVED:
            self._verify(text)
            return b""
        raise _breach("it goes on after its end")

    def _proof(self, server_first: str, question: _Question) -> bytes:
        final = f"c={_CHANNEL_BINDING},r={question.nonce}"
        message = f"{self._first},{server_first},{final}".encode()
        keys = derived(self._password, question.salt, question.iterations)
        self._expected = signature(keys.server, message)
        self._stage = _Stage.PROVED
        proof = base64.b64encode(client_proof(keys.client, message)).decode()
        return f"{final},p={proof}".encode()

    def _verify(self, server_final: str) -> None:
        match = _SERVER_FINAL.fullmatch(server_final)
        if match is None:
            raise _breach("its last message holds no signature")
        if not hmac.compare_digest(_decoded(match["signature"]), self._expected):
            raise _impostor()
        self._stage = _Stage.TRUSTED

    def accepted(self) -> None:
        if self._stage is not _Stage.TRUSTED:
            raise _impostor()


def derived(password: Secret, salt: bytes, iterations: int) -> Keys:
    """The keys of a password (RFC 5802 §3); takes half a microsecond for an iteration."""
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password.reveal()).encode(), salt, iterations)
    return Keys(signature(salted, b"Client Key"), signature(salted, b"Server Key"))


def signature(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac.digest(key, message, "sha256")


def client_proof(client_key: bytes, message: bytes) -> bytes:
    """ClientKey XOR ClientSignature (RFC 5802 §3)."""
    of_the_client = signature(hashlib.sha256(client_key).digest(), message)
    return bytes(one ^ other for one, other in zip(client_key, of_the_client, strict=True))


def _question(text: str, own_nonce: str) -> _Question:
    match = _SERVER_FIRST.fullmatch(text)
    if match is None:
        raise _breach("its first message is malformed")
    nonce, iterations = match["nonce"], int(match["iterations"])
    if not nonce.startswith(own_nonce) or nonce == own_nonce:  # RFC 5802 §5.1
        raise _breach("it does not continue our nonce")
    if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
        raise _breach(f"it asks for {iterations} iterations; {MIN_ITERATIONS} to {MAX_ITERATIONS} are reasonable")
    return _Question(nonce, _decoded(match["salt"]), iterations)


def _text(challenge: bytes) -> str:
    try:
        return challenge.decode()
    except UnicodeDecodeError:
        raise _breach("it is not UTF-8") from None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _breach("it holds malformed base64") from None


def _shown(error: str) -> str:
    return ascii(error[:100])[1:-1]


def _breach(reason: str) -> ProtocolError:
    return ProtocolError(f"the server's side of SCRAM-SHA-256 is wrong: {reason}", phase=Phase.AUTH)


def _impostor() -> AuthenticationError:
    return AuthenticationError(
        "the server did not prove that it knows the password (SCRAM-SHA-256), so it may be another one",
        phase=Phase.AUTH,
        advice="Check host name and certificate; report it to the server's operator if they are right.",
    )
