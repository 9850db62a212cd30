"""The reports of others, and ours of the same kinds, are read by us as parsedmarc reads them."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postroad.errors import MessageError
from postroad.reports.dmarc_aggregate import AggregateReport
from postroad.reports.dmarc_failure import read_failure_report
from postroad.reports.feedback_details import FeedbackDetails
from postroad.reports.mail import read_mail
from postroad.reports.report_file import report_in_file, report_in_mail
from postroad.reports.tls_rpt import TlsReport
from tests.conftest import corpora_folder
from tests.reports.report_files import RECORD, REPORT, RFC_9990, TLS_REPORT, corpus_files, feedback, zipped

Reading = AggregateReport | TlsReport | FeedbackDetails

MANY = feedback(
    *[
        RECORD.replace("192.0.2.1", f"192.0.2.{number}").replace(">7<", f">{number * 3}<").replace("s1", f"s{number}")
        for number in range(1, 200)
    ]
)
OURS = {
    "rfc7489.xml": REPORT,
    "rfc9990.xml": RFC_9990,
    "many.xml.gz": gzip.compress(MANY, mtime=0),
    "many.zip": zipped({"many.xml": MANY}),
    "tls.json": json.dumps(TLS_REPORT).encode(),
}


def read(octets: bytes) -> Reading | None:
    found = report_in_file(octets)
    if found is not None:
        return found
    mail = read_mail(octets)
    return read_failure_report(mail) or report_in_mail(mail)


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Of each file its octets, and what parsedmarc makes of it."""
    folder = tmp_path_factory.mktemp("reports")
    for name, octets in OURS.items():
        (folder / name).write_bytes(octets)
    paths = sorted(folder.iterdir())
    if corpora_folder().is_dir():
        paths += [path for kind in ("dmarc", "failure", "tls_rpt") for path in corpus_files(corpora_folder(), kind)]
    script = Path(__file__).with_name("parsedmarc_reading.py")
    done = subprocess.run([sys.executable, script, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return {path.name: (path.read_bytes(), line) for path, line in zip(paths, lines, strict=True)}


def test_ours_are_read_alike(readings: dict[str, tuple[bytes, dict[str, Any]]]) -> None:
    for name in OURS:
        octets, theirs = readings[name]
        assert alike(read(octets), theirs), name


def test_all_public_ones_are_read_alike(readings: dict[str, tuple[bytes, dict[str, Any]]], corpora: Path) -> None:
    different = []
    for kind in ("dmarc", "failure", "tls_rpt"):
        for path in corpus_files(corpora, kind):
            octets, theirs = readings[path.name]
            try:
                if not alike(read(octets), theirs):
                    different.append(path.name)
            except MessageError:
                # parsedmarc has lxml guess what broken XML may have meant; what was guessed stands in its errors.
                assert "Invalid XML" in str(theirs["report"]["report_metadata"]["errors"]), path.name
    assert different == []


def alike(ours: Reading | None, theirs: dict[str, Any]) -> bool:
    report = theirs["report"]
    if isinstance(ours, AggregateReport):
        assert theirs["report_type"] == "aggregate"
        assert list(aggregate(ours)) == list(their_aggregate(report))
    elif isinstance(ours, TlsReport):
        assert theirs["report_type"] == "smtp_tls"
        assert list(tls(ours)) == list(their_tls(report))
    elif ours is not None:
        assert theirs["report_type"] == "failure"
        assert list(failure(ours)) == list(their_failure(report))
    return ours is not None


# ── DMARC aggregate ───────────────────────────────────────────────────────────────────────────────────────────────────


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def their_id(report_id: str) -> str:
    """parsedmarc keeps what stands before the @."""
    return report_id.replace("<", "").replace(">", "").partition("@")[0]


def aggregate(ours: AggregateReport) -> Iterator[object]:
    metadata, policy = ours.metadata, ours.policy
    yield metadata.email, metadata.extra_contact_info, metadata.generator, their_id(metadata.report_id)
    yield moment(metadata.begin), moment(metadata.end), ours.version or "draft", ours.namespace
    yield policy.domain, policy.adkim, policy.aspf, policy.p, policy.sp or policy.p, policy.pct, policy.fo
    yield policy.np, policy.testing, policy.discovery_method
    for record in ours.records:
        evaluated, named = record.policy_evaluated, record.identifiers
        yield str(record.source_ip), record.count, evaluated.disposition, evaluated.dkim, evaluated.spf
        yield evaluated.aligned, [(one.type, one.comment) for one in evaluated.reasons]
        # parsedmarc takes the domain of SPF where the envelope's is not told.
        sender = named.envelope_from or (record.spf[-1].domain if record.spf else "")
        yield named.header_from, sender, named.envelope_to
        # It leaves out what is about no domain, and writes "none" for a selector that is not told.
        yield [(one.domain, one.selector or "none", one.result, one.human_result) for one in record.dkim if one.domain]
        yield [(one.domain, one.scope, one.result, one.human_result) for one in record.spf if one.domain]


def their_aggregate(theirs: dict[str, Any]) -> Iterator[object]:
    metadata, policy = theirs["report_metadata"], theirs["policy_published"]
    extra, generator = metadata["org_extra_contact_info"] or "", metadata["generator"] or ""
    yield metadata["org_email"], extra, generator, metadata["report_id"]
    # A schema around the report is not the report's namespace.
    namespace = theirs["xml_namespace"] or ""
    namespace = "" if "www.w3.org" in namespace else namespace
    yield metadata["begin_date"], metadata["end_date"], theirs["xml_schema"], namespace
    domain = policy["domain"].lower().removesuffix(".")
    percentage = None if policy["pct"] is None else int(policy["pct"])
    yield domain, policy["adkim"], policy["aspf"], policy["p"], policy["sp"], percentage, policy["fo"] or ""
    yield policy["np"] or "", policy["testing"] or "", policy["discovery_method"] or ""
    for record in theirs["records"]:
        evaluated, named, results = record["policy_evaluated"], record["identifiers"], record["auth_results"]
        address = record["source"]["ip_address"].lower()
        yield address, record["count"], evaluated["disposition"], evaluated["dkim"], evaluated["spf"]
        reasons = evaluated["policy_override_reasons"]
        yield record["alignment"]["dmarc"], [(one.get("type") or "", one.get("comment") or "") for one in reasons]
        yield named["header_from"], named["envelope_from"] or "", named["envelope_to"] or ""
        yield [(one["domain"], one["selector"], one["result"], one["human_result"] or "") for one in results["dkim"]]
        yield [(one["domain"], one["scope"], one["result"], one["human_result"] or "") for one in results["spf"]]


# ── TLS ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

FAILURE_WORDS = (
    *("result_type", "failed_session_count", "sending_mta_ip", "receiving_ip", "receiving_mx_hostname"),
    *("receiving_mx_helo", "failure_reason_code"),
)


def tls(ours: TlsReport) -> Iterator[object]:
    written = ours.as_json()
    yield [written[word] for word in ("organization_name", "contact_info", "report_id")]
    yield written["date_range"]["start_datetime"], written["date_range"]["end_datetime"]
    for policy in written["policies"]:
        about, summary = policy["policy"], policy["summary"]
        yield about["policy_domain"], about["policy_type"], about["policy_string"]
        yield summary["total_successful_session_count"], summary["total_failure_session_count"]
        for one in policy["failure_details"]:
            yield [one[word] for word in FAILURE_WORDS], one["additional_information"]


def their_tls(theirs: dict[str, Any]) -> Iterator[object]:
    yield [theirs[word] for word in ("organization_name", "contact_info", "report_id")]
    yield theirs["begin_date"], theirs["end_date"]
    for policy in theirs["policies"]:
        yield policy["policy_domain"], policy["policy_type"], policy.get("policy_strings", [])
        yield policy["successful_session_count"], policy["failed_session_count"]
        for one in policy.get("failure_details", []):
            # An address has one spelling with us (RFC 5952).
            found = {word: one.get(word) for word in FAILURE_WORDS}
            found["sending_mta_ip"] = (
                (found["sending_mta_ip"] or "").replace(":0012:", ":12:").replace(":0013:", ":13:")
            )
            yield [found[word] or None for word in FAILURE_WORDS], one.get("additional_info_uri")


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def failure(ours: FeedbackDetails) -> Iterator[object]:
    written = ours.as_json()
    yield ours.feedback_type, ours.user_agent, ours.version, str(ours.source_ip), ours.reported_domain[0]
    yield ours.arrival_date and ours.arrival_date.strftime("%Y-%m-%d %H:%M:%S")
    yield ours.auth_failure or "dmarc", ours.original_envelope_id, ours.dkim_domain
    yield written["original_mail_from"] or "", written["original_rcpt_to"] or "", list(ours.authentication_results)
    assert ours.original is not None
    yield ours.original.message_id, ours.original.subject


def their_failure(theirs: dict[str, Any]) -> Iterator[object]:
    yield (
        theirs["feedback_type"],
        theirs["user_agent"] or "",
        theirs["version"] or "",
        theirs["source"]["ip_address"],
        theirs["reported_domain"],
    )
    yield theirs["arrival_date_utc"]
    yield theirs["auth_failure"][0], theirs["original_envelope_id"] or "", theirs["dkim_domain"] or ""
    results = theirs["authentication_results"]
    sender, recipient = ((theirs[word] or "").strip("<>") for word in ("original_mail_from", "original_rcpt_to"))
    yield sender, recipient, [results] if results else []
    sample = theirs["parsed_sample"]
    yield sample["message-id"], sample["subject"]
