"""postroad sends email from Python and stays with every message until its fate is known."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from postroad import secret

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from postroad.address import Address
    from postroad.errors import (
        Abandoned,
        AddressError,
        AuthenticationError,
        ConfigurationError,
        ConnectError,
        DatabaseError,
        DataError,
        Disconnected,
        DnsError,
        IdempotencyConflict,
        MessageError,
        MissingExtra,
        NotFound,
        OutcomeUnknown,
        PoolTimeout,
        PostroadError,
        ProtocolError,
        ProxyError,
        ProxyRefused,
        RecipientsRefused,
        SecretUnavailable,
        SenderRefused,
        SendError,
        Suppressed,
        Throttled,
        Timeout,
        TlsError,
        TlsModeMismatch,
        Unsupported,
        WebhookRefused,
    )
    from postroad.mailer.blocking import Mailer
    from postroad.mailer.dkim import Dkim, Unaligned
    from postroad.mailer.mailer import AsyncMailer
    from postroad.message.attachment import Attachment, InlineImage
    from postroad.message.dsn_request import Dsn
    from postroad.message.email import Email
    from postroad.message.envelope import Envelope
    from postroad.message.raw import RawMessage
    from postroad.net.access_token import AccessToken
    from postroad.net.proxy import Proxy, ProxyKind
    from postroad.net.tls import Tls, Trust
    from postroad.outbox.blocking import Outbox
    from postroad.outbox.outbox import AsyncOutbox
    from postroad.outbox.retention import Retention
    from postroad.outcome import Outcome, RouteTried, SendReport
    from postroad.providers.mailgun.send import Mailgun
    from postroad.providers.postmark.send import Postmark
    from postroad.providers.resend.send import Resend
    from postroad.providers.sendgrid.send import SendGrid
    from postroad.providers.ses.send import Ses
    from postroad.reply import Phase
    from postroad.retry import Schedule
    from postroad.secret import Secret
    from postroad.transport.breaker import BreakerSettings
    from postroad.transport.composition import Failover, RoundRobin, Weighted
    from postroad.transport.direct.settings import Direct
    from postroad.transport.direct.transport import DirectTransport
    from postroad.transport.gcra import Rate
    from postroad.transport.smtp.limits import PoolLimits, Timeouts
    from postroad.transport.smtp.place import Protocol
    from postroad.transport.smtp.settings import Smtp

# Where each public name lives. Loaded when it is asked for, so that `import postroad` costs next to nothing and the
# outbox's database libraries are loaded, or missed, only by those who use it.
_HOMES: Final = {
    "postroad.address": ("Address",),
    "postroad.errors": (
        "Abandoned",
        "AddressError",
        "AuthenticationError",
        "ConfigurationError",
        "ConnectError",
        "DataError",
        "DatabaseError",
        "Disconnected",
        "DnsError",
        "IdempotencyConflict",
        "MessageError",
        "MissingExtra",
        "NotFound",
        "OutcomeUnknown",
        "PoolTimeout",
        "PostroadError",
        "ProtocolError",
        "ProxyError",
        "ProxyRefused",
        "RecipientsRefused",
        "SecretUnavailable",
        "SendError",
        "SenderRefused",
        "Suppressed",
        "Throttled",
        "Timeout",
        "TlsError",
        "TlsModeMismatch",
        "Unsupported",
        "WebhookRefused",
    ),
    "postroad.mailer.blocking": ("Mailer",),
    "postroad.mailer.dkim": ("Dkim", "Unaligned"),
    "postroad.mailer.mailer": ("AsyncMailer",),
    "postroad.message.attachment": ("Attachment", "InlineImage"),
    "postroad.message.dsn_request": ("Dsn",),
    "postroad.message.email": ("Email",),
    "postroad.message.envelope": ("Envelope",),
    "postroad.message.raw": ("RawMessage",),
    "postroad.net.access_token": ("AccessToken",),
    "postroad.net.proxy": ("Proxy", "ProxyKind"),
    "postroad.net.tls": ("Tls", "Trust"),
    "postroad.outbox.blocking": ("Outbox",),
    "postroad.outbox.outbox": ("AsyncOutbox",),
    "postroad.outbox.retention": ("Retention",),
    "postroad.outcome": ("Outcome", "RouteTried", "SendReport"),
    "postroad.providers.mailgun.send": ("Mailgun",),
    "postroad.providers.postmark.send": ("Postmark",),
    "postroad.providers.resend.send": ("Resend",),
    "postroad.providers.sendgrid.send": ("SendGrid",),
    "postroad.providers.ses.send": ("Ses",),
    "postroad.reply": ("Phase",),
    "postroad.retry": ("Schedule",),
    "postroad.secret": ("Secret",),
    "postroad.transport.breaker": ("BreakerSettings",),
    "postroad.transport.composition": ("Failover", "RoundRobin", "Weighted"),
    "postroad.transport.direct.settings": ("Direct",),
    "postroad.transport.direct.transport": ("DirectTransport",),
    "postroad.transport.gcra": ("Rate",),
    "postroad.transport.smtp.limits": ("PoolLimits", "Timeouts"),
    "postroad.transport.smtp.place": ("Protocol",),
    "postroad.transport.smtp.settings": ("Smtp",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}
_EXTRA_OF: Final = {
    "postroad.outbox.blocking": "outbox",
    "postroad.outbox.outbox": "outbox",
    "postroad.outbox.retention": "outbox",
}

__all__ = [
    "Abandoned",
    "AccessToken",
    "Address",
    "AddressError",
    "AsyncMailer",
    "AsyncOutbox",
    "Attachment",
    "AuthenticationError",
    "BreakerSettings",
    "ConfigurationError",
    "ConnectError",
    "DataError",
    "DatabaseError",
    "Direct",
    "DirectTransport",
    "Disconnected",
    "Dkim",
    "DnsError",
    "Dsn",
    "Email",
    "Envelope",
    "Failover",
    "IdempotencyConflict",
    "InlineImage",
    "Mailer",
    "Mailgun",
    "MessageError",
    "MissingExtra",
    "NotFound",
    "Outbox",
    "Outcome",
    "OutcomeUnknown",
    "Phase",
    "PoolLimits",
    "PoolTimeout",
    "Postmark",
    "PostroadError",
    "Protocol",
    "ProtocolError",
    "Proxy",
    "ProxyError",
    "ProxyKind",
    "ProxyRefused",
    "Rate",
    "RawMessage",
    "RecipientsRefused",
    "Resend",
    "Retention",
    "RoundRobin",
    "RouteTried",
    "Schedule",
    "Secret",
    "SecretUnavailable",
    "SendError",
    "SendGrid",
    "SendReport",
    "SenderRefused",
    "Ses",
    "Smtp",
    "Suppressed",
    "Throttled",
    "Timeout",
    "Timeouts",
    "Tls",
    "TlsError",
    "TlsModeMismatch",
    "Trust",
    "Unaligned",
    "Unsupported",
    "WebhookRefused",
    "Weighted",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'postroad' has no attribute {name!r}")
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as fault:
        extra = _EXTRA_OF.get(home)
        if extra is None or (fault.name or "").startswith("postroad"):
            raise
        from postroad.errors import MissingExtra

        raise MissingExtra(
            f"postroad.{name} needs the {fault.name} library, which is not installed",
            setting=extra,
            advice=f"pip install 'postroad[{extra}]'",
        ) from fault
    globals()[name] = value
    return value


def _resolve(reference: "secret.Reference") -> str:
    found: str = import_module("postroad.net.secrets.store").SYSTEM_SECRETS.resolve(reference)
    return found


if "logging" in sys.modules:  # else the first part of ours that logs does it: logging takes long to load
    import_module("postroad.log")
secret.resolve_with(_resolve)  # the words of layer 0 do not know the ports of layer 2; loaded with the first reference


def __dir__() -> list[str]:
    return sorted(__all__)
