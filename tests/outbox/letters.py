"""Messages to queue, and what a test asks about them."""

import sqlalchemy

from postroad.message.email import Email
from postroad.outbox.blocking import Outbox
from postroad.outbox.status import DeliveryStatus
from postroad.transport.to_memory import MemoryTransport
from tests.peers.waiting import wait_until


def letter(*to: str, subject: str = "hello", text: str = "hello") -> Email:
    return Email(from_="Shop <shop@a.example>", to=list(to or ("bob@b.example",)), subject=subject, text=text)


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
