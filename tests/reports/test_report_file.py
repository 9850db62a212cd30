"""Where reports are found: in files, in mail, in mail that was forwarded; and where none is."""

import gzip
import json
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from postroad.errors import MessageError
from postroad.reports.dmarc_aggregate import AggregateReport
from postroad.reports.mail import read_mail
from postroad.reports.parse import parse
from postroad.reports.report_file import report_in_file, report_in_forwarded, report_in_mail
from postroad.reports.tls_rpt import TlsReport
from tests.reports.report_files import FAILURE_FIELDS, REPORT, TLS_REPORT, failure_report, zipped

NAME = "receiver.example!example.com!1750000000!1750086399"
TLS = json.dumps(TLS_REPORT).encode()
CUT = gzip.compress(REPORT, mtime=0)[:-20]


def mail(content: bytes, kind: str, name: str = "", subject: str = "hello") -> EmailMessage:
    message = EmailMessage(SMTP)
    message["From"], message["To"], message["Subject"] = "r@receiver.example", "d@example.com", subject
    message.set_content("See the attachment.")
    main, _, sub = kind.partition("/")
    message.add_attachment(content, main, sub, filename=name or None)
    return message


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (REPORT, AggregateReport),
        (gzip.compress(REPORT, mtime=0), AggregateReport),
        (zipped({f"{NAME}.xml": REPORT}), AggregateReport),
        (REPORT.decode().replace("UTF-8", "utf-16").encode("utf-16"), AggregateReport),
        (TLS, TlsReport),
        (b"\xef\xbb\xbf" + TLS, TlsReport),
        (TLS.decode().encode("utf-16"), TlsReport),
        (gzip.compress(TLS, mtime=0), TlsReport),
        (zipped({"tls.json": TLS}), TlsReport),
    ],
)
def test_a_file_is_known_by_what_it_holds(octets: bytes, kind: type) -> None:
    assert isinstance(report_in_file(octets), kind)


@pytest.mark.parametrize(
    "octets", [b"", b"hello", b"From: a@example.com\r\n\r\nhello", b"\n\nSubject: x\n\n<feedback/>"]
)
def test_what_is_no_report_file_may_be_a_mail(octets: bytes) -> None:
    assert report_in_file(octets) is None


@pytest.mark.parametrize(
    ("content", "kind", "name"),
    [
        (gzip.compress(REPORT, mtime=0), "application/gzip", f"{NAME}.xml.gz"),
        (gzip.compress(REPORT, mtime=0), "application/x-gzip", ""),
        (zipped({f"{NAME}.xml": REPORT}), "application/zip", f"{NAME}.zip"),
        (zipped({f"{NAME}.xml": REPORT}), "application/x-zip-compressed", f"{NAME}.zip"),
        (gzip.compress(REPORT, mtime=0), "application/octet-stream", "report"),
        (REPORT, "text/xml", f"{NAME}.xml"),
        (REPORT, "image/png", "report.XML"),
        (TLS, "application/tlsrpt+json", ""),
        (gzip.compress(TLS, mtime=0), "application/tlsrpt+gzip", f"{NAME}!1.json.gz"),
    ],
)
def test_an_attachment_is_known_by_its_type_or_name(content: bytes, kind: str, name: str) -> None:
    found = report_in_mail(read_mail(mail(content, kind, name).as_bytes()))
    assert found is not None
    assert found == report_in_file(content)


def test_a_mail_may_be_nothing_but_its_report() -> None:
    head = b"From: r@receiver.example\r\nSubject: x\r\nContent-Type: %s\r\n\r\n"
    for kind in (b"application/xml", b"text/plain"):
        assert isinstance(report_in_mail(read_mail(head % kind + REPORT)), AggregateReport)


@pytest.mark.parametrize(
    "message",
    [
        mail(b"PK\x03\x04 photos", "application/zip", "photos.zip"),
        mail(b"<html></html>", "text/xml", "page.xml"),
        mail(b'{"a": 1}', "application/json", "data.json"),
        mail(gzip.compress(b"hello", mtime=0), "application/gzip", "notes.gz"),
        mail(b"\x89PNG", "image/png", "image.png"),
    ],
)
def test_attachments_of_other_mail_are_none(message: EmailMessage) -> None:
    assert report_in_mail(read_mail(message.as_bytes())) is None


@pytest.mark.parametrize(
    "message",
    [
        mail(CUT, "application/gzip", "r.gz", "Report Domain: example.com Submitter: receiver.example Report-ID: <1>"),
        mail(CUT, "application/gzip", f"{NAME}.xml.gz"),
        mail(CUT, "application/tlsrpt+gzip"),
    ],
)
def test_what_says_that_it_is_a_report_and_is_broken_is_refused(message: EmailMessage) -> None:
    with pytest.raises(MessageError, match="cut short"):
        report_in_mail(read_mail(message.as_bytes()))


def test_a_field_of_tls_reports_says_that_it_is_one() -> None:
    message = mail(b"{", "application/json")
    message["TLS-Report-Domain"] = "example.com"
    with pytest.raises(MessageError, match="no JSON"):
        report_in_mail(read_mail(message.as_bytes()))


def test_other_attachments_beside_a_report_do_not_matter() -> None:
    message = mail(b"\x89PNG", "application/octet-stream", "logo.png")
    message.add_attachment(CUT, "application", "zip", filename="photos.zip")
    message.add_attachment(gzip.compress(REPORT, mtime=0), "application", "gzip", filename=f"{NAME}.xml.gz")
    assert isinstance(report_in_mail(read_mail(message.as_bytes())), AggregateReport)


def test_a_report_within_a_message_is_found_only_where_it_is_asked_for() -> None:
    forward = EmailMessage(SMTP)
    forward["From"], forward["Subject"] = "colleague@example.com", "Fwd"
    forward.set_content("Have a look.")
    forward.add_attachment(mail(gzip.compress(REPORT, mtime=0), "application/gzip", f"{NAME}.xml.gz"))
    read = read_mail(forward.as_bytes())
    assert report_in_mail(read) is None
    assert isinstance(report_in_forwarded(read), AggregateReport)
    assert report_in_forwarded(read_mail(mail(CUT, "application/gzip").as_bytes())) is None


def test_the_one_way_in_knows_all_kinds() -> None:
    forward = EmailMessage(SMTP)
    forward["From"], forward["Subject"] = "colleague@example.com", "Fwd"
    forward.set_content("Have a look.")
    forward.add_attachment(mail(gzip.compress(TLS, mtime=0), "application/tlsrpt+gzip"))
    complaint = failure_report(FAILURE_FIELDS.replace("auth-failure", "abuse"))
    kinds = {
        REPORT: "dmarc",
        TLS: "tls_rpt",
        mail(zipped({f"{NAME}.xml": REPORT}), "application/zip").as_bytes(): "dmarc",
        forward.as_bytes(): "tls_rpt",
        failure_report(): "dmarc_failure",
        complaint: "complaint",
        CUT: "error",
        mail(b"\x89PNG", "image/png", "image.png").as_bytes(): "none",
    }
    for octets, kind in kinds.items():
        found = parse(octets).as_json()
        assert found["kind"] == kind
        assert ("report" in found) is (kind not in ("error", "none"))
    assert parse(complaint).as_json()["report"]["source_ip"] == "2001:db8::2"
