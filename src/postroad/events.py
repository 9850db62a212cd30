"""The vocabulary of what is learnt about a message; one word for each thing that can happen to a recipient."""

from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any


class EventKind(Enum):
    """What happened. The values are stored and shown; they never change their meaning."""

    QUEUED = "queued"  # accepted durably into the outbox
    SENT = "sent"  # the next hop took it
    DEFERRED = "deferred"  # refused for now; tried again later
    REFUSED = "refused"  # refused for good
    EXPIRED = "expired"  # its time was used up
    UNCERTAIN = "uncertain"  # the final dot went out, no answer was recorded
    CANCELLED = "cancelled"
    RETRIED = "retried"  # somebody asked for it to be tried again
    HELD = "held"  # somebody wants to decide about it first
    RELEASED = "released"  # and has decided
    SUPPRESSED = "suppressed"  # its recipient gets no mail from us
    PAUSED = "paused"  # nothing of a domain, site or stream is tried for a while; of no recipient in particular
    RESUMED = "resumed"
    # What is learnt afterwards, from notices, complaints and webhooks. The words are those that providers agree upon.
    DELIVERED = "delivered"  # the recipient's server took it
    DELAYED = "delayed"  # a server on the way has it, and goes on trying
    BOUNCED = "bounced"  # a server on the way gave up
    REJECTED = "rejected"  # a provider did not try: an address on its list, or not to its liking
    FAILED = "failed"  # a provider could not make a message of it
    COMPLAINED = "complained"  # the recipient called it spam
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    AUTOREPLIED = "autoreplied"  # a machine answered for the recipient
    UNKNOWN = "unknown"  # a provider's word that is not known here

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, to one recipient or to a whole message, at ``at`` (seconds since the epoch, UTC)."""

    kind: EventKind
    at: float
    message_id: str
    recipient: str | None = None
    detail: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))
