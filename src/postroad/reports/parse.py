"""One way in for everything that comes back: bytes to a ``ParsedReport``."""

from collections.abc import Mapping
from typing import Any

from postroad.errors import MessageError
from postroad.reports.auto_reply import is_auto_reply
from postroad.reports.bounce import read_bounce, report_of
from postroad.reports.classes import Action, BounceClass
from postroad.reports.dmarc_failure import read_failure_report
from postroad.reports.feedback_details import details_of
from postroad.reports.feedback_report import FeedbackReport, read_feedback_report
from postroad.reports.mail import Part, read_mail
from postroad.reports.notice_text import addresses_in
from postroad.reports.report import ParsedReport, ReportEvent, ReportKind
from postroad.reports.report_file import Report, report_in_file, report_in_forwarded, report_in_mail
from postroad.reports.ses_notification import read_ses_notification
from postroad.reports.tls_rpt import TlsReport

_REASONS = {"abuse": "abuse", "fraud": "fraud", "virus": "virus_report", "not-spam": "not_spam", "opt-out": "opt_out",
    "opt-out-list": "opt_out"}  # fmt: skip


def parse(data: bytes) -> ParsedReport:
    """Read a mail or a report file. Any bytes give a report: where they cannot be read, one of kind ``error``."""
    try:
        report = report_in_file(data) if data else None
        return _aggregate(report) if report is not None else _of_mail(read_mail(data))
    except MessageError as refused:
        return ParsedReport(ReportKind.ERROR, fault=refused)


def _of_mail(mail: Part) -> ParsedReport:
    # The order of evidence: reports in their own formats, a notice of a server, an answer by a machine.
    complaint = read_feedback_report(mail)
    # Exim's own form of a failure report is none; nothing else is looked through for it.
    failure = read_failure_report(mail) if complaint is not None or b"DMARC" in mail.body else None
    if failure is not None:
        return ParsedReport(ReportKind.DMARC_FAILURE, report=failure.as_json())
    if complaint is not None:
        return _complaint(complaint, details_of(complaint, mail).as_json())
    report = report_in_mail(mail)
    if report is not None:
        return _aggregate(report)
    told = _ses(mail) or read_bounce(mail)
    if told is not None:
        return told
    if is_auto_reply(mail):
        return _auto_reply(mail)
    forwarded = report_in_forwarded(mail)
    return _aggregate(forwarded) if forwarded is not None else ParsedReport(ReportKind.NONE)


def _aggregate(report: Report) -> ParsedReport:
    kind = ReportKind.TLS_RPT if isinstance(report, TlsReport) else ReportKind.DMARC
    return ParsedReport(kind, report=report.as_json())


def _complaint(report: FeedbackReport, details: Mapping[str, Any] | None = None) -> ParsedReport:
    reason = _REASONS.get(report.feedback_type, "complaint")
    action = Action.IGNORE if reason == "not_spam" else Action.COMPLAINT
    message_id = report.returned.first("message-id") if report.returned is not None else ""
    return ParsedReport(ReportKind.COMPLAINT, tuple(
        ReportEvent(recipient, BounceClass.COMPLAINT, reason, action, message_id=message_id,
                    feedback_type=report.feedback_type, confidence=1.0)
        for recipient in report.recipients or ("",)
    ), details)  # fmt: skip


def _ses(mail: Part) -> ParsedReport | None:
    """A notification of Amazon SES that came by mail."""
    if mail.parts or "sns.amazonaws.com" not in mail.first("from").lower():
        return None
    statuses = read_ses_notification(mail.text())
    if statuses is None:
        return None
    if any(status.action == "complaint" for status in statuses):
        recipients = tuple(status.recipient for status in statuses)
        return _complaint(FeedbackReport(statuses[0].diagnostic, (), recipients, None))
    return report_of(statuses)


def _auto_reply(mail: Part) -> ParsedReport:
    author = next(iter(addresses_in(mail.first("from"))), "")
    answered = mail.first("in-reply-to") or mail.first("references").rpartition(" ")[2]
    event = ReportEvent(
        author, BounceClass.AUTOREPLY, "auto_reply", Action.IGNORE, message_id=answered, confidence=1.0
    )  # fmt: skip
    return ParsedReport(ReportKind.AUTOREPLY, (event,))
