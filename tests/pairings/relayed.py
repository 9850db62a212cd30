"""Handing a message to a foreign server that relays it, and waiting for what its log says became of it."""

import smtplib
from collections.abc import Callable

from tests.pairings.client_suite import Order
from tests.peers.endpoint import Endpoint
from tests.peers.private_server import PrivateServer
from tests.peers.waiting import wait_until


def inject(relay: Endpoint, order: Order) -> None:
    """Hand the message over; everything in it is accepted."""
    options = ["BODY=8BITMIME"] if not order.content.isascii() else []
    options += ["SMTPUTF8"] if order.smtputf8 else []
    wishes = ["NOTIFY=SUCCESS"] if order.reported else []
    options += ["RET=HDRS"] if order.reported else []
    with smtplib.SMTP(*relay) as client:
        refused = client.sendmail(order.sender, order.recipients, order.content, options, wishes)
    assert refused == {}


def fates(relay: PrivateServer, recipients: tuple[str, ...], is_fate: Callable[[str, str], bool]) -> list[str]:
    """The lines of the log that say what became of each recipient, once all are there."""

    def found() -> list[str] | None:
        lines = relay.log().splitlines()
        told = [next((line for line in lines if is_fate(line, one)), "") for one in recipients]
        return told if all(told) else None

    try:
        return wait_until(found, f"the fate of {', '.join(recipients)}")
    except TimeoutError as error:
        error.add_note(relay.log())
        raise
