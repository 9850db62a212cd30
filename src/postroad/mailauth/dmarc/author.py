"""Whose name a message is in: the author's domain or domains of its From (RFC 9989 §5.3.1), each judged (§11.5)."""

from collections.abc import Iterable, Sequence
from typing import Final

from postroad.lookup import Resolver
from postroad.mailauth.author_domains import author_domains_of
from postroad.mailauth.dmarc.alignment import Identifier
from postroad.mailauth.dmarc.evaluate import DmarcOutcome, DmarcResult, evaluate

MAX_AUTHOR_DOMAINS: Final = 5  # judged; §11.5 leaves the number to us, and mail with more is made to be costly

# What is worth most to a receiver comes first: one author who is not proved spoils the others (§11.5).
_GRAVITY: Final = (
    DmarcOutcome.FAIL, DmarcOutcome.TEMPERROR, DmarcOutcome.PERMERROR, DmarcOutcome.NONE, DmarcOutcome.PASS,
)  # fmt: skip


async def evaluate_from(
    from_fields: Sequence[str], identifiers: Iterable[Identifier], resolver: Resolver
) -> DmarcResult:
    """Judge a message by its From fields, values as they stand in the header. It never raises.

    Several authors of different domains are each judged, and the gravest result is the message's. Without exactly one
    From that all readers take alike, nothing passes: it is ``permerror``, unless one of the domains that may be meant
    has a policy that the message fails.
    """
    domains, fault = author_domains(from_fields)
    known = tuple(identifiers)
    results = [await evaluate(domain, known, resolver) for domain in domains[:MAX_AUTHOR_DOMAINS]]
    if fault:
        results.append(DmarcResult(DmarcOutcome.PERMERROR, domains[0] if domains else "", fault))
    return min(results, key=lambda one: (_GRAVITY.index(one.outcome), -one.disposition.strictness))


def author_domains(from_fields: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The domains of the authors, each once, and why they cannot be judged alone, if so."""
    domains, ambiguous = author_domains_of(from_fields)
    if len(from_fields) != 1:  # §4.4: with a repeated field, two readers see two authors
        return domains, f"the message has {len(from_fields) or 'no'} From fields, not one"
    if not domains:
        return (), "From holds no address"
    if ambiguous:
        return domains, "two readers of this From may see two authors"
    if len(domains) > MAX_AUTHOR_DOMAINS:
        return domains, f"From names {len(domains)} domains; more than {MAX_AUTHOR_DOMAINS} are not judged"
    return domains, ""
