"""What a server's conversation asks its caller, who answers with a reply."""

from dataclasses import dataclass
from enum import Enum

from postroad.address import Address
from postroad.secret import Secret
from postroad.smtp.scram_server import KeyWanted


@dataclass(frozen=True, slots=True)
class MailGiven:
    """MAIL: a transaction begins. ``sender`` is ``None`` for the null sender; ``size`` is in octets, where declared.

    With ``require_tls`` the message may go on only where every hop promises verified TLS. ``ret`` is ``FULL`` or
    ``HDRS``: how much of the message a notification of failure gives back; ``envid`` stands in every notification.
    """

    sender: Address | None
    size: int | None = None  # RFC 1870 §3
    eight_bit: bool = False  # BODY=8BITMIME (RFC 6152)
    smtputf8: bool = False  # RFC 6531 §3.4
    require_tls: bool = False  # RFC 8689 §4.1
    ret: str | None = None  # RFC 3461 §4.3
    envid: str | None = None  # RFC 3461 §4.4, decoded


@dataclass(frozen=True, slots=True)
class OriginalRecipient:
    """Who a message was first meant for (RFC 3461 §4.2): ``address_type`` in lower case, such as ``rfc822``."""

    address_type: str
    address: str


@dataclass(frozen=True, slots=True)
class RecipientGiven:
    """RCPT, for the transaction that ``mail`` began.

    ``notify`` holds ``NEVER``, or some of ``SUCCESS``, ``FAILURE``, ``DELAY``; nothing leaves it to us (RFC 3461 §4.1).
    """

    mail: MailGiven
    recipient: Address
    notify: tuple[str, ...] = ()
    original: OriginalRecipient | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ContentComplete:
    """The final dot or the last chunk has come. Until it is answered 2yz the client is responsible.

    ``given`` are the accepted recipients with what was asked for them. ``content`` has its dots unstuffed and ends
    every line with CRLF.
    """

    mail: MailGiven
    given: tuple[RecipientGiven, ...]
    content: bytes

    @property
    def recipients(self) -> tuple[Address, ...]:
        """The accepted recipients."""
        return tuple(given.recipient for given in self.given)


@dataclass(frozen=True, slots=True)
class AuthAttempt:
    """Credentials to check; answered with 235, 535 or 454 (RFC 4954 §6)."""

    mechanism: str
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class TlsWanted:
    """STARTTLS was answered 220: write what is outgoing, do the handshake, call ``tls_established``."""


class Ending(Enum):
    """Why a session ended."""

    QUIT = "the client said QUIT"
    INJECTION = "plain text behind STARTTLS"
    BARE_LINE_END = "a bare CR or LF in a command"
    ERRORS = "too many errors"
    COMMANDS = "too many commands without a message"
    ENDLESS_CONTENT = "a message without an end"
    BAD_CHUNK = "a chunk without a length"
    MESSAGES = "too many messages"
    OURS = "this side ended it"


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over: write what is outgoing and close the connection."""

    why: Ending


Question = MailGiven | RecipientGiven | ContentComplete | AuthAttempt | KeyWanted
ServerEvent = Question | TlsWanted | Ended
