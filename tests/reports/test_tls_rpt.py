"""TLS reports (RFC 8460): what is read, what deviates, what is refused."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.reports.tls_json import MAX_OCTETS, read_tls_report
from postroad.reports.tls_rpt import FailureDetails
from tests.reports.report_files import TLS_REPORT


def changed(*path: str | int, value: Any) -> bytes:
    """The report with another value at this place; without any, where it is ``...``."""
    report = deepcopy(TLS_REPORT)
    inner: Any = report
    for step in path[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(report).encode()


POLICY, SUMMARY, DETAIL = ("policies", 0, "policy"), ("policies", 0, "summary"), ("policies", 0, "failure-details", 0)


def test_all_of_it_is_read() -> None:
    report = read_tls_report(json.dumps(TLS_REPORT).encode())
    assert report.deviations == ()
    assert (report.organization_name, report.contact_info) == ("Receiver", "tls@receiver.example")
    assert report.start == datetime(2026, 4, 1, tzinfo=UTC)
    first, second = report.policies
    assert first.policy_string[1] == "mode: enforce"
    assert (first.total_successful_session_count, first.total_failure_session_count) == (5326, 3)
    assert first.failure_details[0] == FailureDetails(
        result_type="certificate-expired",
        failed_session_count=2,
        sending_mta_ip=ip_address("2001:db8:abcd:12::1"),
        receiving_ip=ip_address("203.0.113.56"),
        receiving_mx_hostname="mx1.example.com",
        receiving_mx_helo="mx1",
        additional_information="https://receiver.example/r?id=1",
        failure_reason_code="X509_V_ERR",
    )
    assert (second.policy_type, second.policy_string, second.failure_details) == ("no-policy-found", (), ())


def test_the_json_is_that_of_the_rfc() -> None:
    written = json.loads(json.dumps(read_tls_report(json.dumps(TLS_REPORT).encode()).as_json()))
    again = (
        json.dumps(written["policies"][0]["failure_details"][0]).replace("_", "-").replace("X509-V-ERR", "X509_V_ERR")
    )
    assert json.loads(again) == TLS_REPORT["policies"][0]["failure-details"][0]
    assert written["date_range"] == {"start_datetime": "2026-04-01T00:00:00Z", "end_datetime": "2026-04-01T23:59:59Z"}


@pytest.mark.parametrize(
    ("octets", "deviation"),
    [
        (changed("report-id", value=...), "report-id is missing or empty"),
        (changed("contact-info", value=17), "contact-info is a number, no string"),
        (changed("contact-info", value=["a"]), "contact-info is no string"),
        (changed("date-range", "start-datetime", value="2026-04-01T00:00:00"), "no time zone; it is taken for UTC"),
        (changed("date-range", "end-datetime", value="2025-04-01T00:00:00+02:00"), "date-range ends before it begins"),
        (changed(*POLICY, "policy-type", value="STS"), "policy-type is 'STS', not in lower case"),
        (changed(*POLICY, "policy-type", value="new"), "policy-type is 'new', a word that the RFC does not know"),
        (changed(*POLICY, "policy-domain", value=...), "policy-domain is missing or empty"),
        (changed(*SUMMARY, "total-failure-session-count", value="3"), "is a string, no number"),
        (changed(*SUMMARY, "total-failure-session-count", value=9), "failure-details count 3 sessions, total-failure"),
        (changed(*DETAIL, "receiving-ip", value="mx"), "receiving-ip is 'mx', no address"),
        (changed(*DETAIL, "result-type", value=...), "result-type is missing or empty"),
        (changed("policies", 0, "failure-details", value={}), "failure-details is no list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_real_reporters_do_is_read_and_said(octets: bytes, deviation: str) -> None:
    report = read_tls_report(octets)
    assert deviation in "\n".join(report.deviations)
    assert report.policies[0].total_successful_session_count == 5326


@pytest.mark.parametrize(
    ("octets", "of"),
    [
        (changed(*POLICY, "policy-string", value="version: STSv1"), ("version: STSv1",)),
        (changed(*POLICY, "policy-string", value=[]), ()),
        (changed(*POLICY, "policy-string", value=None), ()),
    ],
)
def test_a_list_may_be_one_string(octets: bytes, of: tuple[str, ...]) -> None:
    assert read_tls_report(octets).policies[0].policy_string == of


def test_the_names_of_older_examples_are_known() -> None:
    older = (
        json.dumps(TLS_REPORT)
        .replace("mx-host", "mx-host-pattern")
        .replace("additional-information", "additional-info-uri")
    )
    policy = read_tls_report(older.encode()).policies[0]
    assert policy.mx_host == ("*.example.com",)
    assert policy.failure_details[0].additional_information == "https://receiver.example/r?id=1"


@pytest.mark.parametrize("begin", [b"\xef\xbb\xbf", b"\r\n "])
def test_what_stands_before_it_does_not_matter(begin: bytes) -> None:
    assert read_tls_report(begin + json.dumps(TLS_REPORT).encode()).report_id == "5065427c-23d3-47ca"


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"{", "no JSON: .*, line 1, column 2"),
        (b'{"policies": NaN}', "no JSON: NaN is no number"),
        (b'{"policies": "\xff"}', "not in UTF-8"),
        (b"{}", "no TLS report"),
        (b"[]", "no TLS report"),
        (b"7", "no TLS report"),
        (b'{"policies":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"policies": [' + b"1," * 600_000 + b"1]}", "more than"),
        (b" " * (MAX_OCTETS + 1), "more than"),
        (changed("policies", value=...), "no list of policies"),
        (changed("policies", value={}), "no list of policies"),
        (changed("policies", value=["x"]), "no policy or no summary"),
        (changed(*SUMMARY, value=...), "no policy or no summary"),
        (
            changed(*SUMMARY, "total-failure-session-count", value=...),
            "total-failure-session-count is missing",
        ),
        (changed(*SUMMARY, "total-failure-session-count", value=-1), "total-failure-session-count is '-1', no number"),
        (changed(*SUMMARY, "total-failure-session-count", value=True), "total-failure-session-count is 'True', no"),
        (changed(*SUMMARY, "total-failure-session-count", value=10**300), "no number of sessions"),
        (changed("policies", 0, "failure-details", value=["x"]), "failure-details is no object"),
        (changed("date-range", value=...), "start-datetime is missing"),
        (changed("date-range", "end-datetime", value="tomorrow"), "end-datetime is 'tomorrow', which is no time"),
        (changed("date-range", "end-datetime", value="9999-12-31T23:59:59-23:59"), "which is no time"),
        (changed("date-range", "end-datetime", value=1), "end-datetime is '1', which is no time"),
    ],
)
def test_what_is_broken_is_refused_with_its_reason(octets: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why) as caught:
        read_tls_report(octets)
    assert caught.value.field == "report"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["policy", "summary"]), inner, max_size=2)
    ),
    max_leaves=5,
)
PLACES = st.sampled_from([("policies",), ("policies", 0), POLICY, SUMMARY, DETAIL, ("date-range",), ("report-id",)])
WORDS = st.sampled_from(["policy-type", "policy-string", "mx-host", "result-type", "receiving-ip", "start-datetime"])


@given(PLACES, WORDS, VALUES)
def test_whatever_stands_there_it_is_read_or_refused(place: tuple[str | int, ...], word: str, value: object) -> None:
    report = deepcopy(TLS_REPORT)
    inner: Any = report
    for step in place[:-1]:
        inner = inner[step]
    if isinstance(inner[place[-1]], dict):
        inner[place[-1]][word] = value
    else:
        inner[place[-1]] = value
    try:
        json.dumps(read_tls_report(json.dumps(report).encode()).as_json(), ensure_ascii=False).encode()
    except MessageError as refused:
        assert refused.field == "report"  # noqa: PT017 - this is the other good end
