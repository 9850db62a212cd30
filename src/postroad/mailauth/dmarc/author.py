"""Whose name a message is in: the author's domain or domains of its From (RFC 9989 §5.3.1), each judged (§11.5)."""

from collections.abc import Iterable, Sequence
from typing import Final

from postroad.errors import AddressError
from postroad.lookup import Resolver
from postroad.mailauth.dmarc.alignment import Identifier
from postroad.mailauth.dmarc.evaluate import DmarcOutcome, DmarcResult, evaluate
from postroad.message.address_list import address_list

MAX_AUTHOR_DOMAINS: Final = 5  # of one From; §11.5 leaves the number to us, and mail with more is made to be costly
MAX_OCTETS: Final = 65_536  # of a From that is read

# What is worth most to a receiver comes first: one author who is not proved spoils the others (§11.5).
_GRAVITY: Final = (
    DmarcOutcome.FAIL, DmarcOutcome.TEMPERROR, DmarcOutcome.PERMERROR, DmarcOutcome.NONE, DmarcOutcome.PASS,
)  # fmt: skip


async def evaluate_from(
    from_fields: Sequence[str], identifiers: Iterable[Identifier], resolver: Resolver
) -> DmarcResult:
    """Judge a message by its From fields, values as they stand in the header. It never raises.

    Without exactly one From that can be read there is no author to judge (``permerror``). Several authors of different
    domains are each judged, and the gravest result is the message's.
    """
    domains, fault = author_domains(from_fields)
    if fault:
        return DmarcResult(DmarcOutcome.PERMERROR, domains[0] if domains else "", fault)
    known = tuple(identifiers)
    results = [await evaluate(domain, known, resolver) for domain in domains]
    return min(results, key=lambda one: (_GRAVITY.index(one.outcome), -one.disposition.strictness))


def author_domains(from_fields: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The domains of the authors, each once, and why there is nothing to judge, if so."""
    if len(from_fields) != 1:  # §4.4: with a repeated field, two readers see two authors
        return (), f"the message has {len(from_fields) or 'no'} From fields, not one"
    try:
        addresses = address_list(from_fields[0][:MAX_OCTETS], "From")
    except AddressError as fault:
        return (), fault.message
    domains = tuple(dict.fromkeys(address.domain for address in addresses))
    if not domains:
        return (), "From holds no address"
    if len(domains) > MAX_AUTHOR_DOMAINS:
        return domains, f"From names {len(domains)} domains; more than {MAX_AUTHOR_DOMAINS} are not judged"
    return domains, ""
