"""What a server's conversation asks its caller, who answers with a reply."""

from dataclasses import dataclass
from enum import Enum

from postroad.address import Address
from postroad.secret import Secret


@dataclass(frozen=True, slots=True)
class MailGiven:
    """MAIL: a transaction begins. ``sender`` is ``None`` for the null sender; ``size`` is in octets, where declared."""

    sender: Address | None
    size: int | None = None  # RFC 1870 §3
    eight_bit: bool = False  # BODY=8BITMIME (RFC 6152)
    smtputf8: bool = False  # RFC 6531 §3.4


@dataclass(frozen=True, slots=True)
class RecipientGiven:
    """RCPT, for the transaction that ``mail`` began."""

    mail: MailGiven
    recipient: Address


@dataclass(frozen=True, slots=True, eq=False)
class ContentComplete:
    """The final dot has come, for the accepted recipients. Until it is answered 2yz the client is responsible.

    ``content`` has its dots unstuffed and ends every line with CRLF.
    """

    mail: MailGiven
    recipients: tuple[Address, ...]
    content: bytes


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
    OURS = "this side ended it"


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over: write what is outgoing and close the connection."""

    why: Ending


Question = MailGiven | RecipientGiven | ContentComplete | AuthAttempt
ServerEvent = Question | TlsWanted | Ended
