"""A DMARC aggregate report as a value: who mailed in a domain's name, how often, and what became of it.

Sources: RFC 7489 Appendix C and RFC 9990 (its XSD). Words keep the RFC's spelling in lower case; what a reporter wrote
besides is kept as it stands, and named in ``deviations``. Whatever a report says is the word of a stranger.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the published policy was not applied: ``mailing_list``, ``policy_test_mode``, … and a comment."""

    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class PolicyEvaluated:
    """What DMARC made of the mail. ``dkim`` and ``spf`` are ``pass`` only where they are also aligned."""

    disposition: str  # none, quarantine, reject; pass (RFC 9990)
    dkim: str
    spf: str
    reasons: tuple[Reason, ...]

    @property
    def aligned(self) -> bool:
        """Whether DMARC passed (RFC 9989 §4.4: one of both is enough)."""
        return self.dkim == "pass" or self.spf == "pass"


@dataclass(frozen=True, slots=True)
class DkimResult:
    """What became of one signature (RFC 8601 §2.7.1)."""

    domain: str
    selector: str
    result: str
    human_result: str


@dataclass(frozen=True, slots=True)
class SpfResult:
    """What became of SPF (RFC 8601 §2.7.2); ``scope`` is ``mfrom`` or ``helo``."""

    domain: str
    scope: str
    result: str
    human_result: str


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The domains of the messages, in lower case; empty where the report does not name one, or the null sender."""

    header_from: str
    envelope_from: str
    envelope_to: str


@dataclass(frozen=True, slots=True)
class Record:
    """``count`` messages from one address with the same results."""

    source_ip: IPv4Address | IPv6Address
    count: int
    policy_evaluated: PolicyEvaluated
    identifiers: Identifiers
    dkim: tuple[DkimResult, ...]
    spf: tuple[SpfResult, ...]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who reports about which time. ``begin`` and ``end`` are in seconds since the epoch, UTC."""

    org_name: str
    email: str
    extra_contact_info: str
    report_id: str
    begin: int
    end: int
    errors: tuple[str, ...]
    generator: str

    @property
    def reporter(self) -> str:
        """The name of who reports: that of the organisation or, where it gives none, its mail domain."""
        return self.org_name or self.email.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """The policy that was found in the DNS; empty or None is what the report does not say."""

    domain: str
    p: str
    sp: str
    np: str
    adkim: str  # r, s
    aspf: str
    pct: int | None  # RFC 7489 only
    fo: str
    testing: str  # y, n; RFC 9990
    discovery_method: str  # psl, treewalk; RFC 9990


@dataclass(frozen=True, slots=True)
class AggregateReport:
    """The whole report. ``deviations`` tell where it is not as its RFC says."""

    version: str
    namespace: str
    metadata: Metadata
    policy: PolicyPublished
    records: tuple[Record, ...]
    deviations: tuple[str, ...]

    @property
    def messages(self) -> int:
        """How many messages it is about."""
        return sum([record.count for record in self.records])

    def as_json(self) -> dict[str, Any]:
        """The report in the words of the RFC, for ``json.dumps``."""
        return {
            "version": self.version or None,
            "namespace": self.namespace or None,
            "report_metadata": _metadata(self.metadata),
            "policy_published": _policy(self.policy),
            "records": [_record(record) for record in self.records],
            "deviations": list(self.deviations),
        }


def _metadata(metadata: Metadata) -> dict[str, Any]:
    return {
        "org_name": metadata.org_name or None,
        "email": metadata.email or None,
        "extra_contact_info": metadata.extra_contact_info or None,
        "report_id": metadata.report_id or None,
        "date_range": {"begin": metadata.begin, "end": metadata.end},
        "errors": list(metadata.errors),
        "generator": metadata.generator or None,
    }


def _policy(policy: PolicyPublished) -> dict[str, Any]:
    words = ("domain", "p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method")
    return {word: None if getattr(policy, word) == "" else getattr(policy, word) for word in words}


def _record(record: Record) -> dict[str, Any]:
    evaluated, identifiers = record.policy_evaluated, record.identifiers
    return {
        "source_ip": str(record.source_ip),
        "count": record.count,
        "policy_evaluated": {
            "disposition": evaluated.disposition or None,
            "dkim": evaluated.dkim or None,
            "spf": evaluated.spf or None,
            "reasons": [{"type": one.type or None, "comment": one.comment or None} for one in evaluated.reasons],
        },
        "identifiers": {
            "header_from": identifiers.header_from or None,
            "envelope_from": identifiers.envelope_from or None,
            "envelope_to": identifiers.envelope_to or None,
        },
        "auth_results": {
            "dkim": [_result(one, "selector", one.selector) for one in record.dkim],
            "spf": [_result(one, "scope", one.scope) for one in record.spf],
        },
    }


def _result(one: DkimResult | SpfResult, word: str, value: str) -> dict[str, Any]:
    return {
        "domain": one.domain or None,
        word: value or None,
        "result": one.result or None,
        "human_result": one.human_result or None,
    }
