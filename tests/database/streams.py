"""Rows of a small table, for whatever is tried with rows of any kind."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

_ADD = text("INSERT INTO postroad_stream VALUES (:name, 'bulk', 'retry')")


def add_stream(connection: Connection, names: Sequence[str]) -> list[str | Exception]:
    for name in names:
        connection.execute(_ADD, {"name": name})
    return list(names)


def streams(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT name FROM postroad_stream")))
