"""How TLS went at the hosts of domains, counted for each policy, as TLS reports have it (RFC 8460 §4)."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from postroad.routing.tls_requirement import PolicyType


class ResultType(StrEnum):
    """What went wrong (RFC 8460 §4.3)."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION_FAILURE = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    STS_POLICY_FETCH_ERROR = "sts-policy-fetch-error"
    STS_POLICY_INVALID = "sts-policy-invalid"
    STS_WEBPKI_INVALID = "sts-webpki-invalid"


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of failure, and how many sessions met it. ``host`` and ``address`` are empty where none was reached."""

    result: ResultType
    host: str
    address: str
    sessions: int
    reason: str = ""  # the last one's, for people


@dataclass(frozen=True, slots=True)
class PolicyResults:
    """The sessions with the hosts of a domain under one policy (RFC 8460 §4.2)."""

    domain: str
    policy: PolicyType
    strings: tuple[str, ...]  # the policy itself, line by line; the TLSA records
    successes: int
    failures: tuple[Failure, ...]


class _Met(NamedTuple):
    domain: str
    policy: PolicyType
    result: ResultType
    host: str
    address: str


class TlsResults:
    """Counts sessions. Belongs to one thread."""

    def __init__(self) -> None:
        self._strings: dict[tuple[str, PolicyType], tuple[str, ...]] = {}
        self._successes: Counter[tuple[str, PolicyType]] = Counter()
        self._failures: Counter[_Met] = Counter()
        self._reasons: dict[_Met, str] = {}

    def succeeded(self, domain: str, policy: PolicyType, strings: tuple[str, ...] = ()) -> None:
        """A session was as the policy wants it."""
        self._strings[domain, policy] = strings
        self._successes[domain, policy] += 1

    def failed(
        self,
        domain: str,
        policy: PolicyType,
        result: ResultType,
        *,
        host: str = "",
        address: str = "",
        reason: str = "",
        strings: tuple[str, ...] = (),
    ) -> None:
        """A session was not, or there was none because of the policy."""
        self._strings[domain, policy] = strings or self._strings.get((domain, policy), ())
        met = _Met(domain, policy, result, host, address)
        self._failures[met] += 1
        self._reasons[met] = reason

    def read(self) -> tuple[PolicyResults, ...]:
        """What was counted so far, by domain and policy."""
        return tuple([self._of(domain, policy) for domain, policy in sorted(self._strings)])

    def take(self) -> tuple[PolicyResults, ...]:
        """What was counted so far; it is counted from nothing again."""
        counted = self.read()
        for one in (self._strings, self._successes, self._failures, self._reasons):
            one.clear()
        return counted

    def _of(self, domain: str, policy: PolicyType) -> PolicyResults:
        failures = tuple(
            [
                Failure(met.result, met.host, met.address, sessions, self._reasons[met])
                for met, sessions in self._failures.items()
                if (met.domain, met.policy) == (domain, policy)
            ]
        )
        return PolicyResults(domain, policy, self._strings[domain, policy], self._successes[domain, policy], failures)
