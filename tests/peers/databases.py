"""Databases to keep an outbox in, as pytest fixtures: in memory, in a file, on a PostgreSQL server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postroad.database.migrate import migrate_database
from tests.peers.postgresql import Postgresql

NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A server for all tests of this process; starting one takes about 1.5 s."""
    with Postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgresql: Postgresql) -> str:
    """A database with our tables, to be copied."""
    name = postgresql.new_database()
    migrate_database(postgresql.url(name))
    return name


@pytest.fixture
def empty_server_database(postgresql: Postgresql) -> Iterator[str]:
    """The URL of a database without tables."""
    name = postgresql.new_database()
    yield postgresql.url(name)
    postgresql.drop(name)


@pytest.fixture
def server_database(postgresql: Postgresql, migrated_template: str) -> Iterator[str]:
    """The URL of a fresh outbox's database on the server; takes about 30 ms."""
    name = postgresql.new_database(migrated_template)
    yield postgresql.url(name)
    postgresql.drop(name)


@pytest.fixture(params=["memory", "file", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh outbox's database, of each kind in turn."""
    return _url(request, tmp_path)


@pytest.fixture(params=["file", "postgresql"])
def shared_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As ``any_database``, of the kinds that several processes may open."""
    return _url(request, tmp_path)


def _url(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "memory":
        return "sqlite://"
    if request.param == "file":
        return f"sqlite:///{folder / 'mail.db'}"
    url: str = request.getfixturevalue("server_database")
    return url
