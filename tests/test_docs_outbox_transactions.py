"""What docs/outbox-transactions.md says about PostgreSQL is tried on a server."""

import re
from pathlib import Path

import psycopg

from postroad.outbox.blocking import Outbox
from tests.outbox.letters import letter
from tests.peers.postgresql import Postgresql

PAGE = (Path(__file__).parent.parent / "docs" / "outbox-transactions.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_with_psycopg_runs(server_database: str) -> None:
    (example,) = blocks("py")
    with psycopg.connect(server_database) as connection:
        connection.execute("CREATE TABLE orders (number integer)")
    with Outbox(server_database) as outbox:
        names = {"psycopg": psycopg, "url": server_database, "outbox": outbox, "email": letter()}
        exec(compile(example, "example", "exec"), names)
        assert outbox.stats().states["ready"] == 1


def test_the_rights_are_enough(postgresql: Postgresql, server_database: str) -> None:
    (grants,) = blocks("sql")
    name = server_database.rpartition("/")[2]
    postgresql.execute(f"CREATE ROLE {name}_shop", name)  # a role is the whole server's
    try:
        with Outbox(server_database) as outbox, psycopg.connect(server_database) as connection:
            outbox.send(letter(), idempotency_key="a key")
            connection.execute(grants.replace("TO shop", f"TO {name}_shop").encode())
            connection.execute(f"SET LOCAL ROLE {name}_shop".encode())
            outbox.send(letter(), connection=connection, idempotency_key="another")
            assert outbox.send(letter(), connection=connection, idempotency_key="a key").duplicate
            connection.rollback()
    finally:
        postgresql.execute(f"DROP ROLE {name}_shop", name)
