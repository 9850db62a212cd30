"""Messages to queue, and what a test asks about them."""

import sqlite3
from contextlib import closing

import sqlalchemy

from postroad.message.email import Email
from postroad.outbox.blocking import Outbox
from postroad.outbox.status import DeliveryStatus
from postroad.transport.to_memory import MemoryTransport
from tests.peers.waiting import wait_until


def letter(*to: str, subject: str = "hello", text: str = "hello") -> Email:
    return Email(from_="Shop <shop@a.example>", to=list(to or ("bob@b.example",)), subject=subject, text=text)


def copy_first(url: str, count: int, domain: str) -> None:
    """Queue so many deliveries more, to a domain, each with a message of its own: all like the first one of the file.

    The database itself makes them: it is quicker.
    """
    another = "substr(first.{}, 1, 24) || printf('%012x', {} + n)"  # it tells the same time as the first one's
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        (before,) = database.execute("SELECT count(*) FROM postroad_message").fetchone()
        of_message = {"id": another.format("id", before)}
        of_delivery = {
            "id": "NULL",
            "message_id": another.format("message_id", before),
            "recipient": f"n || '@{domain}'",
            "recipient_key": f"n || '@{domain}'",
            "domain": f"'{domain}'",
            "site": f"'{domain}'",
        }
        for table, made in (("postroad_message", of_message), ("postroad_delivery", of_delivery)):
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(made.get(name, f"first.{name}") for name in names)
            database.execute(
                f"WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count}) "
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM series, "
                f"(SELECT * FROM {table} ORDER BY rowid LIMIT 1) AS first"
            )
        database.commit()


def wait_for_states(outbox: Outbox, **states: int) -> None:
    """Wait until so many recipients are in each of these states."""

    def reached() -> bool | None:
        counted = outbox.stats().states
        return True if all(counted[state] == number for state, number in states.items()) else None

    wait_until(reached, lambda: f"the states {states}; there were {dict(outbox.stats().states)}")


def wait_for_workers(outbox: Outbox, number: int) -> None:
    """Wait until so many have signed on."""
    sql = sqlalchemy.text("SELECT count(*) FROM postroad_worker")

    def there() -> bool | None:
        return outbox._store.database.read(lambda connection: connection.execute(sql).scalar_one()) == number or None

    wait_until(there, f"{number} workers")


def drained(outbox: Outbox) -> list[str]:
    """The recipients to whom something goes that is due now."""
    transport = MemoryTransport()
    outbox.worker(transport).drain()
    return sorted(one.addr_spec for mail in transport.messages for one in mail.envelope.recipients)


def only(outbox: Outbox, id_: str) -> DeliveryStatus:
    """The one delivery of a message."""
    (delivery,) = outbox.status(id_).recipients
    return delivery


def kinds(delivery: DeliveryStatus) -> list[str]:
    """The events of a delivery, in order."""
    return [str(event.kind) for event in delivery.events]
