"""Whether an authenticated domain speaks for the author's (RFC 9989 §4.4, §4.10.2)."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from postroad.mailauth.dmarc.record import Alignment, DmarcRecord
from postroad.mailauth.dmarc.tree_walk import Walker
from postroad.mailauth.domain_name import domain_name, is_within


class Mechanism(StrEnum):
    """What authenticates a domain (RFC 9989 §4.3)."""

    SPF = "spf"
    DKIM = "dkim"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A result of SPF or DKIM, and the domain that it is about.

    For SPF that is the domain of MAIL FROM, or of HELO where MAIL FROM is empty (RFC 9989 §3.2.4); for DKIM ``d=`` of
    one signature. ``result`` is the word of RFC 8601 §2.7: only ``pass`` authenticates.
    """

    mechanism: Mechanism
    domain: str
    result: str


class Aligned(Enum):
    """The answer, and that there may be none for now."""

    YES = "aligned"
    NO = "not aligned"
    UNKNOWN = "not known for now"


@dataclass(frozen=True, slots=True)
class Alignedness:
    """An identifier beside the author's domain; ``organizational_domain`` is its own, where it had to be found."""

    identifier: Identifier
    aligned: Aligned
    organizational_domain: str | None = None
    reason: str = ""


async def align(identifier: Identifier, author_domain: str, record: DmarcRecord, walker: Walker) -> Alignedness:
    """Compare the identifier's domain with the author's, as strictly as the record asks for."""
    domain = domain_name(identifier.domain)
    mode = record.aspf if identifier.mechanism is Mechanism.SPF else record.adkim
    if domain is None:
        return Alignedness(identifier, Aligned.NO, reason="no domain name")
    if domain == author_domain:
        return Alignedness(identifier, Aligned.YES, reason="the same domain")
    if mode is Alignment.STRICT:
        return Alignedness(identifier, Aligned.NO, reason="not the same domain, and strict alignment is asked for")
    return await _relaxed(identifier, domain, author_domain, walker)


async def _relaxed(identifier: Identifier, domain: str, author_domain: str, walker: Walker) -> Alignedness:
    # An Organizational Domain is the end of its domain's name, so names without a common end cannot share one.
    if domain.rpartition(".")[2] != author_domain.rpartition(".")[2]:
        return Alignedness(identifier, Aligned.NO, reason="the names have nothing in common")
    author = await walker.walk(author_domain)
    if author.uncertain:
        return Alignedness(identifier, Aligned.UNKNOWN, reason=f"{author.steps[-1].name}: {author.steps[-1].reason}")
    organization = author.organizational_domain
    if not is_within(domain, organization):
        return Alignedness(identifier, Aligned.NO, reason=f"not within {organization}")
    own = await walker.walk(domain)
    if own.uncertain:
        return Alignedness(identifier, Aligned.UNKNOWN, reason=f"{own.steps[-1].name}: {own.steps[-1].reason}")
    same = own.organizational_domain == organization
    reason = f"the organization is {organization}" if same else f"the organization is {own.organizational_domain}"
    return Alignedness(identifier, Aligned.YES if same else Aligned.NO, own.organizational_domain, reason)
