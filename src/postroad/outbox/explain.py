"""Why mail to an address or a domain is where it is: gathers the facts; ``reasons`` decides."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from postroad.address import Address, normal_domain
from postroad.clock import as_datetime
from postroad.database.batch import Query
from postroad.database.server_time import TimeOfDatabase
from postroad.database.tables import worker
from postroad.outbox.concerned import (
    Concerned,
    Leased,
    Row,
    before,
    companions,
    leased,
    of_address,
    of_domain,
    suppressed_by,
)
from postroad.outbox.explanation import Explained, Explanation, LimitShown, RoadShown, WorkerShown
from postroad.outbox.facts import Door, Facts, Hand, Learnt, Rested, Road
from postroad.outbox.liveness import GIVEN_UP_AFTER
from postroad.outbox.override import Override, overrides, shown
from postroad.outbox.reasons import connections_of, why
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.site_table import known_sites
from postroad.outbox.standing import WorkerSeen, workers_seen
from postroad.outbox.states import DeliveryState
from postroad.outbox.stream_table import declared
from postroad.outbox.suppress import key_of
from postroad.outbox.suspend import ROUTE, Suspension, suspensions
from postroad.suppression.entry import Suppression
from postroad.suppression.list import Suppressed, find, suppressed

Thing = tuple[str, str]

_ALIVE = Query(
    select(worker.c.id, (TimeOfDatabase() - worker.c.heartbeat_at).label("silent")).where(
        worker.c.heartbeat_at > TimeOfDatabase() - bindparam("patience")
    )
)


class Subject(NamedTuple):
    """What is asked about: an address, or a domain."""

    name: str
    domain: str
    address: Address | None


def read_subject(name: str) -> Subject:
    """What a caller asks about.

    Raises:
        AddressError: it is neither an address nor a domain.
    """
    if "@" in name.strip().removeprefix("@"):
        address = Address.parse(name)
        return Subject(address.addr_spec, address.domain, address)
    domain = normal_domain(name.strip())
    return Subject(domain, domain, None)


def explain(connection: Connection, subject: Subject, now: float) -> Explanation:
    """Why the mail of a subject is where it is."""
    if subject.address is None:
        concerned = of_domain(connection, subject.domain, now)
        listed: tuple[Suppression, ...] = ()
    else:
        concerned = of_address(connection, subject.address, now)
        listed = find(connection, subject.address.key, now)
    scene = _scene(connection, concerned, now)
    things = scene.things(subject, concerned.rows)
    return Explanation(
        subject=subject.name,
        domain=subject.domain,
        site=scene.site(subject.domain),
        at=as_datetime(now),
        workers=tuple([_worker(one) for one in scene.workers if one.id in scene.alive]),
        limits=tuple([limit for one in scene.workers if one.id in scene.alive for limit in scene.limits(one, things)]),
        overrides=tuple([shown(one) for one in scene.overrides.values() if (one.scope, one.key) in things]),
        suspensions=tuple([one for one in scene.suspensions if (one.scope, one.key) in things]),
        suppressions=listed,
        counts=MappingProxyType(concerned.counts),
        counted_all=not concerned.more,
        deliveries=tuple([scene.explained(row) for row in concerned.rows]),
    )


# ── the scene ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that was read, at one moment."""

    connection: Connection
    now: float
    workers: tuple[WorkerSeen, ...]
    alive: frozenset[str]
    suspensions: tuple[Suspension, ...]
    overrides: Mapping[Thing, Override]
    sites: Mapping[str, str]
    suppressed: Suppressed
    ended_by: Mapping[int, str]
    in_hands: tuple[Leased, ...]

    def site(self, domain: str) -> str:
        return self.sites.get(domain, domain)

    def things(self, subject: Subject, rows: tuple[Row, ...]) -> set[Thing]:
        """What limits and rests could concern the subject by."""
        things: set[Thing] = {(Scope.DOMAIN, subject.domain), (Scope.SITE, self.site(subject.domain))}
        for one in self.workers:
            if one.id in self.alive:
                things |= _own_things(one) | {(ROUTE, one.route)}
        for row in rows:
            if not row.final:
                things |= self._on_its_way(row.domain, row.stream, row.mail_from)
        return things

    def _on_its_way(self, domain: str, stream: str, mail_from: str | None) -> set[Thing]:
        things: set[Thing] = {(Scope.DOMAIN, domain), (Scope.SITE, self.site(domain)), (Scope.STREAM, stream)}
        return things if mail_from is None else things | {(Scope.SENDER, mail_from.rpartition("@")[2].lower())}

    def explained(self, row: Row) -> Explained:
        """A delivery with its reason."""
        said = why(self.facts(row))
        return Explained(
            id=row.message_id,
            recipient=row.recipient,
            stream=row.stream,
            state=row.state_at(self.now),
            attempts=row.attempts,
            reason=said.reason,
            sentence=said.sentence,
            next_try=None if said.next_try is None else as_datetime(said.next_try),
            code=row.code,
            enhanced=row.enhanced,
            text=row.text,
        )

    def facts(self, row: Row) -> Facts:
        """What is known of a delivery."""
        state = row.state_at(self.now)
        waits = state in (DeliveryState.READY, DeliveryState.SCHEDULED)
        return Facts(
            now=self.now,
            state=state,
            due_at=row.due_at,
            changed_at=row.changed_at,
            attempts=row.attempts,
            expires_at=row.expires_at,
            reply=" ".join(str(part) for part in (row.code, row.enhanced, row.text) if part),
            phase=row.phase,
            assumed=bool(row.assumed),
            policy=str(declared(self.connection)[row.stream].uncertain),
            listed=self._listed(row),
            rests=self._rests(self._on_its_way(row.domain, row.stream, None)),
            rests_of_others=self._rests_of_others(row) if waits else (),
            flying_since=row.flying_since,
            owner=next((self._hand(one, row) for one in self.workers if one.id == row.owner), None),
            hands=tuple([self._hand(one, row) for one in self.workers if one.id in self.alive]),
            before=before(self.connection, row) if waits and row.due_at <= self.now else 0,
        )

    def _listed(self, row: Row) -> str | None:
        if row.final:
            reason = json.loads(self.ended_by.get(row.id, "{}")).get("reason")
            return None if reason is None else str(reason)
        return self.suppressed.reason(key_of(row.recipient, row.recipient_key), row.stream, self.now)

    def _rests(self, things: set[Thing]) -> tuple[Rested, ...]:
        return tuple([_rested(one) for one in self.suspensions if (one.scope, one.key) in things])

    def _rests_of_others(self, row: Row) -> tuple[Rested, ...]:
        """What rests of those who get the same message, where every worker sends it to all of them or to nobody."""
        alive = [one for one in self.workers if one.id in self.alive]
        if not self.suspensions or not alive or not all(one.standing.get("whole") for one in alive):
            return ()
        own = self._on_its_way(row.domain, row.stream, None)
        theirs = (self._on_its_way(*other, None) for other in companions(self.connection, row))
        return self._rests(set().union(*theirs) - own)

    def _hand(self, one: WorkerSeen, row: Row) -> Hand:
        own = _own_things(one)
        passed = self._on_its_way(row.domain, row.stream, row.mail_from) | own
        faults = self._rests({(ROUTE, one.route)})
        return Hand(
            name=one.id,
            alive=one.id in self.alive,
            rests=self._rests(own),
            fault=faults[0] if faults else None,
            roads=tuple([_road(road) for road in one.standing.get("roads", ())]),
            doors=tuple([self._door(one, gate, row) for gate in _gates(one) if _thing(gate) in passed]),
            alone=len(self.alive) < _SEVERAL,
        )

    def _door(self, one: WorkerSeen, gate: dict[str, Any], row: Row) -> Door:
        override = self.overrides.get(_thing(gate))
        learnt = None if override is None else Learnt(override.until, override.limits, override.who, override.why)
        passing = self._passing(one, _thing(gate))
        full, inside = _pool_is_full(gate), gate["inside"]
        return Door(
            gate["scope"], gate["key"], gate["limits"], connections_of(gate["limits"]) or 0 if full else inside,
            _messages(passing) - inside, "connections" if full else gate["why"], gate["opens_at"], gate["ceiling"],
            learnt, _messages(other for other in passing if (other.priority, other.id) < (row.priority, row.id)),
        )  # fmt: skip

    def _passing(self, one: WorkerSeen, thing: Thing) -> list[Leased]:
        """What a worker has in its hands that passes this gate, or is inside."""
        everything = thing in _own_things(one)
        return [
            other
            for other in self.in_hands
            if other.owner == one.id
            and (everything or thing in self._on_its_way(other.domain, other.stream, other.mail_from))
        ]

    def limits(self, one: WorkerSeen, things: set[Thing]) -> list[LimitShown]:
        """What a worker keeps to, of these things."""
        return [_limit(one, gate, self._passing(one, _thing(gate))) for gate in _gates(one) if _thing(gate) in things]


_SEVERAL: Final = 2


def _scene(connection: Connection, concerned: Concerned, now: float) -> _Scene:
    rows = concerned.rows
    ended = [row.id for row in rows if row.state == DeliveryState.SUPPRESSED]
    waiting = [key_of(row.recipient, row.recipient_key) for row in rows if not row.final]
    alive = {str(id_) for id_, _ in _ALIVE.rows(connection, now=now, patience=GIVEN_UP_AFTER)}
    return _Scene(
        connection=connection,
        now=now,
        workers=workers_seen(connection),
        alive=frozenset(alive),
        suspensions=suspensions(connection, now),
        overrides={(one.scope, one.key): one for one in overrides(connection, now)},
        sites=known_sites(connection),
        suppressed=suppressed(connection, waiting) if waiting else Suppressed(),
        ended_by=suppressed_by(connection, ended) if ended else {},
        in_hands=leased(connection),
    )


def _own_things(one: WorkerSeen) -> set[Thing]:
    """The account and the source address that everything of a worker passes."""
    standing = one.standing
    things = {(str(Scope.ACCOUNT), str(standing.get("account") or one.route))}
    if standing.get("source"):
        things.add((str(Scope.SOURCE), str(standing["source"])))
    return things


def _gates(one: WorkerSeen) -> list[dict[str, Any]]:
    return list(one.standing.get("gates", ()))


def _thing(gate: dict[str, Any]) -> Thing:
    return gate["scope"], gate["key"]


def _messages(passing: Iterable[Leased]) -> int:
    return len({one.message_id for one in passing})


def _pool_is_full(gate: dict[str, Any]) -> bool:
    """Whether more are inside an account than it may have connections: the transport's pool has them wait."""
    connections = connections_of(gate["limits"])
    full = connections is not None and gate["inside"] > connections
    return full and gate["scope"] == Scope.ACCOUNT and gate["why"] is None


def _rested(one: Suspension) -> Rested:
    return Rested(one.scope, one.key, None if one.until is None else one.until.timestamp(), one.who, one.why)


def _road(road: dict[str, Any]) -> Road:
    return Road(road["route"], road["until"] if road["breaker"] == "open" else None, road["why"] or "")


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _worker(one: WorkerSeen) -> WorkerShown:
    standing = one.standing
    return WorkerShown(
        id=one.id,
        host=one.host,
        pid=one.pid,
        route=one.route,
        account=str(standing.get("account") or one.route),
        source=str(standing.get("source") or ""),
        heard_at=as_datetime(one.heartbeat_at),
        roads=tuple([_road_shown(road) for road in standing.get("roads", ())]),
    )


def _road_shown(road: dict[str, Any]) -> RoadShown:
    until = None if road["until"] is None else as_datetime(road["until"])
    return RoadShown(road["route"], road["breaker"], until, road["why"] or "")


def _limit(one: WorkerSeen, gate: dict[str, Any], passing: list[Leased]) -> LimitShown:
    return LimitShown(
        worker=one.id,
        scope=gate["scope"],
        key=gate["key"],
        limits=gate["limits"],
        inside=gate["inside"],
        waiting=max(0, _messages(passing) - gate["inside"]),
        why="connections" if _pool_is_full(gate) else gate["why"],
        opens_at=None if gate["opens_at"] is None else as_datetime(gate["opens_at"]),
        ceiling=gate["ceiling"],
    )
