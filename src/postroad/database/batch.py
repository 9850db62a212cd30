"""Statements that take and give many rows in one step.

A step of SQLite lets other Python threads run, and getting the turn back from a busy event loop can take longer than
the step itself; executing row by row made a group of 64 ten times slower beside one. So rows go in as one JSON
parameter and come out as one JSON value. This file is where another dialect would do it its own way.

Statements are compiled once for each dialect; running one costs a dictionary lookup and the driver's call.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, Subquery, Table, Text, bindparam, func, literal_column, select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

GIVEN: Final = "given"

_encode = json.JSONEncoder(separators=(",", ":")).encode


def given(**columns: TypeEngine[Any] | type[TypeEngine[Any]]) -> Subquery:
    """The rows of the parameter ``given``, a list of lists, as something to select from and join with."""
    rows = func.json_each(bindparam(GIVEN, type_=Text)).table_valued("value")
    cells = [
        literal_column(f"json_extract(value, '$[{place}]')", kind).label(name)
        for place, (name, kind) in enumerate(columns.items())
    ]
    return select(*cells).select_from(rows).subquery("given")


def given_values(kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> Select[Any]:
    """The values of the parameter ``given``, a list, for ``column.in_(…)``."""
    rows = func.json_each(bindparam(GIVEN, type_=Text)).table_valued("value", name="given")
    return select(literal_column("value", kind)).select_from(rows)


class Statement:
    """A statement, compiled when it is first run. Values are plain: numbers, str, bytes, bool, None."""

    __slots__ = ("_compiled", "_element")

    def __init__(self, element: ClauseElement) -> None:
        self._element = element
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def run(self, connection: Connection, given: Iterable[Any] | None = None, **parameters: Any) -> int:
        """Execute; returns how many rows it changed."""
        sql, values = self._bound(connection, given, parameters)
        return connection.exec_driver_sql(sql, values).rowcount

    def _bound(
        self, connection: Connection, given: Iterable[Any] | None, parameters: dict[str, Any]
    ) -> tuple[str, tuple[Any, ...]]:
        if given is not None:
            parameters[GIVEN] = _encode(given)
        sql, names, fixed = self._for(connection.dialect)
        return sql, tuple([parameters[name] if name in parameters else fixed[name] for name in names])

    def _for(self, dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        ready = self._compiled.get(dialect.name)
        if ready is None:
            compiled: Any = self._prepared().compile(dialect=dialect)
            ready = (str(compiled), tuple(compiled.positiontup), dict(compiled.params))
            self._compiled[dialect.name] = ready
        return ready

    def _prepared(self) -> ClauseElement:
        return self._element


class Query(Statement):
    """A select whose rows come out in one step, as lists. It cannot select octets, which JSON does not hold."""

    __slots__ = ("_select",)

    def __init__(self, element: Select[Any]) -> None:
        super().__init__(element)
        self._select = element

    def rows(self, connection: Connection, given: Iterable[Any] | None = None, **parameters: Any) -> list[list[Any]]:
        """Execute; returns the rows in the select's order."""
        sql, values = self._bound(connection, given, parameters)
        rows: list[list[Any]] = json.loads(connection.exec_driver_sql(sql, values).scalar_one())
        return rows

    def _prepared(self) -> ClauseElement:
        inner = self._select.subquery("found")
        return select(func.json_group_array(func.json_array(*inner.c)))


def insert_octets(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows that hold octets: one statement with a placeholder for every value."""
    most = MAX_PLACEHOLDERS // len(columns)
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        places = f"({','.join('?' * len(columns))})"
        names = ", ".join(columns)
        sql = f"INSERT INTO {table.name} ({names}) VALUES {','.join([places] * len(part))}"  # noqa: S608  # our names
        connection.exec_driver_sql(sql, tuple([value for row in part for value in row]))


MAX_PLACEHOLDERS: Final = 30_000  # SQLite allows 32,766 (sqlite.org/limits.html, SQLITE_MAX_VARIABLE_NUMBER)
