"""The AUTH command and the lines that follow it, from the server's side (RFC 4954 §4)."""

import base64
import binascii

from postroad.reply import Code, Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.command_parser import Refusal
from postroad.smtp.sasl_server import MECHANISMS, Credentials, MalformedResponse, ServerExchange
from postroad.smtp.server_events import AuthAttempt


class AuthDialogue:
    """One AUTH command until its credentials are complete. Each step gives a 334 to say, or the attempt to judge."""

    def __init__(self, argument: str) -> None:
        """Read the command's argument: a mechanism, and perhaps an initial response.

        Raises:
            Refusal: an unknown mechanism, or more than these two words.
        """
        mechanism, *initial = argument.upper().split() or [""]
        if mechanism not in MECHANISMS:
            raise Refusal(say.UNKNOWN_MECHANISM)
        if len(initial) > 1:
            raise Refusal(say.BAD_PARAMETER)
        self._initial = argument.split()[1] if initial else None
        self._exchange = ServerExchange(mechanism)

    def begin(self) -> Reply | AuthAttempt:
        """
        Raises:
            Refusal: the initial response is malformed.
        """
        if self._initial is None:
            return self._outcome(None)
        # "=" is an initial response without a single octet.
        return self._outcome(b"" if self._initial == "=" else _decoded(self._initial.encode()))

    def respond(self, line: bytes) -> Reply | AuthAttempt:
        """
        Raises:
            Refusal: the response is malformed, or the client has cancelled.
        """
        if line == b"*":
            raise Refusal(say.AUTH_CANCELLED)
        return self._outcome(_decoded(line))

    def _outcome(self, response: bytes | None) -> Reply | AuthAttempt:
        try:
            outcome = self._exchange.begin() if response is None else self._exchange.respond(response)
        except MalformedResponse:
            raise Refusal(say.BAD_BASE64) from None
        if isinstance(outcome, Credentials):
            return AuthAttempt(self._exchange.mechanism, outcome.username, outcome.password)
        return Reply(Code(334), (base64.b64encode(outcome).decode(),))


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Refusal(say.BAD_BASE64) from None
