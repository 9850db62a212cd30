"""What ``explain`` answers: values for people and programs, each with its JSON form. Times are aware, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from postroad.outbox.override import OverrideShown
from postroad.outbox.reasons import Reason
from postroad.outbox.states import DeliveryState
from postroad.outbox.suspend import Suspension
from postroad.suppression.entry import Suppression


@dataclass(frozen=True, slots=True)
class RoadShown:
    """One of the roads of a worker's composed route; ``until`` while its breaker keeps it out."""

    route: str
    breaker: str
    until: datetime | None
    why: str

    def as_dict(self) -> dict[str, Any]:
        """The road as JSON types."""
        return {"route": self.route, "breaker": self.breaker, "until": _text(self.until), "why": self.why}


@dataclass(frozen=True, slots=True)
class WorkerShown:
    """A worker that is alive. ``account`` is what it sends through, ``source`` the address it sends from, if chosen."""

    id: str
    host: str
    pid: int
    route: str
    account: str
    source: str
    heard_at: datetime
    roads: tuple[RoadShown, ...]

    def as_dict(self) -> dict[str, Any]:
        """The worker as JSON types."""
        return {
            "id": self.id, "host": self.host, "pid": self.pid, "route": self.route, "account": self.account,
            "source": self.source, "heard_at": _text(self.heard_at), "roads": [one.as_dict() for one in self.roads],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LimitShown:
    """Limits that a worker keeps to, as it last told: how many are inside and wait, and when the next may go.

    ``why`` is what keeps the next one back (rate, connections, allowance, share), ``None`` if nothing does.
    ``ceiling`` is what this day allows in all, where there is such a limit.
    """

    worker: str
    scope: str
    key: str
    limits: str
    inside: int
    waiting: int
    why: str | None
    opens_at: datetime | None
    ceiling: int | None

    def as_dict(self) -> dict[str, Any]:
        """The limits as JSON types."""
        return {
            "worker": self.worker, "scope": self.scope, "key": self.key, "limits": self.limits, "inside": self.inside,
            "waiting": self.waiting, "why": self.why, "opens_at": _text(self.opens_at), "ceiling": self.ceiling,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explained:
    """A delivery, and why it is where it is: ``reason`` in a stable word, ``sentence`` for people.

    ``next_try`` is when it can be tried next at the earliest; ``None`` if that is not a matter of time alone. ``code``,
    ``enhanced`` and ``text`` are the last reply. ``id`` is the message's.
    """

    id: str
    recipient: str
    stream: str
    state: DeliveryState
    attempts: int
    reason: Reason
    sentence: str
    next_try: datetime | None
    code: int | None
    enhanced: str | None
    text: str | None

    def as_dict(self) -> dict[str, Any]:
        """The delivery as JSON types."""
        return {
            "id": self.id, "recipient": self.recipient, "stream": self.stream, "state": str(self.state),
            "attempts": self.attempts, "reason": str(self.reason), "sentence": self.sentence,
            "next_try": _text(self.next_try), "code": self.code, "enhanced": self.enhanced, "text": self.text,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why mail to an address or a domain is where it is.

    ``counts`` says how many of its deliveries are in each state that is not final; unless ``counted_all``, there are
    more than ten thousand, and it is of those that were looked at. ``deliveries`` are some of those,
    the next due first, and behind them the last ones that reached a final state.
    """

    subject: str
    domain: str
    site: str
    at: datetime
    workers: tuple[WorkerShown, ...]
    limits: tuple[LimitShown, ...]
    overrides: tuple[OverrideShown, ...]
    suspensions: tuple[Suspension, ...]
    suppressions: tuple[Suppression, ...]
    counts: Mapping[str, int]
    counted_all: bool
    deliveries: tuple[Explained, ...]

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON types."""
        return {
            "subject": self.subject, "domain": self.domain, "site": self.site, "at": _text(self.at),
            "workers": [one.as_dict() for one in self.workers],
            "limits": [one.as_dict() for one in self.limits],
            "overrides": [one.as_dict() for one in self.overrides],
            "suspensions": [one.as_dict() for one in self.suspensions],
            "suppressions": [one.as_dict() for one in self.suppressions],
            "counts": dict(self.counts),
            "counted_all": self.counted_all,
            "deliveries": [one.as_dict() for one in self.deliveries],
        }  # fmt: skip


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
