"""What a check may ask the DNS, and how much of it (RFC 7208 §4.6.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from postroad.clock import Clock
from postroad.lookup import Answer, RecordType, Resolver, Status
from postroad.mailauth.spf.record import Address
from postroad.mailauth.spf.session import is_name
from postroad.mailauth.spf.verdict import Result

_REASONS: Final = {Status.TIMEOUT: "did not answer in time", Status.FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a check may do. The numbers are those of RFC 7208 §4.6.4."""

    lookups: int = 10  # terms that ask the DNS
    void_lookups: int = 2  # questions that find nothing
    mx_names: int = 10  # exchanges of an mx term
    ptr_names: int = 10  # names of an address that are looked at
    seconds: float = 20.0  # that all questions may take together: "at least 20 seconds"


class CheckEnded(Exception):
    """The check has a result without any term having matched."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


class Questions:
    """Asks, counts, and ends the check where a limit is passed or the DNS is out of order."""

    def __init__(self, resolver: Resolver, limits: Limits, clock: Clock) -> None:
        self._resolver = resolver
        self.limits = limits
        self._clock = clock
        self._deadline = clock.monotonic() + limits.seconds
        self.lookups = 0
        self.void_lookups = 0
        self._answers: list[Answer] = []

    def count_term(self) -> None:
        """Count a term that asks.

        Raises:
            CheckEnded: it is one too many.
        """
        self.lookups += 1
        if self.lookups > self.limits.lookups:
            reason = f"more than {self.limits.lookups} terms ask the DNS (RFC 7208 §4.6.4)"
            raise CheckEnded(Result.PERMERROR, reason)

    async def ask(self, name: str, kind: RecordType) -> Answer:
        """The answer to a question of a term.

        Raises:
            CheckEnded: there was none now, or too many were void.
        """
        return self.certain(await self.ask_leniently(name, kind))

    async def ask_leniently(self, name: str, kind: RecordType) -> Answer:
        """The answer, even if it is that there was none now.

        Raises:
            CheckEnded: too many were void.
        """
        answer = await self.ask_uncounted(name, kind)
        if answer.status in (Status.NO_DATA, Status.NO_NAME) and is_name(name):
            self._count_void()
        return answer

    @staticmethod
    def certain(answer: Answer) -> Answer:
        """The answer, if it is one.

        Raises:
            CheckEnded: nothing was learnt.
        """
        if answer.status.temporary:
            detail = f": {answer.reason}" if answer.reason else ""
            question = f"{answer.kind} {answer.name[:253]!a}"
            raise CheckEnded(Result.TEMPERROR, f"{question} {_REASONS[answer.status]}{detail}")
        return answer

    async def ask_uncounted(self, name: str, kind: RecordType) -> Answer:
        """The answer to a question whose failure is no matter, and that no limit counts; a bad name does not exist."""
        if not is_name(name):
            answer = Answer(name, kind, Status.NO_NAME)
        elif self._clock.monotonic() > self._deadline:
            # RFC 7208 §4.6.4: the time of the whole check is limited, and running out of it is a temperror
            answer = Answer(name, kind, Status.TIMEOUT, reason=f"the check took over {self.limits.seconds:g} s")
        else:
            answer = await self._resolver.lookup(name, kind)
        self._answers.append(answer)
        return answer

    def take_answers(self) -> tuple[Answer, ...]:
        """The answers since this was asked last."""
        taken, self._answers = self._answers, []
        return tuple(taken)

    def _count_void(self) -> None:
        self.void_lookups += 1
        if self.void_lookups > self.limits.void_lookups:
            reason = f"more than {self.limits.void_lookups} questions found nothing (RFC 7208 §4.6.4)"
            raise CheckEnded(Result.PERMERROR, reason)


def addresses_kind(ip: Address) -> RecordType:
    """Which addresses can match this client (RFC 7208 §5)."""
    return RecordType.A if ip.version == 4 else RecordType.AAAA


def is_in(ip: Address, networks: Sequence[Address], prefix: int) -> bool:
    """Whether the client shares so many leading bits with one of the addresses."""
    shift = ip.max_prefixlen - prefix
    wanted = int(ip) >> shift
    return any(one.version == ip.version and int(one) >> shift == wanted for one in networks)
