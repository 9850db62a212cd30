"""A message judged by DMARC (RFC 9989 §5.3): does its author's domain vouch for it, and if not, what does that wish?"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from postroad.lookup import Resolver
from postroad.mailauth.dmarc.alignment import Aligned, Alignedness, Identifier, align
from postroad.mailauth.dmarc.policy import Discovered, PolicyTag, discover
from postroad.mailauth.dmarc.record import DmarcRecord, Policy
from postroad.mailauth.dmarc.tree_walk import Step, Walker
from postroad.mailauth.domain_name import domain_name

# Identifiers that are compared, by number: who signs more often than that asks for look-ups, not for a verdict.
MAX_IDENTIFIERS: Final = 20
_COUNTED: Final = frozenset({"pass", "temperror"})  # what can decide: the others prove nothing (§4.4.1, §4.4.2)


class DmarcOutcome(StrEnum):
    """The result codes of the method ``dmarc`` (RFC 9989 §9.2)."""

    PASS = "pass"  # noqa: S105 - a result, not a password
    FAIL = "fail"
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """A verdict, and all that led to it.

    ``policy`` is what holds for this author's domain after ``t=y`` (what RFC 8601 headers call ``policy.dmarc``),
    taken from ``tag`` of ``record``, which was found at ``policy_domain``; ``published`` is the same before ``t=y``.
    ``disposition`` is what that policy wishes for this message: ``none`` unless the outcome is ``fail``.
    ``organizational_domain`` is the author's, where it had to be found out. ``steps`` are the queries for policy
    records, in order.
    """

    outcome: DmarcOutcome
    author_domain: str
    reason: str
    disposition: Policy = Policy.NONE
    policy: Policy | None = None
    published: Policy | None = None
    tag: PolicyTag | None = None
    policy_domain: str | None = None
    organizational_domain: str | None = None
    record: DmarcRecord | None = None
    alignments: tuple[Alignedness, ...] = ()
    steps: tuple[Step, ...] = ()


async def evaluate(author_domain: str, identifiers: Iterable[Identifier], resolver: Resolver) -> DmarcResult:
    """Judge a message by the domain of its From and the results of SPF and DKIM. It never raises.

    A look-up that got no answer gives ``temperror``, unless what is known proves a pass already (§5.3.6).
    """
    author = domain_name(author_domain)
    if author is None:
        return DmarcResult(DmarcOutcome.PERMERROR, author_domain, "the author's domain is no domain name")
    walker = Walker(resolver)
    found = await discover(author, walker, resolver)
    if found.record is None or not found.record.applicable:
        return _without_record(author, found, walker)
    alignments = await _alignments(author, identifiers, found.record, walker)
    outcome, reason = _verdict(found, alignments)
    policy = _tested(found)
    walk = walker.walked(author)
    return DmarcResult(
        outcome,
        author,
        reason,
        disposition=policy if outcome is DmarcOutcome.FAIL and policy else Policy.NONE,
        policy=policy,
        published=found.policy,
        tag=found.tag,
        policy_domain=found.domain,
        organizational_domain=None if walk is None or walk.uncertain else walk.organizational_domain,
        record=found.record,
        alignments=alignments,
        steps=walker.steps,
    )


def _without_record(author: str, found: Discovered, walker: Walker) -> DmarcResult:
    if found.uncertain:
        outcome, reason = DmarcOutcome.TEMPERROR, found.uncertain
    elif found.record is None:
        outcome, reason = DmarcOutcome.NONE, "there is no DMARC record"
    elif found.record.misstated:
        # §9.2: "an improperly formatted DMARC Policy Record". Nothing is applied either way (§4.10.1).
        wrong = found.record.misstated[0]
        outcome, reason = DmarcOutcome.PERMERROR, f"the record at {found.domain} has no valid {wrong.tag}="
    else:
        outcome, reason = DmarcOutcome.NONE, f"the record at {found.domain} has neither p= nor a valid rua="
    return DmarcResult(
        outcome, author, reason, policy_domain=found.domain, record=found.record, steps=walker.steps
    )  # fmt: skip


async def _alignments(
    author: str, identifiers: Iterable[Identifier], record: DmarcRecord, walker: Walker
) -> tuple[Alignedness, ...]:
    counted = [one for one in dict.fromkeys(identifiers) if one.result in _COUNTED]
    # One that passes and is the same domain needs no further query, so it is looked at first.
    counted.sort(key=lambda one: (one.result != "pass", domain_name(one.domain) != author))
    return tuple([await align(one, author, record, walker) for one in counted[:MAX_IDENTIFIERS]])


def _verdict(found: Discovered, alignments: tuple[Alignedness, ...]) -> tuple[DmarcOutcome, str]:
    for one in alignments:
        if one.aligned is Aligned.YES and one.identifier.result == "pass":
            return DmarcOutcome.PASS, f"{one.identifier.mechanism} passes for {one.identifier.domain}: {one.reason}"
    for one in alignments:
        if one.identifier.result == "pass" and one.aligned is Aligned.UNKNOWN:
            return DmarcOutcome.TEMPERROR, one.reason
        if one.identifier.result == "temperror" and one.aligned is not Aligned.NO:
            return DmarcOutcome.TEMPERROR, f"{one.identifier.mechanism} has no result for now"
    if found.uncertain:
        return DmarcOutcome.TEMPERROR, found.uncertain
    return DmarcOutcome.FAIL, _why_not(alignments)


def _why_not(alignments: tuple[Alignedness, ...]) -> str:
    unaligned = [one for one in alignments if one.identifier.result == "pass"]
    if not unaligned:
        return "neither SPF nor DKIM passes"
    named = ", ".join(f"{one.identifier.mechanism} for {one.identifier.domain}" for one in unaligned[:3])
    return f"what passes is not aligned: {named} ({unaligned[0].reason})"


def _tested(found: Discovered) -> Policy | None:
    """One level lower while the owner is testing (§4.7, ``t``)."""
    if found.policy is None or found.record is None or not found.record.testing:
        return found.policy
    return found.policy.lowered
