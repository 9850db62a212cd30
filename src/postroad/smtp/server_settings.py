"""What a server offers and how much it puts up with."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from postroad.chance import random_bytes
from postroad.smtp.commands import checked_ehlo_name
from postroad.smtp.sasl_server import WITH_KEY, WITH_PASSWORD

_MAIL_PARAMETERS: Final = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID"})
RCPT_PARAMETERS: Final = frozenset({"NOTIFY", "ORCPT"})


class AuthOffer(Enum):
    """Where AUTH is offered. Over an open wire a password is everybody's."""

    NEVER = "never"
    OVER_TLS = "over TLS"
    OVER_TLS_OR_LOOPBACK = "over TLS or loopback"  # what never leaves the machine cannot be overheard on a wire


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Every limit with its unit and origin."""

    # Octets with CRLF. RFC 5321 §4.5.3.1.4 asks for 512, extensions for some 600 more; Postfix reads 2048.
    command_octets: int = 2048
    # Octets with CRLF of a SASL response (RFC 4954 §4).
    auth_octets: int = 12_288
    # Octets with CRLF; None for no limit. RFC 5321 §4.5.3.1.6, where Exim refuses too; Postfix and smtplib do not care.
    text_line_octets: int | None = 1000
    # Octets of content: 25 MiB of attachments in base64, as Gmail announces.
    message_octets: int = 35_882_577
    # Octets read of a content that is too large before giving up on it: most clients hear the 552 only after their dot.
    drained_octets: int = 1 << 30
    # Recipients a transaction. RFC 5321 §4.5.3.1.8 asks for 100; Postfix takes 1000.
    recipients: int = 1000
    # Transactions begun in a session, None for no limit; EHLO names it (RFC 9422 §3.1, MAILMAX).
    messages: int | None = None
    # Commands refused in a session for their form, order or credentials; Postfix's smtpd_hard_error_limit.
    errors: int = 20
    # Commands without a content, RCPT not counted; Postfix's smtpd_junk_command_limit.
    commands_without_mail: int = 100


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server presents itself.

    ``hostname`` greets. ``starttls`` offers it in plain text; with ``tls_required`` nothing is taken before TLS, and
    with ``auth_required`` nothing before AUTH. ``stored_keys`` says that somebody knows them, so SCRAM is offered too.

    Raises:
        ConfigurationError: ``hostname`` is neither a host name nor an address literal.
    """

    hostname: str = "localhost"
    starttls: bool = False
    tls_required: bool = False
    auth: AuthOffer = AuthOffer.NEVER
    auth_required: bool = False
    stored_keys: bool = False
    limits: ServerLimits = field(default_factory=ServerLimits)
    # Makes the salts of users that do not exist. One that outlives the process hides them from a patient asker, too.
    decoy_secret: bytes = field(default_factory=lambda: random_bytes(32), repr=False, compare=False)

    def __post_init__(self) -> None:
        checked_ehlo_name(self.hostname)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """Of SASL, the best first."""
        return (WITH_KEY, *WITH_PASSWORD) if self.stored_keys else WITH_PASSWORD

    def auth_offered(self, *, secure: bool, loopback: bool) -> bool:
        """Whether AUTH is offered over such a wire."""
        if self.auth is AuthOffer.NEVER:
            return False
        return secure or (self.auth is AuthOffer.OVER_TLS_OR_LOOPBACK and loopback)

    def keywords(self, *, secure: bool, loopback: bool, authenticated: bool) -> tuple[str, ...]:
        """What EHLO names, in a session of this kind (RFC 5321 §4.1.1.1)."""
        keywords = [
            *("PIPELINING", f"SIZE {self.limits.message_octets}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"),
            *("CHUNKING", "DSN", self._limits_keyword()),
        ]
        if secure:
            keywords.append("REQUIRETLS")  # RFC 8689 §2: never in plain text
        elif self.starttls:
            keywords.append("STARTTLS")
        if not authenticated and self.auth_offered(secure=secure, loopback=loopback):
            keywords.append(f"AUTH {' '.join(self.mechanisms)}")
        return tuple(keywords)

    def mail_parameters(self, *, secure: bool) -> frozenset[str]:
        """The parameters of MAIL that belong to these keywords (RFC 1870, 6152, 6531, 3461, 8689, 4954 §5)."""
        of_auth = () if self.auth is AuthOffer.NEVER else ("AUTH",)
        return _MAIL_PARAMETERS.union(("REQUIRETLS",) if secure else (), of_auth)

    def _limits_keyword(self) -> str:
        """RFC 9422 §3."""
        messages = self.limits.messages
        return f"LIMITS {'' if messages is None else f'MAILMAX={messages} '}RCPTMAX={self.limits.recipients}"
