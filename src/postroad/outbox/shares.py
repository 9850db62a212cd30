"""Who divides an account's or a stream's limits with whom: written down by each worker, in one order for all.

See ``shaping.share``: nobody takes more before somebody else has said that it keeps to less.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Double, Integer, Text, bindparam, delete, func, insert, literal_column, select

from postroad.database.batch import Query, Statement
from postroad.database.driver import execute
from postroad.database.given import given
from postroad.database.server_time import TimeOfDatabase
from postroad.database.tables import share, worker
from postroad.outbox.shaping.share import NOTHING_YET, Share

# Taken while shares are divided. The number is arbitrary and ours: "pr-share" in ASCII.
_LOCK: Final = int.from_bytes(b"pr-share")

Thing = tuple[str, str]


class Division(NamedTuple):
    """A worker's question for its parts; ``kept`` is by what number it keeps to each (0: it uses nothing yet)."""

    worker: str
    kept: tuple[tuple[Thing, int], ...]
    now: float
    patience: float  # seconds of silence after which another worker is dead


_alive = select(worker.c.id).where(worker.c.heartbeat_at > TimeOfDatabase() - bindparam("patience", type_=Double))
_COLUMNS: Final = {"worker": Text, "scope": Text, "key": Text, "divisor": Integer}
_SET = Statement(
    insert(share).from_select(
        list(_COLUMNS), select(given(**_COLUMNS)).where(literal_column("true")), include_defaults=False
    ),
    suffix=" ON CONFLICT (worker, scope, key) DO UPDATE SET divisor = excluded.divisor",
)
_OF = Query(
    select(share.c.worker, share.c.divisor)
    .where(share.c.scope == bindparam("scope"), share.c.key == bindparam("key"), share.c.worker.in_(_alive))
    .order_by(share.c.worker)
)
_DEAD = Statement(delete(share).where(share.c.worker.not_in(select(worker.c.id))))
_SHARERS = Query(select(func.count().label("number")).select_from(share))


class Parts(NamedTuple):
    """A worker's parts, and how many there are in all: as long as that stays the same, nobody has come or gone."""

    parts: tuple[tuple[Thing, Share], ...]
    sharers: int


def divide(connection: Connection, divisions: Sequence[Division]) -> list[Parts | Exception]:
    """Everybody's parts."""
    execute(connection, f"SELECT pg_advisory_xact_lock({_LOCK})")
    _DEAD.run(connection)
    found = [tuple([(thing, _part(connection, one, thing, kept)) for thing, kept in one.kept]) for one in divisions]
    return [Parts(parts, sharers(connection)) for parts in found]


def _part(connection: Connection, division: Division, thing: Thing, kept: int) -> Share:
    who: dict[str, Any] = {"scope": thing[0], "key": thing[1], "now": division.now, "patience": division.patience}
    _SET.run(connection, [(division.worker, *thing, kept)])
    found = [(name, number) for name, number in _OF.rows(connection, **who)]
    if division.worker not in dict(found):  # the others have given this worker up; it will come back, or end
        return NOTHING_YET
    part = Share.among(division.worker, found)
    # What is more than before is taken from here on; what is less, only when the worker says that it keeps to it.
    if part.useful and (kept == 0 or kept > part.of):
        _SET.run(connection, [(division.worker, *thing, part.of)])
    return part


def sharers(connection: Connection) -> int:
    """How many parts there are."""
    return int(_SHARERS.rows(connection)[0][0])
