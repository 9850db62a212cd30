"""What a well-behaved mail server says, for the points of a conversation that a script leaves alone.

It shares no code with postroad's own server, so that the client is tested against a stranger.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_CHUNK: Final = re.compile(r"BDAT (\d{1,12})( LAST)?", re.IGNORECASE)  # RFC 3030 §2
_PATH: Final = re.compile(r"(?:MAIL FROM|RCPT TO):\s?<([^>]*)>(?: (.*))?", re.IGNORECASE)

DEFAULT_EXTENSIONS: Final = ("PIPELINING", "SIZE 35882577", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server has to offer, whatever the session."""

    extensions: tuple[str, ...] = DEFAULT_EXTENSIONS
    credentials: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    starttls: bool = False
    lmtp: bool = False  # RFC 2033


@dataclass(slots=True)
class Transaction:
    """A sender, the recipients so far with the parameters each was given, and the content so far."""

    mail_from: str
    options: tuple[str, ...]
    recipients: list[str] = field(default_factory=list)
    recipient_options: list[tuple[str, ...]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    chunked: bool = False  # a chunk was answered: only more of them, or a RSET, may follow
    spoilt: bool = False  # a chunk was refused


class NormalServer:
    """One session: ``reply`` says what to answer, ``learn`` what the answer that was given has changed."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self.transaction: Transaction | None = None
        self.secure = False
        self.user: str | None = None
        self.introduced = False
        self._mechanism = ""
        self._responses: list[str] = []

    @property
    def in_exchange(self) -> bool:
        """A SASL exchange is under way: the next line is a response."""
        return bool(self._mechanism)

    @property
    def lmtp(self) -> bool:
        """Every recipient gets an answer of its own to the content."""
        return self._offer.lmtp

    @property
    def awaits_content(self) -> bool:
        """Somebody was accepted, and no chunk was refused."""
        return self.transaction is not None and bool(self.transaction.recipients) and not self.transaction.spoilt

    def offers(self, keyword: str) -> bool:
        """Whether it is among the extensions."""
        return keyword in self._offer.extensions

    def take(self, octets: bytes) -> None:
        """So much more of the content has come."""
        if self.transaction is not None:
            self.transaction.content += octets

    def reply(self, point: str, line: str) -> str:
        """The normal reply, its lines joined by LF."""
        match point:
            case "GREETING":
                return f"220 scripted.example {'LMTP' if self.lmtp else 'ESMTP'}"
            case "EHLO" | "HELO" | "LHLO":
                return self._hello(point)
            case "STARTTLS":
                return "220 2.0.0 Go ahead" if self._may_secure else "502 5.5.1 No TLS here"
            case "AUTH" | "AUTH_RESPONSE":
                return self._auth_reply(line, point)
            case "MAIL" | "RCPT" | "DATA" | "BDAT" | "BDAT LAST":
                return self._transaction_reply(point, line)
            case "DOT":
                return "250 2.0.0 Taken"
            case "QUIT":
                return "221 2.0.0 Bye"
            case "VRFY" | "EXPN":
                return "252 2.5.0 Try and see"
            case _:
                return "250 2.0.0 Ok"

    def learn(self, point: str, line: str, code: int) -> None:
        """Follow the reply that was really given; a script may have changed it."""
        positive = 200 <= code < 300
        match point:
            case "EHLO" | "HELO" | "LHLO" if positive:
                self.introduced, self.transaction = True, None
            case "AUTH" | "AUTH_RESPONSE":
                self._learn_auth(line, point, code)
            case "MAIL" if positive:
                path, options = _path(line)
                self.transaction = Transaction(path, options)
            case "RCPT" if positive and self.transaction is not None:
                path, options = _path(line)
                self.transaction.recipients.append(path)
                self.transaction.recipient_options.append(options)
            case "BDAT" if self.transaction is not None:
                self.transaction.chunked = True
                self.transaction.spoilt = self.transaction.spoilt or not positive
            case "BDAT LAST" if self.awaits_content:
                self.transaction = None
            case "RSET" | "DOT":
                self.transaction = None

    def secured(self) -> None:
        """The handshake is done: everything known before it is void (RFC 3207 §4.2)."""
        self.secure, self.introduced, self.transaction = True, False, None

    @property
    def _may_secure(self) -> bool:
        return self._offer.starttls and not self.secure

    @property
    def _may_authenticate(self) -> bool:
        return bool(self._offer.credentials) and not self._may_secure

    def _hello(self, point: str) -> str:
        if (point == "LHLO") is not self.lmtp:  # RFC 2033 §4.1
            return f"500 5.5.1 This is {'LMTP' if self.lmtp else 'SMTP'}"
        if point == "HELO":
            return "250 scripted.example"
        return "\n".join(("250-scripted.example", *self._keywords()))

    def _keywords(self) -> list[str]:
        keywords = list(self._offer.extensions)
        if self._may_secure:
            keywords.append("STARTTLS")
        if self._may_authenticate:
            keywords.append("AUTH PLAIN LOGIN")
        return [f"250-{keyword}" for keyword in keywords] + ["250 HELP"]

    def _transaction_reply(self, point: str, line: str) -> str:
        if point == "MAIL":
            if not self.introduced or self.transaction is not None:
                return "503 5.5.1 Bad sequence of commands"
            return "250 2.1.0 Sender ok" if _PATH.fullmatch(line) else "501 5.5.4 Bad path"
        if self.transaction is None or (point != "RCPT" and not self.awaits_content):
            return "503 5.5.1 Bad sequence of commands"
        if point.startswith("BDAT"):
            return "250 2.0.0 Taken" if _CHUNK.fullmatch(line) else "501 5.5.4 Bad chunk size"
        if self.transaction.chunked:  # RFC 3030 §2
            return "503 5.5.1 Bad sequence of commands"
        if point == "DATA":
            return "354 Go ahead"
        return "250 2.1.5 Recipient ok" if _PATH.fullmatch(line) else "501 5.5.4 Bad path"

    # ── AUTH PLAIN and LOGIN (RFC 4954) ───────────────────────────────────────────────────────────────────────────

    def _auth_reply(self, line: str, point: str) -> str:
        if not self._may_authenticate:
            return "503 5.5.1 AUTH is not offered now"
        mechanism, responses = self._exchange(line, point)
        if mechanism not in ("PLAIN", "LOGIN"):
            return "504 5.5.4 Unknown mechanism"
        if responses and responses[-1] == "*":
            return "501 5.0.0 Cancelled"
        if len(responses) < _responses_of(mechanism):
            return f"334 {_question(mechanism, len(responses))}".rstrip()
        user, password = _credentials(mechanism, responses)
        if user and self._offer.credentials.get(user) == password:
            return "235 2.7.0 Welcome"
        return "535 5.7.8 Credentials refused"

    def _learn_auth(self, line: str, point: str, code: int) -> None:
        mechanism, responses = self._exchange(line, point)
        if 200 <= code < 300:
            self.user = _credentials(mechanism, responses)[0]
        going_on = 300 <= code < 400
        self._mechanism, self._responses = (mechanism, responses) if going_on else ("", [])

    def _exchange(self, line: str, point: str) -> tuple[str, list[str]]:
        if point == "AUTH_RESPONSE":
            return self._mechanism, [*self._responses, line]
        _, *words = line.split(" ")
        return (words[0].upper() if words else ""), words[1:2]


def _responses_of(mechanism: str) -> int:
    return 2 if mechanism == "LOGIN" else 1


def _question(mechanism: str, number: int) -> str:
    if mechanism == "PLAIN":
        return ""
    return base64.b64encode((b"Username:", b"Password:")[number]).decode()


def _credentials(mechanism: str, responses: list[str]) -> tuple[str, str]:
    try:
        decoded = [base64.b64decode(text, validate=True).decode() for text in responses]
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    if mechanism == "LOGIN" and len(decoded) == 2:
        return decoded[0], decoded[1]
    parts = decoded[0].split("\0") if decoded else []
    return (parts[1], parts[2]) if len(parts) == 3 else ("", "")


def chunk_size(line: str) -> tuple[int, bool]:
    """How many octets follow a BDAT command, and whether they are the last."""
    match = _CHUNK.fullmatch(line)
    return (int(match.group(1)), match.group(2) is not None) if match is not None else (0, False)


def _path(line: str) -> tuple[str, tuple[str, ...]]:
    match = _PATH.fullmatch(line)
    if match is None:  # a script accepted what a normal server refuses
        return "", ()
    return match.group(1), tuple((match.group(2) or "").split())
