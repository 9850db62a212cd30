"""Whatever a server answers, in whatever pieces: every report agrees with the server's own books.

Hypothesis draws messages, what the server offers, the answer to each command, where it goes away, and how its octets
are cut. Time is told and the network is plain method calls, so that thousands of conversations take seconds.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.address import Address
from postroad.message.envelope import MailObject
from postroad.net.tls import Tls
from postroad.outcome import Outcome, Result, SendReport
from postroad.transport.smtp.session import BLOCK
from postroad.transport.smtp.settings import PoolLimits, Protocol, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.transport.memory_network import SteppedLoop

DROP = ""  # instead of an answer
EXAMPLES = (settings.default or settings()).max_examples
MOST_COMMANDS = 600  # of one conversation; beyond it the client goes round in circles
PATIENCE = 10_000.0  # seconds: every deadline of the settings together


@dataclass
class Plan:
    """The answers that differ from a good server's, by the number of the answer; and how octets are cut."""

    words: dict[int, str]
    pieces: list[int]
    offers: tuple[str, ...]
    lmtp: bool


@dataclass
class Ledger:
    """What the server took, and what the client was allowed to send."""

    plan: Plan
    contents: dict[str, bytes]  # by their first line: what the client was given
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)  # by message and recipient
    shown: Counter[tuple[str, str]] = field(default_factory=Counter)  # a whole content came, whatever was answered
    allowed: Counter[tuple[str, str]] = field(default_factory=Counter)  # before_commit said yes
    wrongs: list[str] = field(default_factory=list)
    answers: int = 0


class Server:
    """One connection: it reads what came, and answers by the plan."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.plan = ledger, ledger.plan
        self.open = True
        self.client: Any = None
        self.received, self.reading, self.chunked = b"", False, b""
        self.sender: str | None = None
        self.recipients: list[str] = []

    def connected(self, client: Any) -> None:
        self.client = client
        self.answer("220 hello")

    def client_left(self) -> None:
        self.open = False

    def receive(self, data: bytes) -> None:
        self.received += data
        while self.open and self.received and (self.content() if self.reading else self.command()):
            pass

    def take(self, octets: int) -> bytes:
        taken, self.received = self.received[:octets], self.received[octets:]
        return taken

    # ── what the client says ──────────────────────────────────────────────────────────────────────────────────────

    def command(self) -> bool:
        end = self.received.find(b"\r\n") + 2
        if end < 2:
            return False
        verb, _, rest = self.received[: end - 2].decode().partition(" ")
        chunk = b""
        if verb == "BDAT":
            size = int(rest.split()[0])
            chunk = self.received[end : end + size]
            if len(chunk) < size:
                return False
        self.take(end + len(chunk))
        self.on(verb, rest, chunk)
        return True

    def on(self, verb: str, rest: str, chunk: bytes) -> None:
        match verb:
            case "EHLO" | "LHLO":
                self.answer("\r\n".join([*(f"250-{one}" for one in ("hello", *self.plan.offers)), "250 HELP"]))
            case "MAIL":
                self.mail(rest)
            case "RCPT":
                self.rcpt(rest)
            case "DATA":
                self.data()
            case "BDAT":
                self.chunk(rest, chunk)
            case "RSET":
                self.rset()
            case _:
                self.say("250 ok")

    def mail(self, sender: str) -> None:
        if self.sender is not None:
            self.ledger.wrongs.append("MAIL within a transaction")
        if self.answer("250 sender"):
            self.sender = sender

    def rcpt(self, path: str) -> None:
        if self.sender is None:
            self.say("503 no sender")
        elif self.answer("250 recipient"):
            self.recipients.append(path.partition("<")[2].partition(">")[0])

    def data(self) -> None:
        if self.recipients:
            self.reading = self.answer("354 go on")
        else:
            self.say("503 nobody")

    def rset(self) -> None:
        if self.answer("250 reset"):
            self.forget()

    def chunk(self, rest: str, chunk: bytes) -> None:
        if not self.recipients:
            self.ledger.wrongs.append("a chunk for nobody")
        self.chunked += chunk
        if rest.endswith("LAST"):
            self.whole(self.chunked)
        elif not self.answer("250 chunk"):
            self.recipients = []

    def content(self) -> bool:
        end = 0 if self.received.startswith(b".\r\n") else self.received.find(b"\r\n.\r\n") + 2
        if end == 1:
            return False
        stuffed = self.take(end)
        self.take(3)
        self.reading = False
        self.whole((b"\r\n" + stuffed).replace(b"\r\n.", b"\r\n")[2:])
        return True

    def whole(self, content: bytes) -> None:
        """A content has come: from here on the client must have been allowed to send it."""
        subject = content.partition(b"\r\n")[0].decode()
        if self.ledger.contents.get(subject) != content:
            self.ledger.wrongs.append(f"another content came for {subject!r}")
        recipients = list(self.recipients)
        self.ledger.shown.update((subject, one) for one in recipients)
        self.forget()
        if not self.plan.lmtp:
            if self.answer("250 taken", last=True):
                self.ledger.taken.update((subject, one) for one in recipients)
            return
        for one in recipients:
            if self.open and self.answer("250 taken", last=True):
                self.ledger.taken[subject, one] += 1

    def forget(self) -> None:
        self.sender, self.recipients, self.chunked = None, [], b""

    # ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────

    def answer(self, usual: str, *, last: bool = False) -> bool:
        """The next answer; whether it is the usual one, or lost on the way behind the last word of a content."""
        number = self.ledger.answers
        self.ledger.answers += 1
        word = self.plan.words.get(number)
        if word is None:
            self.say(usual)
            return True
        if word == DROP:
            self.hang_up()
            return last and number % 2 == 0  # taken, and nobody learns of it
        self.say(word)
        if word.startswith("421"):
            self.hang_up()
        return False

    def say(self, text: str) -> None:
        if not self.open:
            return
        data = text.encode() + b"\r\n"
        number = 0
        while data:
            size = self.plan.pieces[(self.ledger.answers + number) % len(self.plan.pieces)]
            self.client.deliver(data[:size])
            data, number = data[size:], number + 1

    def hang_up(self) -> None:
        self.client.hang_up()
        self.open = False


# ── what is drawn ─────────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.sampled_from(
    ["450 4.2.0 later", "550 5.1.1 no", "452 4.5.3 too many", "452 4.2.2 full", "421 4.3.2 closing", DROP, DROP]
)
PLANS = st.builds(
    Plan,
    words=st.dictionaries(st.integers(2, 60), WORDS, max_size=8),
    pieces=st.lists(st.sampled_from([1, 2, 5, 9, 100]), min_size=1, max_size=4),
    offers=st.sets(
        st.sampled_from(["PIPELINING", "CHUNKING", "LIMITS RCPTMAX=2", "LIMITS MAILMAX=2", "ENHANCEDSTATUSCODES"])
    ).map(lambda offers: tuple(sorted(offers))),
    lmtp=st.booleans(),
)
MESSAGES = st.lists(st.tuples(st.integers(1, 6), st.sampled_from([10, 10, 10, BLOCK + 50])), min_size=1, max_size=5)


def messages(drawn: list[tuple[int, int]]) -> list[MailObject]:
    mails = []
    for number, (recipients, octets) in enumerate(drawn):
        mail = letter(str(number), *[f"r{one}.{number}@b.example" for one in range(recipients)])
        content = f"Subject: {number}\r\n\r\n".encode() + b"." * octets + b"\r\n"
        mails.append(replace(mail, content=content))
    return mails


def converse(mails: list[MailObject], ledger: Ledger, refusals: set[int]) -> list[SendReport]:
    """All messages over one account, to the end."""
    loop = SteppedLoop(lambda: Server(ledger))  # type: ignore[arg-type,return-value]  # it has a MemoryServer's manners
    protocol = Protocol.LMTP if ledger.plan.lmtp else Protocol.SMTP
    limits = PoolLimits(connections=1, wait=1e6)
    transport = SmtpTransport(Smtp("192.0.2.1", 24, tls=Tls.NONE, ehlo="us.example", limits=limits, protocol=protocol))

    def deliver(number: int, mail: MailObject) -> "asyncio.Future[SendReport]":
        async def before_commit(recipients: tuple[Address, ...]) -> bool:
            if number in refusals:
                return False
            ledger.allowed.update((f"Subject: {number}", one.addr_spec) for one in recipients)
            return True

        return asyncio.ensure_future(transport.deliver(mail, before_commit=before_commit), loop=loop)

    try:
        pending: list[asyncio.Future[SendReport]] = []
        loop.call_soon(lambda: pending.extend(deliver(number, mail) for number, mail in enumerate(mails)))
        for _ in range(MOST_COMMANDS):
            loop.settle()
            if loop.dials:
                loop.dials[0].set_result(None)
            elif pending and all(one.done() for one in pending):
                break
            else:
                loop.advance(PATIENCE)
        closing = loop.create_task(transport.aclose())
        loop.advance(PATIENCE)
        assert closing.done()
        assert loop.faults == []
        return [one.result() for one in pending]
    finally:
        loop.close()


def agrees(outcome: Outcome, key: tuple[str, str], ledger: Ledger) -> bool:
    match outcome.result:
        case Result.ACCEPTED:
            return ledger.taken[key] == 1
        case Result.REFUSED:
            return ledger.taken[key] == 0
        case Result.UNKNOWN:
            return ledger.allowed[key] == 1


@settings(max_examples=5 * EXAMPLES)
@given(PLANS, MESSAGES, st.sets(st.integers(0, 4), max_size=1))
def test_reports_agree_with_what_the_server_took(plan: Plan, drawn: list[tuple[int, int]], refusals: set[int]) -> None:
    mails = messages(drawn)
    ledger = Ledger(plan, {f"Subject: {number}": mail.content for number, mail in enumerate(mails)})
    reports = converse(mails, ledger, refusals)
    assert ledger.wrongs == []
    for number, (mail, report) in enumerate(zip(mails, reports, strict=True)):
        assert tuple(one.recipient for one in report.outcomes) == mail.envelope.recipients, "everybody, once, in order"
        assert (report.error is None) == bool(report.accepted), "an error speaks for all or not at all"
        for outcome in report.outcomes:
            assert agrees(outcome, (f"Subject: {number}", outcome.recipient.addr_spec), ledger), outcome
    assert max(ledger.taken.values(), default=0) <= 1, "taken twice"
    assert max(ledger.shown.values(), default=0) <= 1, "sent twice"
    assert max(ledger.allowed.values(), default=0) <= 1, "asked twice"
    assert set(ledger.shown) <= set(ledger.allowed), "sent before before_commit allowed it"
