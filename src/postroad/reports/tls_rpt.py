"""A report about TLS between mail servers (RFC 8460) as a value: how many sessions were encrypted, and why others not.

The JSON is that of RFC 8460 §4.4. Words keep its spelling; what a reporter wrote besides is kept as it stands, and
named in ``deviations``. Whatever a report says is the word of a stranger.
"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any


@dataclass(frozen=True, slots=True)
class FailureDetails:
    """Sessions that failed for one reason. Addresses that are none are ``None`` here, and stand in the deviations."""

    result_type: str  # RFC 8460 §4.3: starttls-not-supported, certificate-expired, …
    failed_session_count: int
    sending_mta_ip: IPv4Address | IPv6Address | None
    receiving_ip: IPv4Address | IPv6Address | None
    receiving_mx_hostname: str
    receiving_mx_helo: str
    additional_information: str
    failure_reason_code: str


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What became of the sessions under one policy."""

    policy_type: str  # tlsa, sts, no-policy-found
    policy_domain: str
    policy_string: tuple[str, ...]
    mx_host: tuple[str, ...]
    total_successful_session_count: int
    total_failure_session_count: int
    failure_details: tuple[FailureDetails, ...]


@dataclass(frozen=True, slots=True)
class TlsReport:
    """The whole report; ``start`` and ``end`` are aware, in UTC."""

    organization_name: str
    start: datetime
    end: datetime
    contact_info: str
    report_id: str
    policies: tuple[PolicyResult, ...]
    deviations: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The report in the words of the RFC with ``_`` for ``-``, for ``json.dumps``."""
        return {
            "organization_name": self.organization_name or None,
            "date_range": {"start_datetime": _time(self.start), "end_datetime": _time(self.end)},
            "contact_info": self.contact_info or None,
            "report_id": self.report_id or None,
            "policies": [_policy(one) for one in self.policies],
            "deviations": list(self.deviations),
        }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _policy(one: PolicyResult) -> dict[str, Any]:
    return {
        "policy": {
            "policy_type": one.policy_type,
            "policy_string": list(one.policy_string),
            "policy_domain": one.policy_domain or None,
            "mx_host": list(one.mx_host),
        },
        "summary": {
            "total_successful_session_count": one.total_successful_session_count,
            "total_failure_session_count": one.total_failure_session_count,
        },
        "failure_details": [_failure(failure) for failure in one.failure_details],
    }


def _failure(one: FailureDetails) -> dict[str, Any]:
    return {
        "result_type": one.result_type,
        "failed_session_count": one.failed_session_count,
        "sending_mta_ip": str(one.sending_mta_ip) if one.sending_mta_ip else None,
        "receiving_ip": str(one.receiving_ip) if one.receiving_ip else None,
        "receiving_mx_hostname": one.receiving_mx_hostname or None,
        "receiving_mx_helo": one.receiving_mx_helo or None,
        "additional_information": one.additional_information or None,
        "failure_reason_code": one.failure_reason_code or None,
    }
