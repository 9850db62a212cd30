"""Everything that can go wrong, in one tree. Each error knows blame, scope and remedy.

::

    PostroadError
    ├── MessageError (ValueError)          the message itself is wrong; nothing was sent
    │   └── AddressError                   an address that cannot stand in an envelope or a header
    ├── ConfigurationError                 a setting is missing or contradicts another
    │   ├── MissingExtra (ImportError)     an optional part of postroad is not installed
    │   └── SecretUnavailable              where a secret is kept cannot be asked now
    ├── DatabaseError                      the outbox's database cannot be read or written now
    ├── NotFound (LookupError)             no such message
    ├── IdempotencyConflict                same key, other content
    ├── Suppressed                         a recipient is on the suppression list
    ├── WebhookRefused (ValueError)        a webhook that its provider has not signed, or that is none
    └── SendError                          something happened on the way
        ├── ConnectError (ConnectionError) the host was not reached, or is not trusted
        │   ├── DnsError                   the name did not resolve
        │   ├── ProxyError                 the proxy was not reached, or broke its protocol
        │   │   └── ProxyRefused           the proxy does not let us through
        │   └── TlsError                   certificate or handshake
        │       └── TlsModeMismatch        TLS where plain text is spoken, or the reverse
        ├── Timeout (TimeoutError)         the peer was too slow
        │   └── PoolTimeout                no connection became free
        ├── Throttled                      told to slow down
        ├── Disconnected (ConnectionError) dropped before the final dot
        ├── ProtocolError                  the peer broke the protocol
        ├── Unsupported                    the peer cannot do what the message needs
        ├── AuthenticationError            credentials refused
        ├── SenderRefused                  MAIL FROM refused
        ├── RecipientsRefused              every recipient refused
        ├── DataError                      content refused
        ├── OutcomeUnknown                 no answer after the final dot
        └── Abandoned                      the caller took the message back before the final dot
"""

from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from postroad.reply import Code, EnhancedCode, Phase, Reply, TranscriptLine

if TYPE_CHECKING:
    from postroad.outcome import SendReport


class Blame(Enum):
    """Whose fault it is."""

    OURS = "ours"
    PEER = "peer"
    NETWORK = "network"
    CONFIGURATION = "configuration"


class Scope(Enum):
    """How far the fault reaches."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    CONNECTION = "connection"
    ROUTE = "route"  # every message to this destination or by this account


class Remedy(Enum):
    """What helps."""

    RETRY = "retry"
    RETRY_ELSEWHERE = "retry elsewhere"
    GIVE_UP = "give up"
    FIX = "fix"
    DECIDE = "decide"  # nobody knows whether the mail arrived: a policy must say


class PostroadError(Exception):
    """The root of every error that postroad raises on purpose.

    ``code`` and ``enhanced`` are the server's, where a server spoke; ``phase`` is the step of the delivery;
    ``retry_after`` is in seconds, where the peer said; ``advice`` is a sentence that says what to do;
    ``transcript`` holds the conversation, redacted; ``report`` tells what became of each recipient.
    """

    slug: ClassVar[str] = "error"  # the stable name of the kind, as in JSON
    blame: ClassVar[Blame] = Blame.OURS
    scope: ClassVar[Scope] = Scope.MESSAGE
    default_remedy: ClassVar[Remedy] = Remedy.FIX
    default_advice: ClassVar[str] = "Read the message; if it does not help, report it with the transcript."

    def __init__(
        self,
        message: str = "",
        *,
        reply: Reply | None = None,
        phase: Phase | None = None,
        advice: str | None = None,
        retry_after: float | None = None,
        transcript: tuple[TranscriptLine, ...] = (),
        report: "SendReport | None" = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reply = reply
        self.phase = phase
        self.advice = advice or self.default_advice
        self.retry_after = retry_after
        self.transcript = transcript
        self.report = report

    @property
    def code(self) -> Code | None:
        """The three-digit reply code, where a server spoke (RFC 5321 §4.2)."""
        return self.reply.code if self.reply else None

    @property
    def enhanced(self) -> EnhancedCode | None:
        """The enhanced status code, where the server gave one (RFC 3463)."""
        return self.reply.enhanced if self.reply else None

    @property
    def remedy(self) -> Remedy:
        """What helps; a server's 4yz or 5yz reply overrules the kind's default."""
        if self.default_remedy is Remedy.RETRY and self.code is not None and self.code.permanent:
            return Remedy.GIVE_UP
        return self.default_remedy

    @property
    def temporary(self) -> bool:
        """Trying again later, unchanged, may help, and cannot double the mail."""
        return self.remedy in (Remedy.RETRY, Remedy.RETRY_ELSEWHERE)

    @property
    def permanent(self) -> bool:
        """Trying again unchanged will not help."""
        return self.remedy in (Remedy.GIVE_UP, Remedy.FIX)

    @property
    def ambiguous(self) -> bool:
        """The mail may or may not have arrived."""
        return self.remedy is Remedy.DECIDE

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle by their positional arguments; ours are keywords.
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))


def _rebuild(kind: type[PostroadError], message: str, state: dict[str, Any]) -> PostroadError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class MessageError(PostroadError, ValueError):
    """The message itself is wrong: injection, a bad address, too large. Nothing was sent."""

    slug = "message_error"
    default_advice = "Fix the field that the error names; nothing was sent."

    def __init__(self, message: str = "", *, field: str | None = None, **rest: Any) -> None:
        rest.setdefault("phase", Phase.MESSAGE)
        super().__init__(message, **rest)
        self.field = field


class AddressError(MessageError):
    """An address that cannot stand in an envelope or a header."""

    slug = "address_error"
    default_advice = "Give one mailbox as user@domain or 'Name <user@domain>'; several addresses go in a list."


class ConfigurationError(PostroadError):
    """A setting is missing, malformed or contradicts another; the message names it and where it came from."""

    slug = "configuration_error"
    blame = Blame.CONFIGURATION
    scope = Scope.ROUTE
    default_advice = "Correct the named setting."

    def __init__(self, message: str = "", *, setting: str | None = None, **rest: Any) -> None:
        rest.setdefault("phase", Phase.CONFIGURATION)
        super().__init__(message, **rest)
        self.setting = setting


class MissingExtra(ConfigurationError, ImportError):
    """An optional part of postroad is used and its libraries are not installed."""

    slug = "missing_extra"


class SecretUnavailable(ConfigurationError):
    """Where a secret is kept (a vault, a command, a token's issuer) cannot be asked now; nothing was sent."""

    slug = "secret_unavailable"
    blame = Blame.NETWORK
    default_remedy = Remedy.RETRY
    default_advice = "Check that the named place answers; it will be asked again with the next try."


class DatabaseError(PostroadError):
    """The outbox's database cannot be read or written now: the disk is full, the file is locked, damaged or gone."""

    slug = "database_error"
    blame = Blame.CONFIGURATION
    scope = Scope.ROUTE
    default_remedy = Remedy.RETRY
    default_advice = "Check the disk's free space and health and the file's permissions, then call again."


class NotFound(PostroadError, LookupError):
    """No such message."""

    slug = "not_found"
    default_advice = "Check the id, and that this is the database the message was put into."


class IdempotencyConflict(PostroadError):
    """The idempotency key is known with another content."""

    slug = "idempotency_conflict"
    default_advice = "Use a new key for a new message; use the same key only with the same message."


class Suppressed(PostroadError):
    """A recipient is on the suppression list."""

    slug = "suppressed"
    scope = Scope.RECIPIENT
    default_remedy = Remedy.GIVE_UP
    default_advice = "Do not mail this address; remove the suppression only if its owner asked for it."


class WebhookRefused(PostroadError, ValueError):
    """A webhook does not come from the provider, is too old, or is none; nothing of it was taken in."""

    slug = "webhook_refused"
    blame = Blame.PEER
    default_remedy = Remedy.GIVE_UP
    default_advice = "Check the signing secret, the address the provider posts to, and this machine's clock."


class SendError(PostroadError):
    """Something happened between taking the message and the answer to the final dot."""

    slug = "send_error"
    blame = Blame.PEER
    scope = Scope.CONNECTION
    default_remedy = Remedy.RETRY


class ConnectError(SendError, ConnectionError):
    """The host was not reached, or hung up before it greeted, or is not trusted."""

    slug = "connect_error"
    blame = Blame.NETWORK
    scope = Scope.ROUTE
    default_advice = "Check the host name and port, the firewall, and that the server runs."


class DnsError(ConnectError):
    """The host name did not resolve."""

    slug = "dns_error"
    default_advice = "Check the spelling of the host name, and the machine's DNS resolver."


class ProxyError(ConnectError):
    """The proxy was not reached, hung up or broke its protocol. Where it works and does not reach the host, that is a
    ``ConnectError`` like any other.
    """

    slug = "proxy_error"
    default_advice = "Check the proxy's kind, host and port, and that it runs."


class ProxyRefused(ProxyError):
    """The proxy does not let us through: wrong credentials, or its rules. Not retried: it will refuse again."""

    slug = "proxy_refused"
    blame = Blame.CONFIGURATION
    default_remedy = Remedy.FIX
    default_advice = "Correct the proxy's user name and password, or have its operator allow this host and port."


class TlsError(ConnectError):
    """The TLS handshake failed or the certificate is not trusted. Not retried: it will fail again."""

    slug = "tls_error"
    blame = Blame.PEER
    default_remedy = Remedy.FIX
    default_advice = "Check the server's certificate: its name, its dates and its issuer; give its CA with ?ca=FILE."


class TlsModeMismatch(TlsError):
    """Implicit TLS where the server speaks plain text first, or the reverse."""

    slug = "tls_mode_mismatch"
    blame = Blame.CONFIGURATION
    default_advice = "Use smtps:// (port 465) for implicit TLS and smtp:// (port 587) for STARTTLS."


class Timeout(SendError, TimeoutError):
    """The peer did not answer in time, before the final dot."""

    slug = "timeout"
    blame = Blame.NETWORK
    default_advice = "Try again later; nothing was accepted. If it persists, check firewall, TLS mode and server load."


class PoolTimeout(Timeout):
    """No connection became free in time."""

    slug = "pool_timeout"
    blame = Blame.OURS
    scope = Scope.ROUTE
    default_advice = "Send slower, or raise ?pool= if the provider allows more connections."


class Throttled(SendError):
    """The peer told us to slow down."""

    slug = "throttled"
    scope = Scope.ROUTE
    default_advice = "Wait as long as retry_after says, then send slower."


class Disconnected(SendError, ConnectionError):
    """The connection was lost before the final dot; nothing was accepted."""

    slug = "disconnected"
    blame = Blame.NETWORK
    default_advice = "Try again on a new connection; nothing was accepted."


class ProtocolError(SendError):
    """The peer broke the protocol."""

    slug = "protocol_error"
    default_remedy = Remedy.RETRY_ELSEWHERE
    default_advice = "Report it to the server's operator, with the transcript; check that the port really speaks SMTP."


class Unsupported(SendError):
    """The peer cannot do what the message needs."""

    slug = "unsupported"
    scope = Scope.MESSAGE
    default_remedy = Remedy.FIX
    default_advice = "Change the message or use another route."


class AuthenticationError(SendError):
    """The credentials were refused. Never tried again by itself: accounts get locked that way."""

    slug = "authentication_error"
    blame = Blame.CONFIGURATION
    scope = Scope.ROUTE
    default_remedy = Remedy.FIX
    default_advice = "Correct user name and password; many providers want an app password or an API key here."

    @property
    def remedy(self) -> Remedy:
        """A 4yz reply (454, RFC 4954 §6) is the server's own trouble, and passes."""
        return Remedy.RETRY if self.code is not None and self.code.temporary else self.default_remedy


class SenderRefused(SendError):
    """MAIL FROM was refused."""

    slug = "sender_refused"
    scope = Scope.MESSAGE
    default_advice = "Check that this account may send as this address, and the domain's SPF, DKIM and DMARC."


class RecipientsRefused(SendError):
    """Every recipient was refused; ``report.refused`` says which and why."""

    slug = "recipients_refused"
    scope = Scope.RECIPIENT
    default_advice = "5xx: do not send to these addresses again; 4xx: try again later."


class DataError(SendError):
    """The content was refused: size, form or policy."""

    slug = "data_error"
    scope = Scope.MESSAGE
    default_advice = "Check size, encoding and content of the message."


class OutcomeUnknown(SendError):
    """The final dot went out and no answer came: the mail may or may not have been accepted (RFC 1047)."""

    slug = "outcome_unknown"
    blame = Blame.NETWORK
    scope = Scope.MESSAGE
    default_remedy = Remedy.DECIDE
    default_advice = "Do not send again blindly: it may double the mail. Decide by what the mail is for."


class Abandoned(SendError):
    """The caller's ``before_commit`` took the message back before the final dot; nothing was sent."""

    slug = "abandoned"
    blame = Blame.OURS
    scope = Scope.MESSAGE
    default_advice = "Nothing to do: somebody cancelled or took over this delivery."
