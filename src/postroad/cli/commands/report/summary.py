"""What a DMARC or TLS report says, in lines for people: who reports, about whom, for which time, and how it went."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from postroad.terminal_text import one_line

MAX_SHOWN: Final = 20  # sources, or kinds of failures; the rest is a number, and all of it is in the JSON


def summary(report: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a report as ``ParsedReport.report`` holds it."""
    if "records" in report:
        yield from _dmarc(report)
    elif "policies" in report:
        yield from _tls(report)
    else:
        yield from (
            f"{key}: {one_line(str(value))}"
            for key, value in report.items()
            if isinstance(value, str | int | float) and value != ""
        )
    deviations = report.get("deviations") or ()
    if deviations:
        yield f"not as the RFC says, and read all the same: {len(deviations)}; --json has them"


def _dmarc(report: Mapping[str, Any]) -> Iterator[str]:
    about, policy, records = report["report_metadata"], report["policy_published"], report["records"]
    period = about["date_range"]
    yield f"from {_shown(about['org_name'] or about['email'])}, report {_shown(about['report_id'])}"
    asked = f"{_shown(policy['domain'])} (p={_shown(policy['p'])})"
    yield f"about {asked}, {_day(period['begin'])} to {_day(period['end'])}"
    failed = [record for record in records if not _passes(record["policy_evaluated"])]
    passing = sum(record["count"] for record in records if _passes(record["policy_evaluated"]))
    yield f"{passing} messages pass, {sum(record['count'] for record in failed)} fail"
    by_source: Counter[str] = Counter()
    for record in failed:
        told = record["policy_evaluated"]
        verdict = f"dkim {_shown(told['dkim'])}, spf {_shown(told['spf'])}: {_shown(told['disposition'])}"
        by_source[f"{one_line(record['source_ip'])}: {verdict}"] += record["count"]
    yield from _counted(by_source)


def _passes(evaluated: Mapping[str, Any]) -> bool:
    """RFC 7489 §6.6.2: one that is aligned is enough."""
    return "pass" in (evaluated["dkim"], evaluated["spf"])


def _tls(report: Mapping[str, Any]) -> Iterator[str]:
    period = report["date_range"]
    yield f"from {_shown(report['organization_name'])}, report {_shown(report['report_id'])}"
    yield f"{one_line(str(period['start_datetime']))} to {one_line(str(period['end_datetime']))}"
    for one in report["policies"]:
        counts = one["summary"]
        yield (
            f"{_shown(one['policy']['policy_domain'])} ({_shown(one['policy']['policy_type'])}): "
            f"{counts['total_successful_session_count']} sessions succeeded, "
            f"{counts['total_failure_session_count']} failed"
        )
        failures: Counter[str] = Counter()
        for failure in one["failure_details"]:
            host = failure.get("receiving_mx_hostname")
            failures[f"{_shown(failure['result_type'])}{f' at {one_line(host)}' if host else ''}"] += (
                failure["failed_session_count"] or 0
            )
        yield from _counted(failures)


def _counted(found: Counter[str]) -> Iterator[str]:
    for what, count in found.most_common(MAX_SHOWN):
        yield f"  {count} × {what}"
    if len(found) > MAX_SHOWN:
        yield f"  and {len(found) - MAX_SHOWN} more; --json has them"


def _shown(value: object) -> str:
    return one_line(str(value)) if value not in (None, "") else "(not told)"


def _day(moment: object) -> str:
    """Seconds since 1970 (RFC 7489 appendix C), as a time in UTC; what is none stands as it is."""
    try:
        return datetime.fromtimestamp(int(str(moment)), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return _shown(moment)
