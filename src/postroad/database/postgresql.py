"""Connections to a PostgreSQL server, and what each of them is set to."""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import QueuePool

from postroad.database.driver import execute
from postroad.database.held_up import MOMENT
from postroad.database.location import Location
from postroad.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    import psycopg

OLDEST_SERVER: Final = 140000  # 14: the oldest that is still maintained when this was written
READERS: Final = 8  # connections kept open for reading; more are opened when needed, and closed again

# What the URL may say otherwise; names of libpq (postgresql.org/docs/current/libpq-connect.html).
_USUAL: Final = {
    "application_name": "postroad",
    "connect_timeout": "10",  # seconds
    "keepalives_idle": "30",  # seconds of silence before the machine at the other end is asked whether it lives
    "tcp_user_timeout": "30000",  # milliseconds without an acknowledgement before a connection counts as dead
}
_SETTINGS: Final = (
    "SET idle_in_transaction_session_timeout = '30s'",
    "SET lock_timeout = '10s'",  # whoever reads waits for a change of the tables, and not for ever; see ``held_up``
    "SET jit = off",  # compiling a statement takes longer than running any of ours
    "SET TIME ZONE 'UTC'",
)

# Whoever writes and is stopped in the middle (a debugger, a frozen machine) must not keep what it has locked: others
# take over its mail. A transaction of ours waits for its process for milliseconds; one that was ended is tried again.
STOPPED_AFTER: Final = 5.0  # seconds that the server waits inside a transaction for the next statement
# For what a process has begun to send and not finished: the server waits for the rest without counting that as idle. No
# transaction of the outbox comes near it. Servers before 17 do not know it.
LONGEST_TRANSACTION: Final = 120.0  # seconds
_IF_KNOWN: Final = "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s"


def open_server(location: Location) -> Engine:
    """An engine whose connections begin no transaction by themselves. Nothing is opened yet.

    Raises:
        ConfigurationError: the URL is not one that PostgreSQL's library reads.
        MissingExtra: psycopg is not installed.
    """
    arguments = connection_arguments(location)
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(arguments),
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=-1,
        use_native_hstore=False,
    )


def connection_arguments(location: Location) -> dict[str, Any]:
    """What the URL says, over what is usual.

    Raises:
        ConfigurationError: PostgreSQL's library does not read it; the account is not repeated.
        MissingExtra: psycopg is not installed.
    """
    driver = _driver()
    try:
        return {**_USUAL, **driver.conninfo.conninfo_to_dict(location.server or "")}
    except driver.ProgrammingError as fault:
        sentence = f"{location.name}: PostgreSQL's library cannot read the options of the URL"
        raise ConfigurationError(sentence, setting="url") from fault


def connect(arguments: dict[str, Any]) -> "psycopg.Connection[Any]":
    """A connection that begins no transaction by itself; see ``_SETTINGS``.

    Raises:
        ConfigurationError: the server is too old, or does not write to its disk before it confirms a commit.
    """
    connection: psycopg.Connection[Any] = _driver().connect(**arguments, autocommit=True)
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
        _check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare_to_write(connection: Connection) -> None:
    """Set a connection to how long it waits for others, and others for it. Why a moment: see ``held_up``."""
    seconds = {
        "lock_timeout": MOMENT,
        "idle_in_transaction_session_timeout": STOPPED_AFTER,
        "transaction_timeout": LONGEST_TRANSACTION,
    }
    for name, limit in seconds.items():
        execute(connection, _IF_KNOWN, (f"{limit * 1000:.0f}ms", name))


def _check(connection: "psycopg.Connection[Any]") -> None:
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        needed = OLDEST_SERVER // 10000
        sentence = f"the server is PostgreSQL {version // 10000}; the outbox needs {needed} or newer"
        raise ConfigurationError(sentence, setting="url")
    row = connection.execute("SHOW synchronous_commit").fetchone()
    if row is not None and row[0] == "off":
        raise ConfigurationError(
            "synchronous_commit is off: the server would confirm mail that a crash of it loses",
            setting="url",
            advice="Set it to on for this database or account (ALTER ROLE … SET synchronous_commit = on).",
        )


def _driver() -> Any:
    try:
        import psycopg  # loaded late: only PostgreSQL needs it
    except ImportError as fault:
        raise MissingExtra(
            "psycopg is not installed: databases at postgresql:// need it",
            setting="url",
            advice="Install it: pip install 'postroad[postgres]'",
        ) from fault
    return psycopg
