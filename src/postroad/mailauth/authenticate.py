"""Everything that can be found out about where a message comes from: SPF, DKIM, ARC, and DMARC over them."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from postroad.lookup import Resolver
from postroad.mailauth.arc.chain import ChainStatus
from postroad.mailauth.arc.validate import ArcResult, validate
from postroad.mailauth.dkim.signature import Result as DkimResult
from postroad.mailauth.dkim.verify import Verdict, verify
from postroad.mailauth.dmarc.alignment import Identifier, Mechanism
from postroad.mailauth.dmarc.author import evaluate_from
from postroad.mailauth.dmarc.evaluate import DmarcResult
from postroad.mailauth.domain_name import domain_name
from postroad.mailauth.header_section import received
from postroad.mailauth.results.value import AuthenticationResults, MethodResult, Property
from postroad.mailauth.spf.check import check
from postroad.mailauth.spf.verdict import Identity, SpfVerdict


@dataclass(frozen=True, slots=True)
class Authentication:
    """What each method came to. ``mail_from`` is the sender of the envelope, as it was given."""

    mail_from: str
    spf: SpfVerdict
    dkim: tuple[Verdict, ...]
    arc: ArcResult
    dmarc: DmarcResult

    def results(self, authserv_id: str) -> AuthenticationResults:
        """As an Authentication-Results field tells it; ``authserv_id`` names the receiving service.

        Raises:
            MessageError: the name is empty.
        """
        told = _told_apart([one.value for one in self.dkim])
        signatures = tuple(map(_of_signature, self.dkim, told)) or (MethodResult("dkim", "none"),)
        return AuthenticationResults(authserv_id, (self._spf(), *signatures, self._arc(), self._dmarc()))

    def _spf(self) -> MethodResult:
        # RFC 8601 §2.7.2: the property is the identity that was checked.
        by_helo = self.spf.identity is Identity.HELO
        whose = (
            Property("smtp", "helo", self.spf.domain)
            if by_helo
            else Property("smtp", "mailfrom", _in_ascii(self.mail_from))
        )
        return MethodResult("spf", self.spf.result, (whose,), self.spf.reason)

    def _arc(self) -> MethodResult:
        oldest = self.arc.oldest_pass
        properties = () if oldest is None else (Property("header", "oldest-pass", str(oldest)),)  # RFC 8617 §10.2
        reason = self.arc.reason if self.arc.status is ChainStatus.FAIL else ""
        return MethodResult("arc", self.arc.status, properties, reason)

    def _dmarc(self) -> MethodResult:
        properties = [Property("header", "from", self.dmarc.author_domain)] if self.dmarc.author_domain else []
        if self.dmarc.policy is not None:
            properties.append(Property("policy", "dmarc", self.dmarc.policy))  # RFC 9989 §9.1
        reason = "" if self.dmarc.outcome == "pass" else self.dmarc.reason
        return MethodResult("dmarc", self.dmarc.outcome, tuple(properties), reason)


async def authenticate(
    content: bytes,
    *,
    ip: IPv4Address | IPv6Address,
    helo: str,
    mail_from: str,
    resolver: Resolver,
    at: float,
    receiver: str = "unknown",
) -> Authentication:
    """Check a message as its receiver: who handed it over, who signed it, who forwarded it, whose name it is in.

    ``mail_from`` is empty for the null sender, ``at`` in seconds since the epoch, ``receiver`` the name of the host
    that asks. It never raises: whatever stands in message, envelope and DNS, there is a result.
    """
    spf = await check(ip, helo, mail_from, resolver, receiver=receiver)
    message = received(content)
    dkim = await verify(message, resolver, at=at)
    arc = await validate(message, resolver, at=at)
    senders = [value.decode("utf-8", "surrogateescape") for value in message.senders()]
    # Of a header that was not read to its end, nobody knows how many From fields it has: nothing is proved for them.
    proved = () if message.cut else identifiers(spf, dkim)
    dmarc = await evaluate_from(senders, proved, resolver)
    return Authentication(mail_from, spf, dkim, arc, dmarc)


def identifiers(spf: SpfVerdict, dkim: tuple[Verdict, ...]) -> tuple[Identifier, ...]:
    """What DMARC compares with the author's domain.

    The HELO name counts only where it stands in for an empty MAIL FROM (RFC 9989 §3.2.4), which is when it is checked.
    """
    signed = [Identifier(Mechanism.DKIM, one.domain, one.result) for one in dkim if one.domain]
    return (Identifier(Mechanism.SPF, spf.domain, spf.result), *signed)


def _of_signature(verdict: Verdict, beginning: str) -> MethodResult:
    named = {
        "d": verdict.domain,
        "i": _in_ascii(verdict.identity or ""),
        "s": domain_name(verdict.selector or "") or verdict.selector,
        "a": verdict.algorithm,
        "b": beginning,
    }
    properties = tuple([Property("header", name, value) for name, value in named.items() if value])
    comment = f"{verdict.bits}-bit key" if verdict.bits else ""
    reason = "" if verdict.result is DkimResult.PASS else verdict.reason
    return MethodResult("dkim", verdict.result, properties, reason, comment)


def _told_apart(values: list[str]) -> list[str]:
    """Of several signatures so much of ``b=`` that no two look alike, eight characters at the least (RFC 6008 §3)."""
    if len(values) < 2:
        return [""] * len(values)
    different = len(set(values))
    lengths = range(8, max(8, *map(len, values)) + 1)
    enough = next(length for length in lengths if len({value[:length] for value in values}) == different)
    return [value[:enough] for value in values]


def _in_ascii(address: str) -> str:
    """An address in a field of ASCII: without brackets, the domain in A-labels, without a local part that is not ASCII.

    The property is ``[[local-part] "@"] domain`` (RFC 8601 §2.2), and the domain is what matters.
    """
    local, at, domain = address.strip().removeprefix("<").removesuffix(">").rpartition("@")
    name = domain_name(domain) or domain
    return f"{local if local.isascii() else ''}{at}{name}"
