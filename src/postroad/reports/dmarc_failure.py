"""DMARC failure reports (RFC 9991, RFC 6591): one message that failed authentication, told at once.

Some versions of Exim send no feedback report but a text of their own form in a multipart/report: it is read as well.
"""

import re
from dataclasses import replace
from typing import Final

from postroad.message.received import read_date
from postroad.reports.containers import refuse
from postroad.reports.feedback_details import FeedbackDetails, Original, address_in, details_of
from postroad.reports.feedback_report import header_of, read_feedback_report
from postroad.reports.mail import Part

_ADVICE: Final = "Ask the reporter for it again, and tell them what is wrong with it."
_EXIM_LINE: Final = re.compile(r"^ {2}([A-Z][A-Za-z]+(?: [A-Za-z]+){1,2}): ?(.*)$", re.MULTILINE)
_EXIM_FIELDS: Final = frozenset({"Sender Domain", "Sender IP Address", "DMARC Results"})


def read_failure_report(mail: Part) -> FeedbackDetails | None:
    """The failure report in a mail that was read; ``None`` where it has none.

    Raises:
        MessageError: it says that it is one, and names neither domain nor address.
    """
    report = read_feedback_report(mail)
    if report is None:
        return _exim_report(mail)
    if report.feedback_type != "auth-failure":
        return None
    details = details_of(report, mail)
    if not details.reported_domain and details.source_ip is None:
        refuse("the failure report names neither Reported-Domain nor Source-IP", _ADVICE)
    return replace(details, deviations=(*details.deviations, *_missing(details)))


def _missing(report: FeedbackDetails) -> list[str]:
    """What RFC 6591 §3.1 and RFC 9991 §4 ask for."""
    wanted = {
        "Auth-Failure": report.auth_failure,
        "Reported-Domain": report.reported_domain,
        "Source-IP": report.source_ip,
        "Version": report.version,
        "User-Agent": report.user_agent,
    }
    missing = [name for name, value in wanted.items() if not value]
    if report.auth_failure == "dmarc" and report.identity_alignment is None:
        missing.append("Identity-Alignment")
    return [f"{name} is missing" for name in missing]


def _exim_report(mail: Part) -> FeedbackDetails | None:
    if mail.essence != "multipart/report" or not mail.parts or mail.parts[0].essence != "text/plain":
        return None
    said, ruler, rest = mail.parts[0].text().partition("\n------ ")
    given = {found[1]: found[2].strip() for found in _EXIM_LINE.finditer(said)}
    if not given.keys() >= _EXIM_FIELDS:
        return None
    headers = rest.partition("\n")[2].lstrip("\n") if ruler else ""
    failed = [word for word in ("dkim", "spf") if given.get(f"{word.upper()} Alignment", "").lower() == "no"]
    return FeedbackDetails(
        feedback_type="auth-failure",
        arrival_date=read_date(given.get("Received date", "")),
        reported_domain=(given["Sender Domain"].lower(),),
        source_ip=address_in(given["Sender IP Address"]),
        auth_failure="dmarc",
        identity_alignment=tuple(failed),
        original=Original.of(header_of(headers)) if headers else None,
        headers=headers or None,
        deviations=("it is a text as Exim writes it, no feedback report",),
    )
