"""Time and chance as a test wants them, and mail to send."""

from collections.abc import Generator
from dataclasses import dataclass, field

from postroad.address import Address
from postroad.message.envelope import Body, Envelope, MailObject

START = 1_700_000_000.0  # seconds since the epoch; any moment would do


@dataclass
class FakeClock:
    """Stands still but for those who sleep, whose seconds it jumps at once; ``slept`` remembers them."""

    at: float = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await let_others_run()


class _Pass:
    def __await__(self) -> Generator[None]:
        yield


async def let_others_run(rounds: int = 1) -> None:
    """Give the event loop so many rounds: everything that is due happens, nothing is waited for."""
    for _ in range(rounds):
        await _Pass()


def middle() -> float:
    """Chance without surprise: the middle of the range, so that jitter is nothing."""
    return 0.5


def letter(
    text: str = "hello",
    *recipients: str,
    sender: str | None = "ann@a.example",
    body: Body = Body.SEVEN_BIT,
    smtputf8: bool = False,
) -> MailObject:
    """A message ready to go; ``text`` tells it from others."""
    envelope = Envelope(
        None if sender is None else Address(sender),
        tuple(Address(one) for one in recipients or ("bob@b.example",)),
    )
    content = f"From: ann@a.example\r\nSubject: {text}\r\n\r\n{text}\r\n".encode()
    return MailObject(envelope, content, f"<{text}@a.example>", body, smtputf8)
