"""``Mailer``: the blocking face of ``AsyncMailer``, over an event loop in a thread of its own.

Thread-safe. After a fork the child has its own loop and its own connections, made when it first sends.
"""

# asyncio with ssl takes longer to load than everything else together, and many programs that import Mailer send nothing
# in most of their runs: it is loaded when a mailer is made.
from __future__ import annotations

from typing import TYPE_CHECKING, Self

from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.retry import WITHIN_CALL, Retry, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, timedelta
    from email.message import Message as StandardMessage
    from types import TracebackType

    from postroad.mailer.compose import Sendable
    from postroad.mailer.dkim import DkimKeys
    from postroad.mailer.mailer import AsyncMailer
    from postroad.message.envelope import MailObject
    from postroad.outcome import SendReport
    from postroad.secret import Secret
    from postroad.transport.contract import CheckReport, Transport
    from postroad.transport.route import Route


class Mailer:
    """Sends messages over one route, with a pool of connections. See ``AsyncMailer`` for the arguments.

    A context manager; without ``with`` the connections close when the mailer is collected or the process ends.

    Raises:
        ConfigurationError: the route, the account or a key is wrong; nothing is connected yet.
    """

    def __init__(
        self,
        route: Route,
        *,
        username: str | None = None,
        password: Secret | str | None = None,
        dkim: DkimKeys | None = None,
        retry: Schedule | None = WITHIN_CALL,
        clock: Clock = SYSTEM_CLOCK,
        chance: Chance = SYSTEM_CHANCE,
    ) -> None:
        from postroad.mailer.mailer import AsyncMailer

        self._over(
            AsyncMailer(route, username=username, password=password, dkim=dkim, retry=retry, clock=clock, chance=chance)
        )

    def _over(self, mailer: AsyncMailer) -> None:
        from postroad.net.background_loop import BackgroundLoop

        self._mailer = mailer
        self._loop = BackgroundLoop("postroad-mailer")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, retry: Schedule | None = WITHIN_CALL) -> Self:
        """A mailer for the route that the environment names; see ``postroad.mailer.environment``.

        Raises:
            ConfigurationError: naming the variable that is missing or wrong.
        """
        from postroad.mailer.mailer import AsyncMailer

        self = cls.__new__(cls)
        self._over(AsyncMailer.from_env(environ, retry=retry))
        return self

    @property
    def transport(self) -> Transport:
        """The road the messages take."""
        return self._mailer.transport

    def send(
        self,
        message: Sendable,
        *,
        retry: Schedule | Retry | None = Retry.AS_SET,
        send_at: datetime | timedelta | None = None,
    ) -> SendReport:
        """Send one message; return what became of each recipient if at least one was accepted.

        ``retry`` is for this message alone; ``None``: a single try. ``send_at`` (aware, or how long from now) has an
        email API hold the message until then, where it can; an outbox does so for every route.

        Raises:
            MessageError: the message is wrong; nothing was connected.
            Unsupported: ``send_at``, and this route holds no mail.
            PostroadError: nobody was accepted; its ``report`` has the recipients. See ``AsyncMailer.send``.
        """
        # Composed here, and one turn in the loop where nothing goes wrong: a thread that waits makes every hop dear.
        mail = self._mailer.compose(message, send_at)
        report = self._loop.begin(lambda: self._mailer.first_try(mail))
        if not report.all_accepted:
            report = self._loop.run(self._mailer.tried_on(mail, report, retry=retry))
        return self._mailer.checked(report)

    def send_message(
        self,
        message: StandardMessage,
        from_addr: str | None = None,
        to_addrs: str | Iterable[str] | None = None,
    ) -> SendReport:
        """Send a standard ``email.message.EmailMessage`` with ``smtplib.SMTP.send_message``'s meaning.

        Raises:
            PostroadError: see ``send``.
        """
        return self._loop.run(self._mailer.send_message(message, from_addr, to_addrs))

    def send_many(self, messages: Iterable[Sendable]) -> Iterator[SendReport]:
        """Send many messages over the pool, pipelined; yield their reports in order of completion.

        Never raises for one message: its report has ``index`` and ``error``. The iterable is read in the caller's
        thread, only a little ahead. Leaving the loop early lets final dots that went out be answered, and drops the
        rest unsent. What the iterable raises is raised when the messages it gave before have their reports.
        """
        from postroad.mailer.source import UntilItFails

        sending = self._mailer.sending()
        until_it_fails = UntilItFails(messages)
        source = enumerate(until_it_fails)
        try:
            while True:
                drawn = 0
                # Each is on its way before the next one is asked for, which may take its time.
                for numbered in sending.draw(source, self._mailer.numbered):
                    self._loop.post(sending.add, numbered)
                    drawn += 1
                reports = self._loop.run(sending.completed())
                yield from reports
                if not reports and not drawn:
                    if until_it_fails.fault is not None:
                        raise until_it_fails.fault
                    return
        finally:
            if self._loop.running:
                self._loop.run(sending.leave())

    def deliver(self, mail: MailObject) -> SendReport:
        """Try a composed message; the report says all, and nothing is raised for a refusal."""
        return self._loop.run(self._mailer.deliver(mail))

    def check(self) -> CheckReport:
        """Connect, negotiate TLS, authenticate, and say what was seen, without sending.

        Raises:
            PostroadError: what is wrong, with its advice.
        """
        return self._loop.run(self._mailer.check())

    def close(self) -> None:
        """Let what is under way finish, close the connections, end the thread. Sending again starts anew."""
        if self._loop.running:
            self._loop.run(self._mailer.aclose())
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> str:
        raise TypeError("a mailer holds connections and is not picklable; pass its URL")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transport.name!r})"
