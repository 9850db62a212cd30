"""All that a feedback report says, typed: a complaint (RFC 5965), or a failed authentication (RFC 6591, RFC 9991).

Words keep the RFC's spelling in lower case, addresses come without angle brackets, texts in one line. Whatever a report
says is the word of a stranger.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from postroad.message.received import read_date
from postroad.reports.deviations import Deviations, shown
from postroad.reports.feedback_report import FeedbackReport
from postroad.reports.mail import Part

MAX_FIELD: Final = 100_000  # characters of a field that are kept: DKIM-Canonicalized-Body holds a message

# RFC 6591 §3.1 and its registries, RFC 9991 §4.
_AUTH_FAILURES: Final = frozenset({"adsp", "bodyhash", "revoked", "signature", "spf", "dmarc"})
_DELIVERY_RESULTS: Final = frozenset({"delivered", "spam", "policy", "reject", "other"})
_HEADERS: Final = frozenset({"text/rfc822-headers", "message/rfc822-headers", "text/rfc822", "message/global-headers"})
_WHOLE: Final = re.compile(r"([0-9]{1,18})(?:\.0{1,9})?")


@dataclass(frozen=True, slots=True)
class Original:
    """The message that a report is about, as far as it came along."""

    message_id: str
    from_: str
    to: str
    subject: str
    date: str

    @classmethod
    def of(cls, message: Part) -> "Original":
        return cls(*[" ".join(message.first(name).split()) for name in ("message-id", "from", "to", "subject", "date")])

    def as_json(self) -> dict[str, Any]:
        """Its fields, for ``json.dumps``."""
        return {
            "message_id": self.message_id or None,
            "from": self.from_ or None,
            "to": self.to or None,
            "subject": self.subject or None,
            "date": self.date or None,
        }


@dataclass(frozen=True, slots=True)
class FeedbackDetails:
    """What a report says; empty, or None, is what it does not say.

    ``arrival_date`` is in UTC; ``headers`` is the original's header, where that came along alone.
    """

    feedback_type: str  # abuse, fraud, virus, not-spam, other, opt-out, auth-failure
    user_agent: str = ""
    version: str = ""
    arrival_date: datetime | None = None
    incidents: int = 1
    original_envelope_id: str = ""
    original_mail_from: str | None = None  # empty: the null sender
    original_rcpt_to: tuple[str, ...] = ()
    reported_domain: tuple[str, ...] = ()
    reported_uri: tuple[str, ...] = ()
    reporting_mta: str = ""
    source_ip: IPv4Address | IPv6Address | None = None
    source_port: int | None = None
    authentication_results: tuple[str, ...] = ()
    auth_failure: str = ""
    delivery_result: str = ""
    identity_alignment: tuple[str, ...] | None = None  # the mechanisms that failed to align (RFC 9991 §4)
    dkim_domain: str = ""
    dkim_identity: str = ""
    dkim_selector: str = ""
    dkim_selector_dns: str = ""
    dkim_canonicalized_header: str = ""  # base64
    dkim_canonicalized_body: str = ""  # base64
    dkim_adsp_dns: str = ""
    spf_dns: tuple[str, ...] = ()
    original: Original | None = None
    headers: str | None = None
    deviations: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The report in the words of the RFCs with ``_`` for ``-``, for ``json.dumps``; times in seconds since 1970."""
        recipients = list(self.original_rcpt_to)
        lists = ("reported_domain", "reported_uri", "authentication_results", "spf_dns")
        texts = (
            *("user_agent", "original_envelope_id", "reporting_mta", "auth_failure", "delivery_result"),
            *("dkim_domain", "dkim_identity", "dkim_selector", "dkim_selector_dns", "dkim_adsp_dns"),
            *("dkim_canonicalized_header", "dkim_canonicalized_body", "headers"),
        )
        return {
            "feedback_type": self.feedback_type or None,
            "version": int(found[1]) if (found := _WHOLE.fullmatch(self.version)) else self.version or None,
            "arrival_date": int(self.arrival_date.timestamp()) if self.arrival_date else None,
            "incidents": self.incidents,
            "original_mail_from": self.original_mail_from,
            "original_rcpt_to": recipients[0] if len(recipients) == 1 else recipients or None,
            "source_ip": str(self.source_ip) if self.source_ip else None,
            "source_port": self.source_port,
            "identity_alignment": None if self.identity_alignment is None else list(self.identity_alignment),
            **{name: list(getattr(self, name)) for name in lists},
            **{name: getattr(self, name) or None for name in texts},
            "original": self.original.as_json() if self.original else None,
            "deviations": list(self.deviations),
        }


def details_of(report: FeedbackReport, mail: Part) -> FeedbackDetails:
    """All fields of a report that was found in this mail."""
    fields = _Fields(report.fields)
    aligned = fields.text("identity-alignment").lower()
    return FeedbackDetails(
        feedback_type=report.feedback_type,
        user_agent=fields.text("user-agent"),
        version=fields.text("version"),
        arrival_date=fields.moment("arrival-date", "received-date"),  # the second in older reports
        incidents=fields.number("incidents", 10**17) or 1,
        original_envelope_id=fields.text("original-envelope-id"),
        original_mail_from=_mailbox(fields.text(name)) if fields.has(name := "original-mail-from") else None,
        original_rcpt_to=tuple([_mailbox(text) for text in fields.all("original-rcpt-to")]),
        reported_domain=tuple([text.lower().removesuffix(".") for text in fields.all("reported-domain")]),
        reported_uri=fields.all("reported-uri"),
        reporting_mta=fields.text("reporting-mta").rpartition(";")[2].strip(),  # RFC 3464 §2.2.2: type; name
        source_ip=fields.address("source-ip"),
        source_port=fields.number("source-port", 65_535),
        authentication_results=fields.all("authentication-results"),
        auth_failure=fields.word("auth-failure", _AUTH_FAILURES),
        delivery_result=fields.word("delivery-result", _DELIVERY_RESULTS),
        identity_alignment=_alignment(aligned) if aligned else None,
        dkim_domain=fields.text("dkim-domain"),
        dkim_identity=fields.text("dkim-identity"),
        dkim_selector=fields.text("dkim-selector"),
        dkim_selector_dns=fields.text("dkim-selector-dns"),
        dkim_canonicalized_header=fields.text("dkim-canonicalized-header").replace(" ", ""),
        dkim_canonicalized_body=fields.text("dkim-canonicalized-body").replace(" ", ""),
        dkim_adsp_dns=fields.text("dkim-adsp-dns"),
        spf_dns=fields.all("spf-dns"),
        original=Original.of(report.returned) if report.returned else None,
        headers=next((part.text() for part in mail.walk() if part.essence in _HEADERS), None),
        deviations=fields.deviations.sentences(),
    )


class _Fields:
    """The fields of a report, and what deviates in them."""

    def __init__(self, fields: tuple[tuple[str, str], ...]) -> None:
        self._fields = fields
        self.deviations = Deviations()

    def all(self, name: str) -> tuple[str, ...]:
        texts = [" ".join(value[:MAX_FIELD].split()) for known, value in self._fields if known == name]
        return tuple([text for text in texts if text])

    def has(self, name: str) -> bool:
        return any(known == name for known, _ in self._fields)

    def text(self, *names: str) -> str:
        """The first that is there under one of these names."""
        return next((text for name in names for text in self.all(name)), "")

    def word(self, name: str, known: frozenset[str]) -> str:
        text = self.text(name)
        if text and text.lower() not in known:
            self.deviations.add(f"{name} is {shown(text)}, a word that no RFC knows")
        return text.lower()

    def number(self, name: str, most: int) -> int | None:
        text = self.text(name)
        if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= most:
            return int(text)
        if text:
            self.deviations.add(f"{name} is {shown(text)}, no number up to {most}")
        return None

    def address(self, name: str) -> IPv4Address | IPv6Address | None:
        text = self.text(name)
        address = address_in(text)
        if text and address is None:
            self.deviations.add(f"{name} is {shown(text)}, no address")
        return address

    def moment(self, *names: str) -> datetime | None:
        text = self.text(*names)
        moment = read_date(text) if text else None
        if text and moment is None:
            self.deviations.add(f"{names[0]} is {shown(text)}, no date")
        return moment


def address_in(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address at the beginning of a text; some reporters name its host behind it."""
    try:
        return ip_address(text.partition(" ")[0].strip("[]").lower().removeprefix("ipv6:"))
    except ValueError:
        return None


def _mailbox(text: str) -> str:
    return text.removeprefix("<").removesuffix(">").strip()


def _alignment(text: str) -> tuple[str, ...]:
    """RFC 9991 §4: a list of mechanisms, or ``none``."""
    words = [word.strip() for word in text.split(",")]
    return () if words == ["none"] else tuple([word for word in words if word])
