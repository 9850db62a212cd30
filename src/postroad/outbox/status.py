"""What the outbox answers when it is asked: values for people and programs, each with its JSON form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from postroad.clock import as_datetime
from postroad.events import EventKind
from postroad.outbox.states import DeliveryState
from postroad.outbox.suspend import Suspension

_TIMES: Final = frozenset({"due_at", "until"})  # in the details of events, where they are seconds since the epoch


def detail_as_json(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The details of an event as JSON types, with its times as texts like all other times."""
    return {name: _moment(value) if name in _TIMES else value for name, value in detail.items()}


def _moment(value: object) -> object:
    return as_datetime(value).isoformat() if isinstance(value, float) else value


@dataclass(frozen=True, slots=True)
class AttemptStatus:
    """One try: when, by which route, and what the server said. ``result`` is accepted, refused or unknown.

    ``bounce_class`` and ``reason`` are what a refusal means (see ``postroad explain``). Of a route made of several,
    ``roads`` are those that were taken, each with why it went on to the next. ``remote_id`` is the name that an
    email API gave the message.
    """

    number: int
    route: str
    started_at: datetime
    ended_at: datetime
    result: str
    code: int | None
    enhanced: str | None
    phase: str
    text: str
    bounce_class: str | None = None
    reason: str | None = None
    roads: tuple[tuple[str, str | None], ...] = ()
    remote_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The attempt as JSON types."""
        return {
            "number": self.number, "route": self.route, "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat(), "result": self.result, "code": self.code,
            "enhanced": self.enhanced, "phase": self.phase, "text": self.text, "class": self.bounce_class,
            "reason": self.reason, "roads": [{"route": route, "error": error} for route, error in self.roads],
            "remote_id": self.remote_id,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventStatus:
    """One change of a delivery's state."""

    kind: EventKind
    at: datetime
    detail: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The event as JSON types."""
        return {"kind": str(self.kind), "at": self.at.isoformat(), "detail": detail_as_json(self.detail)}


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """Where one recipient's delivery stands, and how it came to that.

    ``due_at`` is when it is tried next, ``None`` where nothing is planned. ``code``, ``enhanced``, ``phase`` and
    ``text`` are the last attempt's. ``uncertain_ever``: once no answer to the final dot was on record, so there may be
    a double. ``assumed``: sent by policy, not by a reply. ``number`` tells a message's deliveries apart; a retry of a
    final one is a new delivery, whose ``retry_of`` is the number of the first.
    """

    number: int
    recipient: str
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    code: int | None
    enhanced: str | None
    phase: str | None
    text: str | None
    uncertain_ever: bool
    assumed: bool
    retry_of: int | None
    history: tuple[AttemptStatus, ...] = ()
    events: tuple[EventStatus, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The delivery as JSON types."""
        return {
            "number": self.number, "recipient": self.recipient, "state": str(self.state), "attempts": self.attempts,
            "due_at": _text(self.due_at), "code": self.code, "enhanced": self.enhanced, "phase": self.phase,
            "text": self.text, "uncertain_ever": self.uncertain_ever, "assumed": self.assumed,
            "retry_of": self.retry_of, "history": [one.as_dict() for one in self.history],
            "events": [one.as_dict() for one in self.events],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """A message, and where it stands with each recipient. Times are aware, in UTC; ``size`` is in octets."""

    id: str
    message_id: str | None
    stream: str
    mail_from: str | None
    subject: str
    size: int
    tags: tuple[str, ...]
    metadata: Mapping[str, str]
    idempotency_key: str | None
    created_at: datetime
    send_at: datetime | None
    expires_at: datetime | None
    recipients: tuple[DeliveryStatus, ...]

    def as_dict(self) -> dict[str, Any]:
        """The message as JSON types."""
        return {
            "id": self.id, "message_id": self.message_id, "stream": self.stream, "mail_from": self.mail_from,
            "subject": self.subject, "size": self.size, "tags": list(self.tags), "metadata": dict(self.metadata),
            "idempotency_key": self.idempotency_key, "created_at": self.created_at.isoformat(),
            "send_at": _text(self.send_at), "expires_at": _text(self.expires_at),
            "recipients": [one.as_dict() for one in self.recipients],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A delivery in a list, with what tells its message apart. ``id`` is the message's."""

    id: str
    recipient: str
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    code: int | None
    text: str | None
    uncertain_ever: bool
    stream: str
    mail_from: str | None
    subject: str
    created_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON types."""
        return {
            "id": self.id, "recipient": self.recipient, "state": str(self.state), "attempts": self.attempts,
            "due_at": _text(self.due_at), "code": self.code, "text": self.text,
            "uncertain_ever": self.uncertain_ever, "stream": self.stream, "mail_from": self.mail_from,
            "subject": self.subject, "created_at": self.created_at.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class SiteStats:
    """What waits for one site. ``ready`` counts what is due now or was deferred, ``scheduled`` what is not due yet.

    ``oldest_ready_seconds`` is how long the one that is due longest has been due, ``None`` where nothing is due.
    ``suspension`` is what keeps the site, or all of its domains that something waits for, from being tried now.
    """

    site: str
    ready: int
    scheduled: int
    oldest_ready_seconds: float | None
    suspension: Suspension | None

    def as_dict(self) -> dict[str, Any]:
        """The numbers as JSON types."""
        suspension = None if self.suspension is None else self.suspension.as_dict()
        return {
            "site": self.site, "ready": self.ready, "scheduled": self.scheduled,
            "oldest_ready_seconds": self.oldest_ready_seconds, "suspended": self.suspension is not None,
            "suspension": suspension,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """The outbox in numbers. ``states`` counts recipients and names every state, also those nobody is in.

    ``oldest_ready_seconds`` is how long the delivery that is due longest has been due, ``None`` where nothing is due.
    ``uncertain_ever`` counts the deliveries of which there may be a double. ``suspensions`` says what rests, and why.
    ``sites`` is there if it was asked for: where something waits, the longest queue first.
    """

    states: Mapping[str, int]
    oldest_ready_seconds: float | None
    uncertain_ever: int
    suspensions: tuple[Suspension, ...]
    sites: tuple[SiteStats, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The numbers as JSON types."""
        sites = {} if self.sites is None else {"sites": [one.as_dict() for one in self.sites]}
        return {
            "states": dict(self.states), "oldest_ready_seconds": self.oldest_ready_seconds,
            "uncertain_ever": self.uncertain_ever, "suspensions": [one.as_dict() for one in self.suspensions], **sites,
        }  # fmt: skip


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
