"""Statements that take and give many rows in one step.

A step of SQLite lets other Python threads run, and getting the turn back from a busy event loop can take longer than
the step itself; executing row by row made a group of 64 ten times slower beside one. So rows go in as one list of
VALUES, and come out as one JSON value. (As JSON parameters rows go in three times slower, by measurement.) This file is
where another dialect would do it its own way.

Statements are compiled once for each dialect; running one costs a dictionary lookup and the driver's call.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Select, Subquery, Text, bindparam, func, literal_column, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from postroad.database.driver import execute

Type = TypeEngine[Any] | type[TypeEngine[Any]]
Row = Sequence[Any]

GIVEN: Final = "given"
# SQLite allows 32,766 values in a statement (sqlite.org/limits.html, SQLITE_MAX_VARIABLE_NUMBER).
MAX_VALUES: Final = 30_000
_MARK: Final = "/*given*/"  # where the rows go; the placeholder behind it tells their place among the parameters

_encode = json.JSONEncoder(separators=(",", ":")).encode


def given(**columns: Type) -> Subquery:
    """The rows that a statement is run with, as something to select from and join with."""
    rows = text(f"(VALUES {_MARK}:{GIVEN})").bindparams(bindparam(GIVEN))
    cells = [
        literal_column(f"column{place}", kind).label(name)
        for place, (name, kind) in enumerate(columns.items(), start=1)
    ]
    return select(*cells).select_from(rows).subquery(GIVEN)


def given_values(kind: Type) -> Select[Any]:
    """The values that a statement is run with, for ``column.in_(…)``."""
    rows = func.json_each(bindparam(GIVEN, type_=Text)).table_valued("value", name=GIVEN)
    return select(literal_column("value", kind)).select_from(rows)


class _Compiled:
    """A statement's text for one dialect, and its parameters in order."""

    __slots__ = ("_by_rows", "fixed", "names", "sql", "takes_rows")

    def __init__(self, element: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = element.compile(dialect=dialect)
        self.sql = str(compiled)
        self.names: tuple[str, ...] = tuple(compiled.positiontup)
        self.fixed: dict[str, Any] = dict(compiled.params)
        self.takes_rows = _MARK in self.sql
        self._by_rows: dict[tuple[int, int], str] = {}

    def for_rows(self, rows: Sequence[Row]) -> str:
        shape = len(rows), len(rows[0])
        sql = self._by_rows.get(shape)
        if sql is None:
            places = ",".join([f"({','.join('?' * shape[1])})"] * shape[0])
            sql = self._by_rows[shape] = self.sql.replace(f"{_MARK}?", places)
        return sql


class Statement:
    """A statement, compiled when it is first run. Values are plain: numbers, str, bytes, None."""

    __slots__ = ("_compiled", "_element")

    def __init__(self, element: ClauseElement) -> None:
        self._element = element
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, given: Sequence[Any] | None = None, **parameters: Any) -> int:
        """Execute; returns how many rows it changed. Nothing is executed for an empty ``given``."""
        return sum([cursor.rowcount for cursor in self._executed(connection, given, parameters)])

    def _executed(
        self, connection: Connection, given: Sequence[Any] | None, parameters: dict[str, Any]
    ) -> Iterable[Any]:
        compiled = self._for(connection.dialect)
        if given is None:
            yield execute(connection, compiled.sql, _in_order(compiled, parameters))
        elif not compiled.takes_rows:
            parameters[GIVEN] = _encode(given)
            yield execute(connection, compiled.sql, _in_order(compiled, parameters))
        elif given:
            yield from self._executed_with_rows(connection, compiled, given, parameters)

    def _executed_with_rows(
        self, connection: Connection, compiled: _Compiled, rows: Sequence[Row], parameters: dict[str, Any]
    ) -> Iterable[Any]:
        most = MAX_VALUES // len(rows[0])
        for start in range(0, len(rows), most):
            part = rows if len(rows) <= most else rows[start : start + most]
            before, after = _around_rows(compiled, parameters)
            yield execute(connection, compiled.for_rows(part), (*before, *chain.from_iterable(part), *after))

    def _for(self, dialect: Dialect) -> _Compiled:
        ready = self._compiled.get(dialect.name)
        if ready is None:
            ready = self._compiled[dialect.name] = _Compiled(self._prepared(), dialect)
        return ready

    def _prepared(self) -> ClauseElement:
        return self._element


class Query(Statement):
    """A select whose rows come out in one step, as lists. It cannot select octets, which JSON does not hold."""

    __slots__ = ("_select",)

    def __init__(self, element: Select[Any]) -> None:
        super().__init__(element)
        self._select = element

    def rows(self, connection: Connection, given: Sequence[Any] | None = None, **parameters: Any) -> list[list[Any]]:
        """Execute; returns the rows in the select's order."""
        rows: list[list[Any]] = []
        for cursor in self._executed(connection, given, parameters):
            rows += json.loads(cursor.fetchone()[0])
        return rows

    def _prepared(self) -> ClauseElement:
        inner = self._select.subquery("found")
        return select(func.json_group_array(func.json_array(*inner.c)))


class Octets(Statement):
    """A select of a key and of octets, which come row by row."""

    __slots__ = ()

    def by_key(self, connection: Connection, given: Sequence[Any]) -> dict[str, bytes]:
        """Execute; returns the octets of each key."""
        return {key: octets for cursor in self._executed(connection, given, {}) for key, octets in cursor}


def _in_order(compiled: _Compiled, parameters: dict[str, Any]) -> tuple[Any, ...]:
    fixed = compiled.fixed
    return tuple([parameters[name] if name in parameters else fixed[name] for name in compiled.names])


def _around_rows(compiled: _Compiled, parameters: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The parameters before and behind the rows."""
    parameters[GIVEN] = None
    values = _in_order(compiled, parameters)
    place = compiled.names.index(GIVEN)
    return values[:place], values[place + 1 :]
