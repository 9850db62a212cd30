"""The AUTH command and the lines that follow it, from the server's side (RFC 4954 §4)."""

import base64
import binascii
from collections.abc import Container

from postroad.reply import Code, Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.command_parser import Refusal
from postroad.smtp.sasl_server import Credentials, ServerExchange
from postroad.smtp.scram_server import KeyWanted, MalformedResponse, Proved, StoredKey, WrongProof
from postroad.smtp.server_events import AuthAttempt

Step = Reply | AuthAttempt | KeyWanted | Proved
"""A 334 to say, credentials or a key to ask about, or the end: who the client is."""


class AuthDialogue:
    """One AUTH command until its end."""

    def __init__(self, argument: str, offered: Container[str], decoy_secret: bytes) -> None:
        """Read the command's argument: a mechanism, and perhaps an initial response.

        Raises:
            Refusal: a mechanism that is not offered, or more than these two words.
        """
        mechanism, *initial = argument.split() or [""]
        mechanism = mechanism.upper()
        if mechanism not in offered:
            raise Refusal(say.UNKNOWN_MECHANISM)
        if len(initial) > 1:
            raise Refusal(say.BAD_PARAMETER)
        self._initial = initial[0] if initial else None
        self._exchange = ServerExchange(mechanism, decoy_secret)

    def begin(self) -> Step:
        """
        Raises:
            Refusal: the initial response is malformed.
        """
        if self._initial is None:
            return self._step(self._exchange.begin())
        # "=" is an initial response without a single octet.
        return self._answered(b"" if self._initial == "=" else _decoded(self._initial.encode()))

    def respond(self, line: bytes) -> Step:
        """
        Raises:
            Refusal: the response is malformed or proves nothing, or the client has cancelled.
        """
        if line == b"*":
            raise Refusal(say.AUTH_CANCELLED)
        return self._answered(_decoded(line))

    def key(self, key: StoredKey | None) -> Step:
        """The key that was asked for; ``None`` for an unknown user."""
        return self._answered(key)

    def _answered(self, answer: bytes | StoredKey | None) -> Step:
        try:
            return self._step(self._exchange.respond(answer))
        except MalformedResponse:
            raise Refusal(say.BAD_BASE64) from None
        except WrongProof:
            raise Refusal(say.BAD_CREDENTIALS) from None

    def _step(self, outcome: bytes | KeyWanted | Credentials | Proved) -> Step:
        match outcome:
            case bytes():
                return Reply(Code(334), (base64.b64encode(outcome).decode(),))
            case Credentials(username, password):
                return AuthAttempt(self._exchange.mechanism, username, password)
            case _:
                return outcome


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Refusal(say.BAD_BASE64) from None
