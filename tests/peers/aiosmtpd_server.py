"""aiosmtpd, an SMTP server that shares no code with ours, in a thread of the test process."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.peers.certificates import ServerCertificate
from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.stoppable import Stoppable
from tests.peers.waiting import PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class AiosmtpdSettings:
    """What the server offers."""

    certificate: ServerCertificate | None = None  # with one: STARTTLS, and a second port with implicit TLS
    # With any: AUTH PLAIN and LOGIN; where there is TLS, only under it.
    users: Mapping[str, str] = field(default_factory=dict)
    message_size_limit: int = 33_554_432  # octets; aiosmtpd's own default
    max_recipients: int | None = None  # of a transaction; further ones are told 452
    smtputf8: bool = True
    host: str = LOOPBACK
    port: int = 0  # 0 takes a free one


@dataclass(frozen=True, slots=True)
class Received:
    """One transaction as the server understood it; ``content`` is what came after DATA, dots unstuffed."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    options: tuple[str, ...]  # the parameters of MAIL, as they came
    user: str | None


class AiosmtpdServer(Stoppable):
    """A running server. Some local parts are special at every domain.

    Recipients: ``reject@`` is refused with 550 5.1.1, ``defer@`` with 450 4.2.0, and ``hangup@`` is told 421 4.3.2,
    though aiosmtpd goes on after that. The sender ``reject@`` is refused with 550 5.7.1; so is, with 554 5.7.1, a
    content with the subject ``spam``.
    """

    smtp: Endpoint
    smtps: Endpoint  # implicit TLS; listens only where the settings hold a certificate

    def __init__(self, settings: AiosmtpdSettings | None = None) -> None:
        settings = settings or AiosmtpdSettings()
        self._recorder = _Recorder(settings)
        starttls = _Listener(self._recorder, settings, implicit_tls=False)
        self._listeners = [starttls]
        self.smtp = starttls.endpoint
        if settings.certificate:
            implicit = _Listener(self._recorder, settings, implicit_tls=True)
            self._listeners.append(implicit)
            self.smtps = implicit.endpoint

    def messages(self, count: int = 1, patience: float = PATIENCE) -> list[Received]:
        """All transactions so far, once there are ``count`` or more.

        Raises:
            TimeoutError: fewer came within ``patience`` seconds.
        """
        return self._recorder.wait_for(count, patience)

    @property
    def sessions(self) -> int:
        """How many connections have been made so far."""
        return sum(listener.sessions for listener in self._listeners)

    def stop(self) -> None:
        for listener in self._listeners:
            listener.stop()


class _Recorder:
    """aiosmtpd's handler: it finds these hooks by their names."""

    def __init__(self, settings: AiosmtpdSettings) -> None:
        self._max_recipients = settings.max_recipients
        self._received: list[Received] = []
        self._changed = threading.Condition()

    def wait_for(self, count: int, patience: float) -> list[Received]:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._received) >= count, patience):
                raise TimeoutError(f"{len(self._received)} of {count} messages came within {patience:g} s")
            return list(self._received)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own spelling
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("reject@"):
            return "550 5.7.1 Not from you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        match address.partition("@")[0]:
            case "reject":
                return "550 5.1.1 No such mailbox here"
            case "defer":
                return "450 4.2.0 Mailbox busy, try again later"
            case "hangup":
                return "421 4.3.2 Going down"
        if self._max_recipients is not None and len(envelope.rcpt_tos) >= self._max_recipients:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        if b"\r\nSubject: spam\r\n" in content:
            return "554 5.7.1 Not this"
        credentials: LoginPassword | None = session.auth_data  # what verify() answered
        user = credentials.login.decode() if credentials else None
        received = Received(
            envelope.mail_from or "", tuple(envelope.rcpt_tos), content, tuple(envelope.mail_options), user
        )
        with self._changed:
            self._received.append(received)
            self._changed.notify_all()
        return "250 2.0.0 Taken"


class _Listener(Controller):
    """A controller on a socket that is bound here: its own port 0 would be connected to as port 0."""

    def __init__(self, recorder: _Recorder, settings: AiosmtpdSettings, *, implicit_tls: bool) -> None:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        place = (settings.host, 0 if implicit_tls else settings.port)
        self._socket = socket.create_server(place, family=family)
        self.endpoint = Endpoint(settings.host, self._socket.getsockname()[1])
        context = settings.certificate.server_context() if settings.certificate else None
        super().__init__(
            recorder,
            hostname=self.endpoint.host,
            port=self.endpoint.port,
            ssl_context=context if implicit_tls else None,
            **_protocol_options(settings, None if implicit_tls else context),
        )
        self.sessions = 0
        self.start()

    def factory(self) -> SMTP:
        self.sessions += 1
        protocol: SMTP = super().factory()  # type: ignore[no-untyped-call] # a hook of aiosmtpd without annotations
        return protocol

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._socket, ssl=self.ssl_context)


def _protocol_options(settings: AiosmtpdSettings, starttls: ssl.SSLContext | None) -> dict[str, Any]:
    def verify(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, credentials: LoginPassword
    ) -> AuthResult:
        user, password = credentials.login.decode(), credentials.password.decode()
        known = settings.users.get(user) == password
        return AuthResult(success=known, handled=False, auth_data=credentials if known else None)

    return {
        "server_hostname": "aiosmtpd.test",
        "tls_context": starttls,
        "data_size_limit": settings.message_size_limit,
        "enable_SMTPUTF8": settings.smtputf8,
        "decode_data": False,
        "authenticator": verify if settings.users else None,
        "auth_require_tls": starttls is not None,
        # Without users nobody may log in: an empty list of mechanisms is not announced.
        "auth_exclude_mechanism": () if settings.users else ("LOGIN", "PLAIN"),
    }
