"""A check: what it wants, who says so, and the function that looks. What it saw becomes one finding.

A check is an asynchronous generator over an ``Examination``. It yields a ``Seen`` for each thing worth telling: faults
with their level, or what is fine (``PASS``). It need not think of a DNS that does not answer: as soon as one of its
questions got none, the finding is ``unknown``, whatever else was seen.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from postroad.doctor.beyond import NOTHING_ELSE, Beyond
from postroad.doctor.extent import Extent
from postroad.doctor.questions import HeardResolver, Unanswered
from postroad.doctor.remedy import Remedy, lines
from postroad.lint.finding import Finding, Level
from postroad.lint.telling import listed, shortened
from postroad.lookup import Answer, RecordType, Resolver
from postroad.mailauth.domain_name import is_within

if TYPE_CHECKING:
    from postroad.doctor.subject import Address, Subject
    from postroad.lookup import Fetcher

MAX_SHOWN: Final = 8  # things that one finding tells; the rest are counted
NOT_CHECKED: Final = "not checked: "  # what a finding begins with that had nothing to look at
MAX_EXCERPT: Final = 300  # characters of a record or a reply that are shown


class Area(StrEnum):
    """What a check is about, in the order of a report."""

    DNS = "The domain in the DNS"
    RECEPTION = "Receiving mail"
    HOSTS = "Sending hosts"
    BLOCKLISTS = "Blocklists"
    SPF = "SPF"
    DKIM = "DKIM"
    DMARC = "DMARC"
    TRANSPORT = "TLS between servers, and reports about it"
    BIMI = "BIMI"


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a check saw. ``publish`` is what mends it."""

    level: Level
    text: str
    publish: tuple[Remedy, ...] = ()


class NotApplicable(Exception):
    """The check has nothing to look at; the text says why, and what to give so that it has."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What a check works with: who is examined, and whom to ask.

    ``resolver`` is for functions that take a ``Resolver``; ``aside`` is the same, but questions that it leaves
    unanswered say nothing of the check: who asks it looks at the status of the answer. ``now`` is in seconds since the
    epoch. ``fetcher`` is ``None`` where no web server is to be asked; ``beyond`` is what else may be looked at;
    ``extent`` is how much of the DNS the answers are of.
    """

    subject: "Subject"
    resolver: HeardResolver
    aside: Resolver
    now: float
    fetcher: "Fetcher | None" = None
    beyond: Beyond = NOTHING_ELSE
    extent: Extent = Extent.WORLD

    def is_written_down(self, name: str, domain: str) -> bool:
        """Whether what is not found at a name is missing: a file with the records of a domain tells nothing of
        others."""
        return self.extent is Extent.WORLD or is_within(name.lower(), domain)

    async def ask(self, name: str, kind: RecordType) -> Answer:
        """The answer to a question.

        Raises:
            Unanswered: nothing was learnt, which ends the check as ``unknown``.
        """
        answer = await self.resolver.lookup(name, kind)
        if answer.status.temporary:
            raise Unanswered(answer)
        return answer

    async def addresses(self, host: str) -> "tuple[Address, ...]":
        """Those of a host, IPv4 first.

        Raises:
            Unanswered: nothing was learnt.
        """
        answers = [await self.ask(host, kind) for kind in (RecordType.A, RecordType.AAAA)]
        return tuple([address for answer in answers for address in answer.addresses])


Sight: TypeAlias = AsyncIterator[Seen]
"""What the function of a check returns; it is written as ``async def look(examination: Examination) -> Sight`` with
``yield`` inside."""


@dataclass(frozen=True, slots=True)
class Check:
    """``look`` sees; ``rule`` says in a sentence what should be, ``rfc`` who says so."""

    id: str
    area: Area
    rule: str
    rfc: str
    look: Callable[[Examination], Sight] = field(repr=False)

    async def examine(self, examination: Examination) -> Finding:
        """The finding. ``examination`` has a resolver of this check's own."""
        seen: list[Seen] = []
        try:
            async for one in self.look(examination):
                seen.append(one)  # noqa: PERF401 - what was seen before an end counts
        except Unanswered as end:
            if end.answer not in examination.resolver.unanswered:
                examination.resolver.unanswered.append(end.answer)
        except NotApplicable as reason:
            seen.append(Seen(Level.INFO, f"{NOT_CHECKED}{reason}"))
        if examination.resolver.unanswered:
            return self._unknown(examination.resolver.unanswered)
        return self._finding(seen)

    def _finding(self, seen: list[Seen]) -> Finding:
        level = max((one.level for one in seen), key=lambda one: one.gravity, default=Level.PASS)
        told = [one for one in seen if one.level is not Level.PASS] or seen
        told.sort(key=lambda one: -one.level.gravity)
        text = _printable(listed((one.text for one in told), MAX_SHOWN)) or "nothing is against it"
        publish = lines(record for one in told for record in one.publish)
        return Finding(self.id, level, text, self.rule, self.rfc, publish)

    def _unknown(self, unanswered: list[Answer]) -> Finding:
        questions = listed(map(_without_answer, unanswered), MAX_SHOWN)
        seen = _printable(f"no answer from the DNS: {questions}")
        return Finding(self.id, Level.UNKNOWN, seen, self.rule, self.rfc)


def _without_answer(answer: Answer) -> str:
    reason = f" ({answer.reason})" if answer.reason else ""
    return f"{answer.kind} {answer.name}: {answer.status.value}{reason}"


def _printable(text: str) -> str:
    """Names in the DNS may hold anything, also what a terminal would obey."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def excerpt(text: str | bytes) -> str:
    """What somebody else wrote, for a sentence."""
    return shortened(text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text, MAX_EXCERPT)
