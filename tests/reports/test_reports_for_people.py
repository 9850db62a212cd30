"""What ``postroad report parse`` prints of DMARC and TLS reports for people."""

import json
from pathlib import Path

from tests.cli.command import run_inside
from tests.reports.report_files import RECORD, feedback

FAILED = RECORD.replace("<dkim>pass</dkim>", "<dkim>fail</dkim>")
TLS = {
    "organization-name": "Receiver",
    "date-range": {"start-datetime": "2026-11-01T00:00:00Z", "end-datetime": "2026-11-01T23:59:59Z"},
    "contact-info": "tls@receiver.example",
    "report-id": "t1",
    "policies": [
        {
            "policy": {"policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": "acme.example"},
            "summary": {"total-successful-session-count": 40, "total-failure-session-count": 3},
            "failure-details": [
                {"result-type": "certificate-expired", "receiving-mx-hostname": "mx1.acme.example",
                 "failed-session-count": count}
                for count in (1, 2)
            ],
        }
    ],
}  # fmt: skip


def printed(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    ended = run_inside("report", "parse", str(path))
    assert ended.code == 0
    return [line.strip() for line in ended.stdout.splitlines()[1:]]


def test_a_dmarc_report(tmp_path: Path) -> None:
    assert printed(tmp_path / "dmarc.xml", feedback(RECORD, FAILED, FAILED)) == [
        "from Receiver Inc., report r1",
        "about example.com (p=none), 2025-06-15T15:06:40Z to 2025-06-16T15:06:39Z",
        "7 messages pass, 14 fail",
        "14 × 192.0.2.1: dkim fail, spf fail: none",
    ]


def test_a_tls_report(tmp_path: Path) -> None:
    assert printed(tmp_path / "tls.json", json.dumps(TLS).encode()) == [
        "from Receiver, report t1",
        "2026-11-01T00:00:00Z to 2026-11-01T23:59:59Z",
        "acme.example (sts): 40 sessions succeeded, 3 failed",
        "3 × certificate-expired at mx1.acme.example",
    ]


def test_many_sources_are_counted_and_not_listed(tmp_path: Path) -> None:
    records = [FAILED.replace("192.0.2.1", f"192.0.2.{number}") for number in range(30)]
    lines = printed(tmp_path / "dmarc.xml", feedback(*records))
    assert lines[2] == "0 messages pass, 210 fail"
    assert lines[-1] == "and 10 more; --json has them"


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    ended = run_inside("report", "parse", str(tmp_path / "none.xml"))
    assert ended.code == 65
    assert "Name a file that is there" in ended.stderr
    assert "sent" not in ended.stderr
