"""Which database a connection leads to, and whether it is the one of this outbox.

A row with a number of its own would not tell: it is copied along when a database is, and a copy is the very thing that
mail must not go to by mistake. So the place itself is compared: SQLite's file; on PostgreSQL the server, by the moment
it started, the database and the table that the search path finds, by their numbers.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from postroad.database.database import Database
from postroad.database.driver import POSTGRESQL, SQLITE, execute
from postroad.database.location import Location
from postroad.errors import ConfigurationError
from postroad.outbox.callers.words import ON_POSTGRESQL

REPEATS_READS = ("repeatable read", "serializable")  # what others commit meanwhile stays unseen


@dataclass(frozen=True, slots=True)
class Place:
    """A database. ``key`` tells it from every other; ``name`` is for people."""

    engine: str
    key: tuple[str | None, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller's connection leads, and how its transaction is set; empty where the engine has no such setting."""

    place: Place
    isolation: str = ""
    synchronous_commit: str = ""
    encoding: str = ""

    @property
    def repeats_reads(self) -> bool:
        return self.isolation in REPEATS_READS


def sqlite_standing(rows: Sequence[Sequence[Any]]) -> Standing:
    """What SQLite's list of databases tells."""
    file = next((file for _, name, file in rows if name == "main"), None)
    location = Location(Path(os.path.realpath(file)) if file else None)
    return Standing(_sqlite_place(location))


def _sqlite_place(location: Location) -> Place:
    return Place(SQLITE, (None if location.path is None else str(location.path),), location.name)


def postgresql_standing(row: Sequence[Any]) -> Standing:
    """What the server tells."""
    started, database, table, user, host, port, name, isolation, synchronous_commit, encoding = row
    server = f"{host}:{port}" if host else ""
    place = Place(POSTGRESQL, (started, database, table), f"the database postgresql://{user}@{server}/{name}")
    return Standing(place, isolation, synchronous_commit, encoding)


class Home:
    """The place of an outbox, which every caller's connection must lead to. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: Place | None = None

    def knows(self, standing: Standing) -> bool:
        """Whether this has been found to be the place, so that ``check`` need not ask the database."""
        return self._known is not None and self._known.key == standing.place.key

    def check(self, standing: Standing) -> None:
        """Return if a connection leads to the outbox, and keeps what it commits.

        Raises:
            ConfigurationError: it leads to another database, both are named; or its commits may be lost.
            DatabaseError: the outbox's own database cannot be asked now.
        """
        if self.database.location.in_memory:
            raise _in_memory(self.database.location, standing.place)
        if not self.knows(standing):
            self._known = self._look()  # anew, too: a server that was started again is another by its moment
            if self._known.key != standing.place.key:
                raise _foreign(self.database.location, self._known, standing.place)
        _check_settings(standing)

    def _look(self) -> Place:
        location = self.database.location
        return self.database.read(_own_place) if location.on_server else _sqlite_place(location)


def _own_place(connection: Connection) -> Place:
    return postgresql_standing(execute(connection, ON_POSTGRESQL.pyformat).fetchone()).place


def _in_memory(location: Location, there: Place) -> ConfigurationError:
    sentence = f"this outbox has {location.name} to itself; the connection leads to {there.name}"
    advice = "Open the outbox in the application's own database."
    return ConfigurationError(sentence, setting="connection", advice=advice)


def _foreign(location: Location, home: Place, there: Place) -> ConfigurationError:
    refused = partial(ConfigurationError, setting="connection")
    if home.engine == there.engine == POSTGRESQL and home.key[:2] == there.key[:2]:
        sentence = f"the connection leads to {there.name}, as it should, but finds other tables there than the outbox"
        return refused(sentence, advice="Give both the same search_path, with the schema of the outbox's tables.")
    return refused(
        f"the connection leads to {there.name}, but this outbox is in {location.name}",
        advice="Give a connection to the outbox's database, or open the outbox in the application's; or leave it out.",
    )


def _check_settings(standing: Standing) -> None:
    refused = partial(ConfigurationError, setting="connection")
    if standing.synchronous_commit == "off":
        sentence = "synchronous_commit is off on this connection: a crash of the server loses mail that was committed"
        raise refused(sentence, advice="Commit what holds mail with SET LOCAL synchronous_commit = on.")
    if standing.encoding not in ("", "UTF8"):  # else a driver may stop halfway at a letter
        sentence = f"client_encoding is {standing.encoding} on this connection; mail needs UTF8"
        raise refused(sentence, advice="Connect with client_encoding=UTF8.")
