"""Statements that take and give many rows in one step.

A step of SQLite lets other Python threads run, and getting the turn back from a busy event loop can take longer than
the step itself; executing row by row made a group of 64 ten times slower beside one. So rows go in as one list of
VALUES, and come out as one JSON value. PostgreSQL's driver fetches all rows in one step by itself.

Statements are compiled once for each dialect; running one costs a dictionary lookup and the driver's call.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import to_instance

from postroad.database.driver import SQLITE, answered, changed_rows, execute
from postroad.database.given import GIVEN, ON_POSTGRESQL, ON_SQLITE, ROWS, Row, Type, encode

# SQLite allows 32,766 values in a statement (sqlite.org/limits.html, SQLITE_MAX_VARIABLE_NUMBER).
MAX_VALUES: Final = 30_000

Values = Sequence[Any] | Mapping[str, Any]


class _Compiled:
    """A statement's text for one dialect. SQLite's parameters have an order, PostgreSQL's have names."""

    __slots__ = ("_by_rows", "fixed", "names", "sql", "takes_rows")

    def __init__(self, element: ClauseElement, dialect: Dialect, suffix: str) -> None:
        compiled: Any = element.compile(dialect=dialect)
        self.sql = str(compiled) + suffix
        for mark, own in ON_SQLITE if dialect.name == SQLITE else ON_POSTGRESQL:
            self.sql = self.sql.replace(mark, own)
        self.names: tuple[str, ...] | None = None if compiled.positiontup is None else tuple(compiled.positiontup)
        self.fixed: dict[str, Any] = dict(compiled.params)
        self.takes_rows = ROWS in self.sql  # one by one; else all are one JSON value
        self._by_rows: dict[tuple[int, int], str] = {}

    def for_rows(self, rows: Sequence[Row]) -> str:
        shape = len(rows), len(rows[0])
        sql = self._by_rows.get(shape)
        if sql is None:
            places = ",".join([f"({','.join('?' * shape[1])})"] * shape[0])
            sql = self._by_rows[shape] = self.sql.replace(f"{ROWS}?", places)
        return sql

    def values(self, parameters: dict[str, Any]) -> Values:
        fixed = self.fixed
        if self.names is None:
            return {**fixed, **parameters}
        return tuple([parameters[name] if name in parameters else fixed[name] for name in self.names])


class Statement:
    """A statement, compiled when it is first run. Values are plain: numbers, str, None.

    ``suffix`` goes behind it as it stands, where both engines have the same words and SQLAlchemy has none.
    """

    __slots__ = ("_compiled", "_element", "_suffix")

    def __init__(self, element: ClauseElement, *, suffix: str = "") -> None:
        self._element = element
        self._suffix = suffix
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, given: Sequence[Any] | None = None, **parameters: Any) -> None:
        """Execute; nothing is executed for an empty ``given``."""
        for _ in self._executed(connection, given, parameters):
            pass

    def changed(self, connection: Connection, given: Sequence[Any] | None = None, **parameters: Any) -> int:
        """As ``run``; returns how many rows it changed."""
        return changed_rows(connection, self._executed(connection, given, parameters))

    def _executed(
        self, connection: Connection, given: Sequence[Any] | None, parameters: dict[str, Any]
    ) -> Iterable[Any]:
        compiled = self._for(connection.dialect)
        if given is None:
            yield execute(connection, compiled.sql, compiled.values(parameters))
        elif compiled.takes_rows:
            yield from self._executed_with_rows(connection, compiled, given, parameters)
        elif given:
            parameters[GIVEN] = encode(given)
            yield execute(connection, compiled.sql, compiled.values(parameters))

    def _executed_with_rows(
        self, connection: Connection, compiled: _Compiled, rows: Sequence[Row], parameters: dict[str, Any]
    ) -> Iterable[Any]:
        if not rows:
            return
        most = MAX_VALUES // len(rows[0])
        before, after = _around_rows(compiled, parameters)
        for start in range(0, len(rows), most):
            part = rows if len(rows) <= most else rows[start : start + most]
            yield execute(connection, compiled.for_rows(part), (*before, *chain.from_iterable(part), *after))

    def _for(self, dialect: Dialect) -> _Compiled:
        ready = self._compiled.get(dialect.name)
        if ready is None:
            ready = self._compiled[dialect.name] = _Compiled(self._prepared(dialect), dialect, self._suffix)
        return ready

    def _prepared(self, _dialect: Dialect) -> ClauseElement:
        return self._element


class Query(Statement):
    """A select whose rows come out in one step. It cannot select octets, which JSON does not hold.

    Where PostgreSQL needs other words for the same question (a lock, a lateral join), ``on_postgresql`` has them.
    """

    __slots__ = ("_on_postgresql", "_select")

    def __init__(self, element: Select[Any], *, on_postgresql: Select[Any] | None = None) -> None:
        super().__init__(element)
        self._select = element
        self._on_postgresql = element if on_postgresql is None else on_postgresql

    def rows(
        self, connection: Connection, given: Sequence[Any] | None = None, **parameters: Any
    ) -> list[Sequence[Any]]:
        """Execute; returns the rows in the select's order."""
        rows: list[Sequence[Any]] = []
        for cursor in self._executed(connection, given, parameters):
            answered(connection)
            rows += json.loads(cursor.fetchone()[0]) if connection.dialect.name == SQLITE else cursor.fetchall()
        return rows

    def _prepared(self, dialect: Dialect) -> ClauseElement:
        if dialect.name != SQLITE:
            return self._on_postgresql
        inner = self._select.subquery("found")
        return select(func.json_group_array(func.json_array(*inner.c)))


class Returning(Statement):
    """A statement that changes rows and returns something of each."""

    __slots__ = ()

    def rows(
        self, connection: Connection, given: Sequence[Any] | None = None, **parameters: Any
    ) -> list[Sequence[Any]]:
        """Execute; returns the rows."""
        rows: list[Sequence[Any]] = []
        for cursor in self._executed(connection, given, parameters):
            answered(connection)
            rows += cursor.fetchall()
        return rows


class Octets(Statement):
    """A select of a key and of octets, which come row by row."""

    __slots__ = ()

    def by_key(self, connection: Connection, given: Sequence[Any]) -> dict[str, bytes]:
        """Execute; returns the octets of each key."""
        compiled = self._for(connection.dialect)
        cursor = execute(connection, compiled.sql, compiled.values({GIVEN: encode(given)}), octets=True)
        answered(connection)
        return dict(cursor.fetchall())


class OctetsInsert(Statement):
    """An insert of rows that hold octets: PostgreSQL is handed a column as an array, in binary form."""

    __slots__ = ("_columns", "_kinds", "_on_postgresql", "_table")

    def __init__(self, table: Table, columns: Mapping[str, Type], element: ClauseElement) -> None:
        super().__init__(element)
        self._table = table.name
        self._columns = ", ".join(columns)
        self._kinds = tuple(columns.values())
        self._on_postgresql = ""

    def _executed(
        self, connection: Connection, given: Sequence[Any] | None, parameters: dict[str, Any]
    ) -> Iterable[Any]:
        if connection.dialect.name == SQLITE:
            yield from super()._executed(connection, given, parameters)
        elif given:
            columns = [list(column) for column in zip(*given, strict=True)]
            yield execute(connection, self._with_arrays(connection.dialect), columns)

    def _with_arrays(self, dialect: Any) -> str:
        if not self._on_postgresql:
            kinds = [dialect.type_compiler_instance.process(to_instance(kind)) for kind in self._kinds]
            arrays = ", ".join([f"%b::{kind}[]" for kind in kinds])  # %b: in binary form
            rows = f"SELECT * FROM unnest({arrays})"  # noqa: S608  # our own names
            self._on_postgresql = f"INSERT INTO {self._table} ({self._columns}) {rows}"
        return self._on_postgresql


def _around_rows(compiled: _Compiled, parameters: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The parameters before and behind the rows."""
    parameters[GIVEN] = None
    values = compiled.values(parameters)
    assert compiled.names is not None
    assert isinstance(values, tuple)
    place = compiled.names.index(GIVEN)
    return values[:place], values[place + 1 :]
