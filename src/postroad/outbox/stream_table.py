"""The streams that were declared, kept in the database so that every worker goes by them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, Text, insert, literal_column, select

from postroad.database.batch import Query, Statement
from postroad.database.given import given
from postroad.database.tables import stream
from postroad.outbox.stream import USUAL, Stream, StreamKind, UncertainPolicy
from postroad.retry import Schedule

_COLUMNS: Final = {"name": Text, "kind": Text, "uncertain": Text}
_ALL = Query(select(stream.c.name, stream.c.kind, stream.c.uncertain))
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_DECLARE = Statement(
    insert(stream).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, uncertain = excluded.uncertain",
)


class Streams:
    """What holds for each stream. With a ``schedule`` all of them are tried again by that, instead of their own."""

    def __init__(self, declared: dict[str, Stream] | None = None, schedule: Schedule | None = None) -> None:
        self._declared = {**USUAL, **(declared or {})}
        self._schedule = schedule
        self._known: dict[str, Stream] = {}

    def on(self, schedule: Schedule | None) -> "Streams":
        """The same streams on another schedule; ``None`` is their own."""
        return Streams(self._declared, schedule)

    def knows(self, name: str) -> bool:
        """Whether the stream is declared, or one of the usual ones."""
        return name in self._declared

    def __getitem__(self, name: str) -> Stream:
        known = self._known.get(name)
        if known is None:
            declared = self._declared.get(name) or Stream(name)
            known = self._known[name] = replace(declared, schedule=self._schedule)
        return known


def declare(connection: Connection, declarations: Sequence[tuple[Stream, ...]]) -> list[Exception | None]:
    """Write down what holds for streams; the last word counts."""
    latest = {one.name: one for streams in declarations for one in streams}
    rows = sorted((one.name, one.kind.value, one.uncertain.value) for one in latest.values())  # locked in one order
    _DECLARE.run(connection, rows)
    return [None] * len(declarations)


def declared(connection: Connection) -> Streams:
    """What was declared so far."""
    return Streams({
        name: Stream(name, StreamKind(kind), UncertainPolicy(uncertain))
        for name, kind, uncertain in _ALL.rows(connection)
    })  # fmt: skip
