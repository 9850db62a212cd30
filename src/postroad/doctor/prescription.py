"""The records that mend everything together. Each finding has the record that mends it alone; where two are about the
same record, the second would undo the first. So each is tried on, one after the other, until no more is to be said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from postroad.doctor.beyond import Beyond
from postroad.doctor.check import Check
from postroad.doctor.checkup import check_domain
from postroad.doctor.extent import Extent
from postroad.doctor.questions import SharedResolver
from postroad.doctor.remedy import DnsRecord, read_line
from postroad.doctor.subject import Subject
from postroad.lint.finding import Finding, Level
from postroad.lookup import Answer, RecordType, Resolver, found

_MOST: Final = 20  # records that are tried on; a domain has five
# A stricter policy is for the day when the reports say that all is well, not for the day of the first record.
_LATER: Final = frozenset({("DM-04", Level.WARN), ("BIMI-02", Level.FAIL)})
_MENDED: Final = (Level.FAIL, Level.WARN)
_ALONE: Final = Beyond(blocklists=())  # nobody's server is visited for what is only tried on


@dataclass(frozen=True, slots=True)
class Prescribed:
    """A record, as it should be in the end, and the ids of the checks that it is for."""

    record: DnsRecord
    ids: tuple[str, ...]


async def prescribe(
    subject: Subject,
    resolver: Resolver,
    findings: Sequence[Finding],
    checks: Iterable[Check],
    extent: Extent = Extent.WORLD,
) -> tuple[Prescribed, ...]:
    """The TXT records that mend the findings of the levels ``fail`` and ``warn``, as far as records can."""
    examined = _Examined(subject, tuple(checks), extent)
    trial = _Trial(SharedResolver(resolver))
    for _ in range(_MOST):
        next_ = _next(findings, trial)
        if next_ is None:
            break
        trial.put_on(*next_)
        findings = await examined.with_(trial)
    await _leave_out(trial, findings, examined)
    return tuple(trial.worn.values())


async def _leave_out(trial: "_Trial", findings: Sequence[Finding], examined: "_Examined") -> None:
    """Take off what a later record made needless."""
    left = _faults(findings)
    for place, one in list(trial.worn.items()):
        del trial.worn[place]
        if _faults(await examined.with_(trial)) != left:
            trial.worn[place] = one


@dataclass(frozen=True, slots=True)
class _Examined:
    """Who is looked at again with each record, and by which checks."""

    subject: Subject
    checks: tuple[Check, ...]
    extent: Extent

    async def with_(self, trial: "_Trial") -> tuple[Finding, ...]:
        return await check_domain(self.subject, trial, beyond=_ALONE, checks=self.checks, extent=self.extent)


def _faults(findings: Sequence[Finding]) -> set[tuple[str, Level, str]]:
    return {(one.id, one.level, one.seen) for one in findings if one.level in _MENDED}


def _next(findings: Sequence[Finding], trial: "_Trial") -> tuple[str, DnsRecord] | None:
    """The first record of the gravest finding that is not tried on yet."""
    for one in sorted(findings, key=lambda finding: -finding.level.gravity):
        if one.level not in _MENDED or (one.id, one.level) in _LATER:
            continue
        records = [read_line(line) for line in (one.publish or "").splitlines()]
        fresh = [record for record in records if record is not None and not trial.has(one.id, record)]
        if fresh:
            return one.id, fresh[0]
    return None


class _Trial:
    """A ``Resolver`` with records that are not published yet, in the place of those that do the same job."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._tried: set[tuple[str, DnsRecord]] = set()
        self.worn: dict[tuple[str, str], Prescribed] = {}

    def has(self, id_: str, record: DnsRecord) -> bool:
        """Whether this check has asked for this record before: then it is of no use to it."""
        return (id_, record) in self._tried

    def put_on(self, id_: str, record: DnsRecord) -> None:
        self._tried.add((id_, record))
        place = record.name, job_of(record.name, record.text)
        ids = self.worn[place].ids if place in self.worn else ()
        self.worn[place] = Prescribed(record, tuple(dict.fromkeys((*ids, id_))))

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        answer = await self._resolver.lookup(name, kind)
        new = {job: one.record.text for (at, job), one in self.worn.items() if at == answer.name}
        if kind is not RecordType.TXT or not new or answer.status.temporary:
            return answer
        kept = [one for one in answer.texts if job_of(name, one.decode("latin-1")) not in new]
        texts = [*kept, *(text.encode("latin-1", "replace") for text in new.values())]
        return replace(found(answer.name, kind, texts, answer.ttl), authentic=answer.authentic)


def job_of(name: str, text: str) -> str:
    """What a TXT record is for: two for the same are one too many, also where the old one is only meant to be."""
    labels = name.split(".")
    if labels[0].startswith("_") or "_domainkey" in labels:
        return name  # names that are for one record each
    version = text.strip(" \t\"'").partition(";")[0].split(" ")[0].lower()
    return version if version.startswith("v=") else text


def same_job(one: DnsRecord, prescribed: Iterable[Prescribed]) -> bool:
    """Whether one of these does what the record is for."""
    jobs = {(each.record.name, job_of(each.record.name, each.record.text)) for each in prescribed}
    return one.kind is RecordType.TXT and (one.name, job_of(one.name, one.text)) in jobs
