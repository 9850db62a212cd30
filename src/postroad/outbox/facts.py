"""What is known of a delivery when somebody asks why it is where it is; ``reasons`` makes an answer of it."""

from dataclasses import dataclass
from typing import NamedTuple

from postroad.outbox.shaping.limits import Limits
from postroad.outbox.states import DeliveryState


class Rested(NamedTuple):
    """Something that rests; ``until`` ``None``: until somebody resumes it."""

    scope: str
    key: str
    until: float | None
    who: str
    why: str


class Learnt(NamedTuple):
    """An override."""

    until: float
    limits: Limits
    who: str
    why: str


class Door(NamedTuple):
    """A gate of a worker, as it last told: see ``standing``. ``learnt`` is the override of its scope and key.

    ``ahead`` counts what the worker has leased that goes through it before this delivery.
    """

    scope: str
    key: str
    limits: str
    inside: int
    waiting: int
    why: str | None
    opens_at: float | None
    ceiling: int | None
    learnt: Learnt | None = None
    ahead: int = 0


class Road(NamedTuple):
    """One of the roads of a composed route; ``until`` while its breaker keeps it out."""

    route: str
    until: float | None
    why: str


class Hand(NamedTuple):
    """A worker, as far as it concerns a delivery: its own rests, its route, and the gates on this delivery's way.

    ``alone``: no other worker is alive.
    """

    name: str
    alive: bool = True
    rests: tuple[Rested, ...] = ()
    fault: Rested | None = None
    roads: tuple[Road, ...] = ()
    doors: tuple[Door, ...] = ()
    alone: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a delivery; times are seconds since the epoch.

    ``reply`` is what was last heard, at ``phase``. ``listed`` is why the suppression list has its recipient. ``rests``
    concern its domain, site and stream; ``rests_of_others`` those of recipients without whom it does not go by any
    worker's route. ``before`` is how many of its lane are due before it.
    """

    now: float
    state: DeliveryState
    due_at: float
    changed_at: float
    attempts: int = 0
    expires_at: float | None = None
    reply: str = ""
    phase: str | None = None
    assumed: bool = False
    policy: str = "retry"
    listed: str | None = None
    rests: tuple[Rested, ...] = ()
    rests_of_others: tuple[Rested, ...] = ()
    flying_since: float | None = None
    owner: Hand | None = None
    hands: tuple[Hand, ...] = ()
    before: int = 0
