"""The SMTP transport: an account's pool behind the transport contract."""

import asyncio
import os
from typing import Final

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import Abandoned, ConfigurationError, PostroadError, Throttled
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport, failed
from postroad.reply import Phase
from postroad.transport.contract import Ability, BeforeCommit, CheckReport
from postroad.transport.pace import Pace
from postroad.transport.restraint import FREE, Account, Hearer, Hold
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.pool import Pool
from postroad.transport.smtp.settings import Smtp

# Messages under way for each connection: one on the wire, one whose opening goes out behind its dot.
LOOK_AHEAD: Final = 2
_FORGOTTEN: Final[
    list[Pool]
] = []  # pools of the parent process: kept, so that nothing collects and closes their sockets


class SmtpTransport:
    """``smtp://``, ``smtps://``, ``smtp+insecure://``. Belongs to the event loop of its first use, until closed."""

    abilities = frozenset({Ability.SEPARATE_ENVELOPE, Ability.REMOTE})

    def __init__(self, settings: Smtp, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        rate = settings.spacing
        self._pace = None if rate is None else Pace(rate, settings.limits.wait, clock)
        self._pool: Pool | None = None
        self._hold = FREE
        self._hear: Hearer | None = None
        self._owner: tuple[int, asyncio.AbstractEventLoop] | None = None

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def concurrency(self) -> int:
        return self.settings.limits.connections * LOOK_AHEAD

    @property
    def max_size(self) -> int:
        return self.settings.max_size

    # ── restraint ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def accounts(self) -> tuple[Account, ...]:
        """See ``Restrainable``."""
        settings = self.settings
        return (Account(settings.account, settings.spacing, settings.source or "", settings.limits.connections),)

    def restrain(self, account: str, hold: Hold) -> None:
        """See ``Restrainable``."""
        self._hold = hold
        if self._pool is not None:
            self._pool.hold_to(hold)
        if self._pace is not None and self.settings.spacing is not None:
            self._pace.hold_to(hold.rate or self.settings.spacing)

    def open_connections(self, account: str) -> int:
        """See ``Restrainable``."""
        return 0 if self._pool is None else self._pool.connections

    def on_trouble(self, hear: Hearer) -> None:
        """See ``Restrainable``."""
        self._hear = hear

    def _tell(self, fault: PostroadError) -> None:
        if self._hear is not None:
            self._hear(self.settings.account, fault)

    # ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> "asyncio.Future[SendReport]":
        """See ``Transport.deliver``; without a rate the attempt starts at once, not at the first await."""
        if self._pace is not None:
            return asyncio.ensure_future(self._in_turn(self._pace, mail, before_commit))
        return self._own_pool().submit(mail, before_commit)

    async def _in_turn(self, pace: Pace, mail: MailObject, before_commit: BeforeCommit | None) -> SendReport:
        try:
            may_go = await pace.turn()
        except Throttled as fault:
            return failed(mail.envelope.recipients, fault)
        if not may_go:
            closed = Abandoned("the transport was closed before this message was tried", phase=Phase.POOL)
            return failed(mail.envelope.recipients, closed)
        return await self._own_pool().submit(mail, before_commit)

    def _own_pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        if self._pool is not None and self._owner == (os.getpid(), loop):
            return self._pool
        self._leave_old_pool()
        self._pool = Pool(lambda: SmtpConnection.establish(self.settings), self.settings.limits, self._tell)
        self._pool.hold_to(self._hold)
        self._owner = (os.getpid(), loop)
        return self._pool

    def _leave_old_pool(self) -> None:
        if self._pool is None or self._owner is None:
            return
        pid, loop = self._owner
        if pid != os.getpid():
            self._pool.forget_after_fork()
            _FORGOTTEN.append(self._pool)
        elif not loop.is_closed():
            raise ConfigurationError(
                f"{self.name} is in use in another event loop; give each loop its own mailer", setting="transport"
            )

    async def check(self) -> CheckReport:
        """Connect, negotiate TLS, authenticate, and say what was seen."""
        connection = await SmtpConnection.establish(self.settings)
        seen = _seen(connection)
        await connection.quit()
        return CheckReport(self.name, seen, connection.transcript())

    async def aclose(self) -> None:
        """Transactions under way finish; waiting messages are dropped; connections say QUIT."""
        if self._pace is not None:
            self._pace.call_off()
        pool, owner = self._pool, self._owner
        if pool is None or owner is None or owner[0] != os.getpid():
            return
        self._pool = self._owner = None
        if not owner[1].is_closed():
            await pool.aclose()


def _seen(connection: SmtpConnection) -> tuple[str, ...]:
    settings, stream = connection.settings, connection.stream
    secured = f"TLS: {stream.tls_description()}, {stream.certificate_description()}" if stream.tls else "TLS: none"
    account = "not authenticated: no user name given"
    if settings.username:
        account = f"authenticated as {settings.username} by {connection.mechanism}"
    return (f"connected to {stream.peer}", secured, f"extensions: {connection.conversation.extensions}", account)
