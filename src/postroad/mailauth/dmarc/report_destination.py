"""Whether somebody else's domain wants the reports about this one (RFC 9990 §4, external destinations)."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from postroad.lookup import RecordType, Resolver, Status
from postroad.mailauth.dmarc.record import DmarcRecord, read_record
from postroad.mailauth.dmarc.reporting_uri import ReportingUri
from postroad.mailauth.dmarc.tree_walk import Walker
from postroad.mailauth.domain_name import is_within

MAX_DESTINATIONS: Final = 10  # of each tag that are asked about; records with more than three are rare


class Authorization(Enum):
    """Whether reports may go there."""

    INTERNAL = "the same organization"
    GRANTED = "the destination says that it wants them"
    REFUSED = "the destination does not say that it wants them"
    UNKNOWN = "no answer for now"


@dataclass(frozen=True, slots=True)
class Destination:
    """A place that reports about a domain are to go to. ``name`` is where its consent stands, or should; ``record``
    is the consent, whose own ``rua`` or ``ruf`` on the same host take the place of the URI."""

    uri: ReportingUri
    name: str
    authorization: Authorization
    record: DmarcRecord | None = None
    reason: str = ""


async def destinations(
    record: DmarcRecord, policy_domain: str, resolver: Resolver
) -> tuple[tuple[str, Destination], ...]:
    """The places that a record names, each with its tag, ``rua`` or ``ruf``: the first ten of each. It never raises."""
    uris = [(tag, uri) for tag, uris in (("rua", record.rua), ("ruf", record.ruf)) for uri in uris[:MAX_DESTINATIONS]]
    walker = Walker(resolver)
    return tuple([(tag, await authorize(policy_domain, uri, resolver, walker)) for tag, uri in uris])


async def authorize(
    policy_domain: str, uri: ReportingUri, resolver: Resolver, walker: Walker | None = None
) -> Destination:
    """Ask whether reports about the domain, at which the policy record was found, may be sent to ``uri``.

    It never raises. ``policy_domain`` is in its one spelling; ``walker`` remembers what was asked before.
    """
    name = f"{policy_domain}._report._dmarc.{uri.host}"
    same = await _same_organization(policy_domain, uri.host, walker or Walker(resolver))
    if same:
        return Destination(uri, name, Authorization.INTERNAL)
    answer = await resolver.lookup(name, RecordType.TXT)
    if answer.status.temporary:
        return Destination(uri, name, Authorization.UNKNOWN, reason=answer.reason or answer.status.value)
    texts = answer.texts if answer.status is Status.FOUND else ()
    # One that begins as it must is enough; what else stands there is discarded.
    record = next(filter(None, map(read_record, texts)), None)
    if record is not None:
        return Destination(uri, name, Authorization.GRANTED, record)
    if same is None:
        return Destination(uri, name, Authorization.UNKNOWN, reason="whose organization it is, is not known for now")
    return Destination(uri, name, Authorization.REFUSED)


async def _same_organization(domain: str, host: str, walker: Walker) -> bool | None:
    """``None``: not known for now."""
    if domain == host:
        return True
    if domain.rpartition(".")[2] != host.rpartition(".")[2]:  # an Organizational Domain is the end of both names
        return False
    own = await walker.walk(domain)
    if own.uncertain:
        return None
    organization = own.organizational_domain
    if not is_within(host, organization):  # nothing that stands elsewhere belongs to it
        return False
    other = await walker.walk(host)
    return None if other.uncertain else other.organizational_domain == organization
