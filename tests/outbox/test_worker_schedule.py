"""A worker may be given its own schedule, instead of what is usual for each stream."""

from pathlib import Path

import pytest

from postroad import Email, Outbox, Schedule
from postroad.outbox.states import DeliveryState
from postroad.testing import ScriptedServer, Step
from tests.peers.waiting import wait_until

EMAIL = Email(from_="bob@example.com", to="ann@example.com", text="hi")


@pytest.mark.parametrize("stream", ["transactional", "bulk", "of-my-own"])
def test_what_is_refused_for_now_is_tried_again_on_the_workers_schedule(tmp_path: Path, stream: str) -> None:
    greylisting = Step("RCPT", "450 4.7.1 Greylisted")
    with ScriptedServer(greylisting) as server, Outbox(f"sqlite:///{tmp_path / 'outbox.db'}") as outbox:
        receipt = outbox.send(EMAIL, stream=stream)
        with outbox.worker(server.url, schedule=Schedule((0.05,))):
            wait_until(lambda: outbox.find(state="sent") or None, "the second try")
        (delivery,) = outbox.status(receipt.id).recipients
    assert [attempt.code for attempt in delivery.history] == [450, 250]


def test_its_end_is_the_end_of_the_delivery(tmp_path: Path) -> None:
    greylisting = Step("RCPT", "450 4.7.1 Greylisted", times=None)
    with ScriptedServer(greylisting) as server, Outbox(f"sqlite:///{tmp_path / 'outbox.db'}") as outbox:
        receipt = outbox.send(EMAIL)
        with outbox.worker(server.url, schedule=Schedule((0.05, 0.05))):
            wait_until(lambda: outbox.find(state="expired") or None, "the schedule's end")
        (delivery,) = outbox.status(receipt.id).recipients
    assert delivery.state is DeliveryState.EXPIRED
    assert len(delivery.history) == 3
