"""A receiver of mail as a model: what it would answer to a try, by the clock that it is told. Pure."""

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from postroad.address import Address
from postroad.chance import Chance
from postroad.errors import ConfigurationError, ConnectError, Throttled
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Code, EnhancedCode, Phase, Reply

MINUTE: Final = 60.0  # seconds: over which a provider counts
A_HAIR: Final = 1e-4  # seconds: sums of intervals differ from a minute in their last digits
UNREACHABLE: Final = 30.0  # seconds until a connection is given up that nobody answers

_TAKEN: Final = Reply(Code(250), ("2.0.0 Ok",), EnhancedCode(2, 0, 0))
_GREYLISTED: Final = Reply(Code(450), ("4.7.1 Greylisted, please try again later",), EnhancedCode(4, 7, 1))
_UNKNOWN_USER: Final = Reply(Code(550), ("5.1.1 No such user here",), EnhancedCode(5, 1, 1))


@dataclass(frozen=True, slots=True)
class SimulatedProvider:
    """Who receives for a site, and what it puts up with. Times are seconds of the simulation.

    It takes ``connections`` at a time and ``rate`` messages in any minute; who comes beyond that is greeted with
    ``421 4.7.0``. A recipient is taken ``greylisting`` seconds after it was first tried, and not before. During
    ``outages``, each from a time to a time, nobody answers. A try takes ``latency`` seconds; ``refuses`` is the share
    of recipients (0 to 1) that do not exist.

    Raises:
        ConfigurationError: a number is out of its range.
    """

    site: str
    connections: int | None = None
    rate: int | None = None
    greylisting: float = 0.0
    outages: tuple[tuple[float, float], ...] = ()
    latency: float = 0.5
    refuses: float = 0.0

    def __post_init__(self) -> None:
        for name in ("connections", "rate"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise self._fault(name, f"must be at least 1, not {value}")
        if self.latency <= 0:
            raise self._fault("latency", f"must be above 0 seconds, not {self.latency}")
        if self.greylisting < 0:
            raise self._fault("greylisting", f"is no number of seconds: {self.greylisting}")
        if not 0 <= self.refuses <= 1:
            raise self._fault("refuses", f"is a share from 0 to 1, not {self.refuses}")
        if any(end <= begin for begin, end in self.outages):
            raise self._fault("outages", "are pairs of times, the later one second")

    def _fault(self, name: str, wrong: str) -> ConfigurationError:
        return ConfigurationError(f"provider {self.site}: {name} {wrong}", setting=name)


class Try(NamedTuple):
    """What a try comes to, how many seconds it takes, and whether it has a connection all the while."""

    report: SendReport
    seconds: float
    connected: bool


class Reception:
    """A provider at work."""

    def __init__(self, provider: SimulatedProvider, chance: Chance) -> None:
        self._provider = provider
        self._chance = chance
        self._inside = 0
        self._recent: deque[float] = deque()  # times of the messages of the last minute
        self._first_seen: dict[Address, float] = {}
        self._exists: dict[Address, bool] = {}

    def receive(self, recipient: Address, now: float) -> Try:
        """A message for the recipient comes; what is ``connected`` has to ``part`` in the end."""
        if self._away(now):
            silence = ConnectError(f"{self._provider.site} does not answer", phase=Phase.CONNECT)
            return Try(failed((recipient,), silence), UNREACHABLE, connected=False)
        if (refusal := self._too_much(now)) is not None:
            return Try(failed((recipient,), refusal), self._provider.latency, connected=False)
        self._inside += 1
        return Try(SendReport((self._outcome(recipient, now),)), self._provider.latency, connected=True)

    def part(self) -> None:
        """A connection has ended."""
        self._inside -= 1

    def _away(self, now: float) -> bool:
        return any(begin <= now < end for begin, end in self._provider.outages)

    def _too_much(self, now: float) -> Throttled | None:
        provider, recent = self._provider, self._recent
        while recent and recent[0] <= now - MINUTE + A_HAIR:
            recent.popleft()
        if provider.connections is not None and self._inside >= provider.connections:
            return _throttled(provider.site, "Too many connections from your address")
        if provider.rate is not None and len(recent) >= provider.rate:
            return _throttled(provider.site, "Too many messages from your address")
        recent.append(now)
        return None

    def _outcome(self, recipient: Address, now: float) -> Outcome:
        if not self._exists.setdefault(recipient, not self._chance() < self._provider.refuses):
            return Outcome(recipient, Result.REFUSED, Phase.RCPT, _UNKNOWN_USER)
        if now < self._first_seen.setdefault(recipient, now) + self._provider.greylisting:
            return Outcome(recipient, Result.REFUSED, Phase.RCPT, _GREYLISTED)
        return Outcome(recipient, Result.ACCEPTED, Phase.DOT, _TAKEN)


def _throttled(site: str, words: str) -> Throttled:
    reply = Reply(Code(421), (f"4.7.0 {words}",), EnhancedCode(4, 7, 0))
    return Throttled(f"{site} takes no connection now: {reply}", reply=reply, phase=Phase.GREETING)
