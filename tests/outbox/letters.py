"""Messages to queue, and what a test asks about them."""

from postroad.message.email import Email
from postroad.outbox.blocking import Outbox
from postroad.outbox.status import DeliveryStatus
from tests.peers.waiting import wait_until


def letter(*to: str, subject: str = "hello", text: str = "hello") -> Email:
    return Email(from_="Shop <shop@a.example>", to=list(to or ("bob@b.example",)), subject=subject, text=text)


def wait_for_states(outbox: Outbox, **states: int) -> None:
    """Wait until so many recipients are in each of these states."""

    def reached() -> bool | None:
        counted = outbox.stats().states
        return True if all(counted[state] == number for state, number in states.items()) else None

    wait_until(reached, f"the states {states}; there were {dict(outbox.stats().states)}")


def only(outbox: Outbox, id_: str) -> DeliveryStatus:
    """The one delivery of a message."""
    (delivery,) = outbox.status(id_).recipients
    return delivery


def kinds(delivery: DeliveryStatus) -> list[str]:
    """The events of a delivery, in order."""
    return [str(event.kind) for event in delivery.events]
