"""From the JSON of a TLS report to its value, tolerant of what real reporters write.

A report is refused where nobody could say what it means: without its time, or with a policy that has no counts.
"""

import json
import re
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final, NoReturn

from postroad.reports.containers import refuse
from postroad.reports.deviations import Deviations, shown
from postroad.reports.tls_rpt import FailureDetails, PolicyResult, TlsReport

MAX_OCTETS: Final = 5_000_000  # of the JSON, which is read as a whole; a hundred times what a large receiver sends
MAX_VALUES: Final = 500_000  # commas and brackets: each may be a value, and a value takes far more than its octets

_POLICY_TYPES: Final = frozenset({"tlsa", "sts", "no-policy-found"})  # RFC 8460 §4.2
_RESULT_TYPES: Final = frozenset(
    # RFC 8460 §4.3, and its registry.
    {
        "starttls-not-supported",
        "certificate-host-mismatch",
        "certificate-expired",
        "certificate-not-trusted",
        "validation-failure",
        "tlsa-invalid",
        "dnssec-invalid",
        "dane-required",
        "sts-policy-fetch-error",
        "sts-policy-invalid",
        "sts-webpki-invalid",
    }
)
_LARGEST: Final = 10**18  # sessions
_SIGNS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_COUNT: Final = re.compile(r"[0-9]{1,18}")
_ADVICE: Final = "Ask the reporter for it again, and tell them what is wrong with it."


def read_tls_report(octets: bytes) -> TlsReport:
    """Read the JSON of a report.

    Raises:
        MessageError: it is no JSON (RFC 8259), too large, no TLS report, or not one that can be understood.
    """
    given = _loaded(octets)
    if not isinstance(given, dict) or not given.keys() & {"policies", "organization-name", "date-range"}:
        refuse("its JSON is no TLS report (RFC 8460 §4.4)", "Give a TLS report.")
    return _Reading().report(given)


def _loaded(octets: bytes) -> Any:
    if len(octets) > MAX_OCTETS or sum(map(octets.count, (b",", b"[", b"{"))) > MAX_VALUES:
        refuse(f"its JSON has more than {MAX_OCTETS} octets or {MAX_VALUES} values", _ADVICE)
    charset = next((charset for sign, charset in _SIGNS if octets.startswith(sign)), "utf-8")
    try:
        text = octets.decode(charset).removeprefix("\ufeff")
        return json.loads(text, parse_int=_whole, parse_constant=_no_number)
    except UnicodeDecodeError:
        refuse("its JSON is not in UTF-8", _ADVICE)
    except json.JSONDecodeError as error:
        refuse(f"it is no JSON: {error.msg}, line {error.lineno}, column {error.colno}", _ADVICE)
    except RecursionError:
        refuse("its JSON is nested too deep", _ADVICE)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= 20 else float(digits)  # Python refuses to read thousands of digits


def _no_number(word: str) -> NoReturn:
    refuse(f"it is no JSON: {word} is no number", _ADVICE)


class _Reading:
    """What deviates in one report."""

    def __init__(self) -> None:
        self._deviations = Deviations()

    def report(self, given: dict[str, Any]) -> TlsReport:
        span = given.get("date-range")
        span = span if isinstance(span, dict) else {}
        policies = given.get("policies")
        if not isinstance(policies, list):
            refuse("it has no list of policies", _ADVICE)
        start, end = self._moment(span, "start-datetime"), self._moment(span, "end-datetime")
        if start > end:
            self._deviations.add("date-range ends before it begins")
        report_id = self._text(given, "report-id", needed=True)
        name = self._text(given, "organization-name", needed=True)
        contact = self._text(given, "contact-info", needed=True)
        results = tuple([self._policy(one) for one in policies])
        return TlsReport(name, start, end, contact, report_id, results, self._deviations.sentences())

    def _moment(self, given: dict[str, Any], name: str) -> datetime:
        text = given.get(name)
        try:
            moment = datetime.fromisoformat(text.strip() if isinstance(text, str) else "")
            if moment.tzinfo is None:  # RFC 3339 §5.6 asks for it
                self._deviations.add(f"{name} has no time zone; it is taken for UTC")
                return moment.replace(tzinfo=UTC)
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            refuse(_wrong(name, text, "which is no time"), _ADVICE)

    def _policy(self, given: Any) -> PolicyResult:
        policy = given.get("policy") if isinstance(given, dict) else None
        summary = given.get("summary") if isinstance(given, dict) else None
        if not isinstance(policy, dict) or not isinstance(summary, dict):
            refuse("one of its policies has no policy or no summary", _ADVICE)
        details = given.get("failure-details")
        if details is not None and not isinstance(details, list):
            self._deviations.add("failure-details is no list")
            details = None
        result = PolicyResult(
            policy_type=self._word(policy, "policy-type", _POLICY_TYPES),
            policy_domain=self._text(policy, "policy-domain", needed=True).lower().removesuffix("."),
            policy_string=self._texts(policy, "policy-string"),
            # RFC 8460 §4.4 has mx-host in its text and mx-host-pattern in an older example that many followed.
            mx_host=self._texts(policy, "mx-host") or self._texts(policy, "mx-host-pattern"),
            total_successful_session_count=self._count(summary, "total-successful-session-count"),
            total_failure_session_count=self._count(summary, "total-failure-session-count"),
            failure_details=tuple([self._failure(one) for one in details or ()]),
        )
        self._compare(result)
        return result

    def _compare(self, result: PolicyResult) -> None:
        failed = sum([failure.failed_session_count for failure in result.failure_details])
        if result.failure_details and failed != result.total_failure_session_count:
            total = result.total_failure_session_count
            self._deviations.add(f"failure-details count {failed} sessions, total-failure-session-count {total}")

    def _failure(self, given: Any) -> FailureDetails:
        if not isinstance(given, dict):
            refuse("one of its failure-details is no object", _ADVICE)
        return FailureDetails(
            result_type=self._word(given, "result-type", _RESULT_TYPES),
            failed_session_count=self._count(given, "failed-session-count"),
            sending_mta_ip=self._address(given, "sending-mta-ip"),
            receiving_ip=self._address(given, "receiving-ip"),
            receiving_mx_hostname=self._text(given, "receiving-mx-hostname"),
            receiving_mx_helo=self._text(given, "receiving-mx-helo"),
            # RFC 8460 §4.4 has one name in its example and another in its text.
            additional_information=self._text(given, "additional-information")
            or self._text(given, "additional-info-uri"),
            failure_reason_code=self._text(given, "failure-reason-code"),
        )

    def _text(self, given: dict[str, Any], name: str, *, needed: bool = False) -> str:
        value = given.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._deviations.add(f"{name} is a number, no string")
            value = str(value)
        if value is not None and not isinstance(value, str):
            self._deviations.add(f"{name} is no string")
            value = None
        if needed and not value:
            self._deviations.add(f"{name} is missing or empty")
        # Half of a surrogate pair is no character, and could not be written anywhere.
        return (value or "").strip().encode("utf-8", "replace").decode("utf-8")

    def _texts(self, given: dict[str, Any], name: str) -> tuple[str, ...]:
        value = given.get(name)
        if isinstance(value, list):
            return tuple([self._text({name: one}, name) for one in value])
        text = self._text(given, name)
        return (text,) if text else ()

    def _word(self, given: dict[str, Any], name: str, known: frozenset[str]) -> str:
        text = self._text(given, name, needed=True)
        word = text.lower()
        if text and word not in known:
            self._deviations.add(f"{name} is {shown(text)}, a word that the RFC does not know")
        elif word != text:
            self._deviations.add(f"{name} is {shown(text)}, not in lower case")
        return word

    def _count(self, given: dict[str, Any], name: str) -> int:
        value = given.get(name)
        if isinstance(value, str) and _COUNT.fullmatch(value.strip()):
            self._deviations.add(f"{name} is a string, no number")
            return int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
            refuse(_wrong(name, value, "no number of sessions"), _ADVICE)
        return value

    def _address(self, given: dict[str, Any], name: str) -> IPv4Address | IPv6Address | None:
        text = self._text(given, name)
        try:
            return ip_address(text.strip("[]")) if text else None
        except ValueError:
            self._deviations.add(f"{name} is {shown(text)}, no address")
            return None


def _wrong(name: str, value: object, why: str) -> str:
    return f"its {name} is missing" if value is None else f"its {name} is {shown(str(value))}, {why}"
