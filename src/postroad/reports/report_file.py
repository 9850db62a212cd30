"""Finds an aggregate report about DMARC or TLS: in a file as it stands, attached to a mail, or to a forwarded one.

Each of the three doors gives a typed report with ``as_json()``.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from postroad.errors import MessageError
from postroad.reports.containers import is_archive, is_bare, unpacked
from postroad.reports.dmarc_aggregate import AggregateReport
from postroad.reports.dmarc_xml import read_aggregate
from postroad.reports.mail import Part
from postroad.reports.tls_json import read_tls_report
from postroad.reports.tls_rpt import TlsReport

Report = AggregateReport | TlsReport

_MESSAGES: Final = frozenset({"message/rfc822", "message/global"})
MAX_ATTACHED: Final = 20  # attachments of a mail that are looked into; a report comes alone

_TYPES: Final = re.compile(  # RFC 7489 §7.2.1.1, RFC 8460 §6.4 and §6.5; and what is sent instead
    r"(?:application|text)/(?:x-)?(?:gzip|zip|xml|json|tlsrpt\+(?:gzip|json)|zip-compressed|compressed|octet-stream)"
)
_NAMES: Final = re.compile(r".*\.(?:xml|json|gz|zip)", re.IGNORECASE | re.DOTALL)
# RFC 7489 §7.2.1.1 and RFC 8460 §5.1: receiver!domain!begin!end, and perhaps a number of the report.
_REPORT_NAME: Final = re.compile(r"[^!]*![^!]+!\d+!\d+(?:![^!]*|\.[^!]*)?", re.DOTALL)
_SUBJECT: Final = re.compile(r"report\s+domain:.*submitter:", re.IGNORECASE | re.DOTALL)


def report_in_file(octets: bytes) -> Report | None:
    """The report that a file is, bare or packed; ``None`` where it is neither XML nor JSON nor an archive: a mail.

    Raises:
        MessageError: it looks like a report and is broken, too large, or none.
    """
    return _read(octets) if is_archive(octets) or is_bare(octets) else None


def report_in_mail(mail: Part) -> Report | None:
    """The first report that is attached to a mail; ``None`` where there is none.

    A message within the mail is not looked into: a bounce may bring back a report that we sent.

    Raises:
        MessageError: the mail says that it brings a report, and what it brings is broken, too large, or none.
    """
    first_fault = None
    attached = list(islice(_attached(mail), MAX_ATTACHED))
    for part in attached:
        try:
            return _read(part.content())
        except MessageError as fault:
            if first_fault is None or _is_named_as_report(part):
                first_fault = fault
    if first_fault is not None and (_says_report(mail) or any(map(_is_named_as_report, attached))):
        raise first_fault
    return None


def report_in_forwarded(mail: Part) -> Report | None:
    """The first report in the messages that a mail brings along; ``None`` where there is none that can be read.

    To be asked last, when the mail is known to be no bounce.
    """
    for part in mail.walk():
        if part.essence in _MESSAGES and part.parts:
            try:
                report = report_in_mail(part.parts[0])
            except MessageError:
                continue
            if report is not None:
                return report
    return None


def _read(octets: bytes) -> Report:
    report = unpacked(octets)
    if _is_json(report):
        return read_tls_report(report)
    return read_aggregate(report)


def _is_json(report: bytes) -> bool:
    return report.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").lstrip(b" \t\r\n\0\xfe\xff")[:1] == b"{"


def _attached(mail: Part) -> Iterator[Part]:
    """What may hold a report: what is attached, and XML in the text itself."""
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        if part.essence.startswith("multipart/"):
            waiting.extend(reversed(part.parts))
        elif part.essence not in _MESSAGES and _may_hold_report(part):
            yield part


def _may_hold_report(part: Part) -> bool:
    if part.essence == "text/plain" and not part.filename:
        return part.body.lstrip().startswith((b"<?xml", b"<feedback"))
    return _TYPES.fullmatch(part.essence) is not None or _NAMES.fullmatch(part.filename) is not None


def _is_named_as_report(part: Part) -> bool:
    return _REPORT_NAME.fullmatch(part.filename) is not None or "tlsrpt" in part.essence


def _says_report(mail: Part) -> bool:
    """By its subject, its type, or a field of TLS reports."""
    return (
        _SUBJECT.search(mail.first("subject")) is not None
        or any(value.value.lower() == "tlsrpt" for value in mail.content_type.named("report-type"))
        or bool(mail.first("tls-report-domain"))  # RFC 8460 §5.3
    )
