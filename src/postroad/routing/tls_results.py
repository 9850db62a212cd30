"""How TLS went at the hosts of domains, by policy: what TLS reports tell (RFC 8460 §4)."""

from dataclasses import dataclass
from enum import StrEnum

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
