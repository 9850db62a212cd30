"""The DNS Tree Walk (RFC 9989 §4.10): which names are asked for a policy record, and what their answers make of a
domain's organization. No list of public suffixes has a say."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from postroad.lookup import Answer, RecordType, Resolver, Status
from postroad.mailauth.dmarc.record import DmarcRecord, Psd, is_dmarc_record, read_record

MAX_QUERIES: Final = 8  # of one walk (§4.10); what a name of more labels costs
_PREFIX: Final = "_dmarc."


class Finding(Enum):
    """What stood where a policy record is looked for."""

    RECORD = "a record"
    NOTHING = "no record"
    SEVERAL = "several records, which count as none"
    UNKNOWN = "no answer for now"


@dataclass(frozen=True, slots=True)
class Step:
    """One query of a walk. ``texts`` are the TXT records that do not begin as a policy record must."""

    domain: str
    finding: Finding
    record: DmarcRecord | None = None
    texts: tuple[bytes, ...] = ()
    reason: str = ""

    @property
    def name(self) -> str:
        """What was asked for."""
        return _PREFIX + self.domain

    @property
    def ends_walk(self) -> bool:
        """Nothing above can change what is known: the record says what its domain is (§4.10 step 2)."""
        return self.record is not None and self.record.psd is not Psd.UNKNOWN


@dataclass(frozen=True, slots=True)
class Walk:
    """The steps that were taken for ``domain``, itself first."""

    domain: str
    steps: tuple[Step, ...]

    @property
    def uncertain(self) -> bool:
        """A step got no answer, so that nothing can be concluded from the others (§5.3.6)."""
        return any(step.finding is Finding.UNKNOWN for step in self.steps)

    @property
    def organizational_domain(self) -> str:
        """The Organizational Domain by §4.10.2; of use only where the walk is not ``uncertain``."""
        found = [step for step in self.steps if step.record is not None]
        if not found:
            return self.domain
        last = found[-1]  # psd=n and psd=y end a walk, so no earlier record can hold them
        if last.record is not None and last.record.psd is Psd.YES and last.domain != self.domain:
            return _one_label_below(last.domain, self.domain)
        return last.domain  # psd=n, or the name with the fewest labels

    def record_at(self, domain: str) -> DmarcRecord | None:
        """The policy record that the walk found at this domain."""
        return next((step.record for step in self.steps if step.domain == domain), None)


def targets(domain: str) -> Iterator[str]:
    """The domains whose policy record is asked for, in order: at most ``MAX_QUERIES``, down to the last label."""
    labels = domain.split(".")
    yield domain
    # §4.10 step 4: one label goes, or as many as leave seven.
    first = max(1, len(labels) - (MAX_QUERIES - 1))
    for start in range(first, len(labels)):
        yield ".".join(labels[start:])


class Walker:
    """Walks for several domains of one message; no name is asked for twice."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._steps: dict[str, Step] = {}
        self._walks: dict[str, Walk] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """Everything that was asked so far, in order."""
        return tuple(self._steps.values())

    def walked(self, domain: str) -> Walk | None:
        """The walk from this domain, if it was needed."""
        return self._walks.get(domain)

    async def walk(self, domain: str) -> Walk:
        """Walk from the domain, which is in its one spelling, towards the root."""
        known = self._walks.get(domain)
        if known is None:
            known = self._walks[domain] = Walk(domain, tuple([step async for step in self._walk(domain)]))
        return known

    async def _walk(self, domain: str) -> AsyncIterator[Step]:
        for target in targets(domain):
            step = await self.step(target)
            yield step
            if step.ends_walk or step.finding is Finding.UNKNOWN:
                return

    async def step(self, domain: str) -> Step:
        """Ask for the policy record of this very domain."""
        known = self._steps.get(domain)
        if known is None:
            known = read_step(domain, await self._resolver.lookup(_PREFIX + domain, RecordType.TXT))
            self._steps[domain] = known
        return known


def read_step(domain: str, answer: Answer) -> Step:
    """What an answer for ``_dmarc.<domain>`` means."""
    if answer.status.temporary:
        return Step(domain, Finding.UNKNOWN, reason=answer.reason or answer.status.value)
    texts = answer.texts if answer.status is Status.FOUND else ()
    records = [text for text in texts if is_dmarc_record(text)]
    others = tuple(text for text in texts if not is_dmarc_record(text))
    if len(records) == 1:
        return Step(domain, Finding.RECORD, read_record(records[0]), others)
    # §4.10 step 2: several are all discarded.
    return Step(domain, Finding.SEVERAL if records else Finding.NOTHING, texts=others)


def _one_label_below(ancestor: str, domain: str) -> str:
    kept = ancestor.count(".") + 2
    return ".".join(domain.split(".")[-kept:])
