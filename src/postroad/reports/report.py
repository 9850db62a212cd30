"""What a mail that came back tells: its kind, and an event for each recipient."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from postroad.errors import MessageError
from postroad.events import EventKind
from postroad.reports.classes import Action, BounceClass


class ReportKind(StrEnum):
    """What kind of mail it is. The values are shown, and never change their meaning."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    DMARC = "dmarc"
    DMARC_FAILURE = "dmarc_failure"
    TLS_RPT = "tls_rpt"
    NONE = "none"  # an ordinary mail
    ERROR = "error"  # cannot be read

    __str__ = str.__str__

    @property
    def event(self) -> EventKind | None:
        """What it tells about a message, in the vocabulary of events; ``None`` where it speaks of none."""
        return _EVENTS.get(self)


_EVENTS: Final = MappingProxyType(
    {
        ReportKind.BOUNCE: EventKind.BOUNCED,
        ReportKind.COMPLAINT: EventKind.COMPLAINED,
        ReportKind.AUTOREPLY: EventKind.AUTOREPLIED,
        ReportKind.DELIVERED: EventKind.DELIVERED,
        ReportKind.DELAYED: EventKind.DELAYED,
    }
)


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """What is told of one recipient; empty is what the report does not tell.

    ``status`` and ``reply`` are the codes by which it was classified; ``message_id`` is that of the message that was
    sent, with its brackets. None of it may be believed before it is known that the message was ours.
    """

    recipient: str = ""
    bounce_class: BounceClass = BounceClass.UNKNOWN
    reason: str = "unknown"
    action: Action = Action.UNKNOWN
    status: str = ""
    reply: str = ""
    provider: str = ""
    remote_mta: str = ""
    diagnostic: str = ""
    message_id: str = ""
    feedback_type: str = ""
    confidence: float = 0.0
    rule: str = ""

    def as_json(self) -> dict[str, Any]:
        """The event as ``postroad report parse`` prints it; ``None`` stands for what is not told."""
        return {
            "recipient": self.recipient or None,
            "class": str(self.bounce_class),
            "reason": self.reason,
            "action": str(self.action),
            "status": self.status or None,
            "reply": self.reply or None,
            "provider": self.provider or None,
            "remote_mta": self.remote_mta or None,
            "diagnostic": self.diagnostic or None,
            "message_id": self.message_id or None,
            "feedback_type": self.feedback_type or None,
            "confidence": self.confidence,
            "rule": self.rule or None,
        }


@dataclass(frozen=True, slots=True)
class ParsedReport:
    """A mail, or a report file, read. ``report`` is the whole of a DMARC or TLS report, ``fault`` why it cannot be."""

    kind: ReportKind
    events: tuple[ReportEvent, ...] = ()
    report: Mapping[str, Any] | None = None
    fault: MessageError | None = None

    def as_json(self) -> dict[str, Any]:
        """The report as ``postroad report parse`` prints it."""
        document: dict[str, Any] = {"kind": str(self.kind), "events": [event.as_json() for event in self.events]}
        if self.report is not None:
            document["report"] = dict(self.report)
        if self.fault is not None:
            document["error"] = {
                "code": self.fault.slug,
                "message": self.fault.message,
                "advice": self.fault.advice,
                "retryable": False,
            }
        return document
