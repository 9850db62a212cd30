"""A transport that does what a test tells it to, keeping the whole contract: it asks before it commits."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from postroad.address import Address
from postroad.errors import Abandoned, PostroadError
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Code, EnhancedCode, Phase, Reply
from postroad.transport.contract import Ability, BeforeCommit, CheckReport

PATIENCE = 120.0  # seconds; reached only when something is broken

Word = str | PostroadError | None
"""What is said to a recipient: a reply such as ``"550 5.1.1 no such user"``, an error, or nothing: accepted."""


def reply(text: str) -> Reply:
    code, _, rest = text.partition(" ")
    enhanced = EnhancedCode.parse(rest.partition(" ")[0])
    return Reply(Code(int(code)), (rest,), enhanced)


class Stop:
    """A point at which deliveries wait until the test lets them go."""

    def __init__(self) -> None:
        self._reached = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._opened = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def pass_by(self) -> None:
        let_go = asyncio.Event()
        with self._lock:
            if not self._opened:
                self._waiting.append((asyncio.get_running_loop(), let_go))
            else:
                let_go.set()
        self._reached.release()
        await let_go.wait()

    def wait_until_reached(self) -> None:
        assert self._reached.acquire(timeout=PATIENCE), "nobody came to this point"

    def open(self) -> None:
        with self._lock:
            self._opened = True
            waiting, self._waiting = self._waiting, []
        for loop, let_go in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(let_go.set)


@dataclass
class ScriptedTransport:
    """``at_rcpt`` and ``at_dot`` say what happens to a recipient at RCPT and after the dot, by its address, per try.

    ``instead`` is called first and may return an error that stops the whole message. ``sent`` are the recipients of
    every dot that went out, ``tried`` of every try.
    """

    at_rcpt: Callable[[str, int], Word] = lambda recipient, attempt: None
    at_dot: Callable[[str, int], Word] = lambda recipient, attempt: None
    instead: Callable[[int], PostroadError | None] = lambda attempt: None
    before_dot: Stop | None = None  # passed before before_commit
    after_dot: Stop | None = None  # passed between the dot and its answer
    name: str = "scripted://"
    concurrency: int = 8
    max_size: int | None = None
    abilities: frozenset[Ability] = frozenset({Ability.SEPARATE_ENVELOPE, Ability.REMOTE})
    sent: list[tuple[str, ...]] = field(default_factory=list)
    tried: list[tuple[str, ...]] = field(default_factory=list)
    mails: list[MailObject] = field(default_factory=list)
    closed: bool = False

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        recipients = mail.envelope.recipients
        self.tried.append(tuple(one.addr_spec for one in recipients))
        fault = self.instead(len(self.tried))
        if fault is not None:
            return failed(recipients, fault)
        outcomes = {one: self._outcome(one, self.at_rcpt, Phase.RCPT) for one in recipients}
        accepted = tuple(one for one in recipients if outcomes[one].accepted)
        if self.before_dot is not None:
            await self.before_dot.pass_by()
        if accepted and before_commit is not None and not await before_commit(accepted):
            return failed(recipients, Abandoned("taken back", phase=Phase.DATA))
        if accepted:
            self.sent.append(tuple(one.addr_spec for one in accepted))
            self.mails.append(mail)
            if self.after_dot is not None:
                await self.after_dot.pass_by()
            outcomes |= {one: self._outcome(one, self.at_dot, Phase.DOT) for one in accepted}
        return SendReport(tuple(outcomes[one] for one in recipients), message_id=mail.message_id)

    def _outcome(self, recipient: Address, script: Callable[[str, int], Word], phase: Phase) -> Outcome:
        attempt = sum(recipient.addr_spec in one for one in self.tried)
        word = script(recipient.addr_spec, attempt)
        if word is None:
            return Outcome(recipient, Result.ACCEPTED, phase, reply("250 2.0.0 taken"))
        if isinstance(word, PostroadError):
            result = Result.UNKNOWN if word.ambiguous else Result.REFUSED
            return Outcome(recipient, result, word.phase or phase, word.reply, word)
        said = reply(word)
        result = Result.ACCEPTED if said.code.positive else Result.REFUSED
        return Outcome(recipient, result, phase, said)

    async def check(self) -> CheckReport:
        return CheckReport(self.name)

    async def aclose(self) -> None:
        self.closed = True
