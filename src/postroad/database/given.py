"""What a statement is handed at once: many rows to select from, or many values, in each engine's own way.

SQLite takes rows fastest as a list of VALUES (as JSON they go in three times slower, by measurement), and single values
as JSON. PostgreSQL takes either as one JSON value, so that a statement's text, and with it its plan, is the same
however many there are.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, ColumnElement, Integer, Select, Subquery, and_, bindparam, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine

Type = TypeEngine[Any] | type[TypeEngine[Any]]
Row = Sequence[Any]

GIVEN: Final = "given"
ROWS: Final = "/*rows*/"  # where the rows go; the placeholder behind it tells their place among the parameters
_VALUES: Final = "/*values*/"

encode: Final = json.JSONEncoder(separators=(",", ":")).encode

# What the marks and the placeholder behind them become.
ON_SQLITE: Final = ((f"{_VALUES}?", "json_each(?)"),)
ON_POSTGRESQL: Final = (
    (f"(VALUES {ROWS}%({GIVEN})s)", f"jsonb_array_elements(%({GIVEN})s::jsonb) AS item"),
    (f"{_VALUES}%({GIVEN})s", f"jsonb_array_elements_text(%({GIVEN})s::jsonb) AS item"),
)


class _Cell(ColumnElement[Any]):
    """A column of the given rows, or the given value itself."""

    inherit_cache = False

    def __init__(self, on_sqlite: str, on_postgresql: str, kind: Type) -> None:
        self.type = kind() if isinstance(kind, type) else kind
        self.on_sqlite = on_sqlite
        self.on_postgresql = on_postgresql


@compiles(_Cell)
def _plain(cell: _Cell, _compiler: Any, **_: Any) -> str:
    return cell.on_sqlite


@compiles(_Cell, "postgresql")
def _from_json(cell: _Cell, compiler: Any, **_: Any) -> str:
    kind = BigInteger() if type(cell.type) is Integer else cell.type  # a key has 64 bits
    return f"({cell.on_postgresql})::{compiler.dialect.type_compiler_instance.process(kind)}"


def given(**columns: Type) -> Subquery:
    """The rows that a statement is run with, as something to select from and join with. They hold no octets."""
    rows = text(f"(VALUES {ROWS}:{GIVEN})").bindparams(bindparam(GIVEN))
    cells = [
        _Cell(f"column{place + 1}", f"item.value->>{place}", kind).label(name)
        for place, (name, kind) in enumerate(columns.items())
    ]
    return select(*cells).select_from(rows).subquery(GIVEN)


class _ByIndex(ColumnElement[bool]):
    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], keys: Select[Any]) -> None:
        self.column = column
        self.keys = keys.correlate(None).scalar_subquery()


@compiles(_ByIndex)
def _as_it_is(_element: _ByIndex, _compiler: Any, **_: Any) -> str:
    return "true"


@compiles(_ByIndex, "postgresql")
def _by_index(element: _ByIndex, compiler: Any, **options: Any) -> str:
    column, keys = compiler.process(element.column, **options), compiler.process(element.keys, **options)
    return f"{column} = ANY (ARRAY{keys})"


def found_by(column: ColumnElement[Any], keys: ColumnElement[Any]) -> ColumnElement[bool]:
    """A join's condition that has PostgreSQL look up each of the given keys.

    Its planner expects a hundred rows whatever is given; in a table that it believes small, because it has grown since
    it was last counted, it would read every row instead.
    """
    return and_(column == keys, _ByIndex(column, select(keys)))


def given_values(kind: Type) -> Select[Any]:
    """The values that a statement is run with, for ``column.in_(…)``."""
    values = text(f"{_VALUES}:{GIVEN}").bindparams(bindparam(GIVEN))
    return select(_Cell("value", "item.value", kind)).select_from(values)
