"""What a server offers and how much it puts up with."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from postroad.smtp.commands import checked_ehlo_name
from postroad.smtp.sasl_server import MECHANISMS

_MAIL_PARAMETERS: Final = frozenset({"SIZE", "BODY", "SMTPUTF8"})


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
    # Commands refused in a session for their form, order or credentials; Postfix's smtpd_hard_error_limit.
    errors: int = 20
    # Commands without a content, RCPT not counted; Postfix's smtpd_junk_command_limit.
    commands_without_mail: int = 100


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server presents itself.

    ``hostname`` greets. ``starttls`` offers it in plain text; with ``tls_required`` nothing is taken before TLS, and
    with ``auth_required`` nothing before AUTH.

    Raises:
        ConfigurationError: ``hostname`` is neither a host name nor an address literal.
    """

    hostname: str = "localhost"
    starttls: bool = False
    tls_required: bool = False
    auth: AuthOffer = AuthOffer.NEVER
    auth_required: bool = False
    limits: ServerLimits = field(default_factory=ServerLimits)

    def __post_init__(self) -> None:
        checked_ehlo_name(self.hostname)

    def auth_offered(self, *, secure: bool, loopback: bool) -> bool:
        """Whether AUTH is offered over such a wire."""
        if self.auth is AuthOffer.NEVER:
            return False
        return secure or (self.auth is AuthOffer.OVER_TLS_OR_LOOPBACK and loopback)

    def keywords(self, *, secure: bool, loopback: bool, authenticated: bool) -> tuple[str, ...]:
        """What EHLO names, in a session of this kind (RFC 5321 §4.1.1.1)."""
        keywords = ["PIPELINING", f"SIZE {self.limits.message_octets}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self.starttls and not secure:
            keywords.append("STARTTLS")
        if not authenticated and self.auth_offered(secure=secure, loopback=loopback):
            keywords.append(f"AUTH {' '.join(MECHANISMS)}")
        return tuple(keywords)

    @property
    def mail_parameters(self) -> frozenset[str]:
        """The parameters of MAIL that belong to these keywords (RFC 1870, 6152, 6531, 4954 §5)."""
        return _MAIL_PARAMETERS if self.auth is AuthOffer.NEVER else _MAIL_PARAMETERS | {"AUTH"}
