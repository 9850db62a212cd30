"""Several servers as one route, over the wire: what each trouble does, and what an outbox makes of it."""

import asyncio
from pathlib import Path

import pytest

from postroad import Email, Failover, Mailer, Outbox, Smtp
from postroad.errors import AuthenticationError, ConnectError, OutcomeUnknown, PostroadError, Throttled
from postroad.outcome import SendReport
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.failover import ComposedTransport
from postroad.transport.route import transport_of
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import letter
from tests.transport.road import account

NOWHERE = Smtp("127.0.0.1", 1)  # tcpmux; nobody listens there
EMAIL = Email(from_="ann@a.example", to=["bob@b.example"], subject="hello", text="hello")


def through(*roads: Smtp, count: int = 1) -> list[SendReport]:
    async def work() -> list[SendReport]:
        composed = transport_of(Failover(roads))
        try:
            return [await composed.deliver(letter(str(number))) for number in range(count)]
        finally:
            await composed.aclose()

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Step("GREETING", "421 4.3.2 Too many connections"), Throttled),
        (Step("GREETING", "554 5.7.1 Not from there"), ConnectError),
        (Step("MAIL", "421 4.3.2 Shutting down"), PostroadError),
        (Step("MAIL", "451 4.3.0 Queue file write error"), PostroadError),
        (Step("DATA", "452 4.3.1 Insufficient system storage"), PostroadError),
        (Step("DOT", "451 4.3.0 Try again later"), PostroadError),
    ],
    ids=lambda value: value.reply if isinstance(value, Step) and isinstance(value.reply, str) else None,
)
def test_a_server_in_trouble_is_left_for_the_next(step: Step, error: type[PostroadError]) -> None:
    with ScriptedServer(step) as first, ScriptedServer() as second:
        (report,) = through(account(first), account(second))
        assert len(second.messages) == 1
    assert report.accepted
    assert isinstance(report.routes[0].error, error)
    assert [tried.route for tried in report.routes] == [account(first).name, account(second).name]


@pytest.mark.parametrize(
    "step",
    [
        Step("RCPT", "450 4.2.0 Greylisted"),
        Step("RCPT", "550 5.1.1 Nobody"),
        Step("MAIL", "550 5.7.1 Not you"),
        Step("DOT", "554 5.7.1 Spam"),
    ],
    ids=lambda step: step.reply,
)
def test_a_servers_judgement_is_not_appealed(step: Step) -> None:
    with ScriptedServer(step) as first, ScriptedServer() as second:
        (report,) = through(account(first), account(second))
        assert second.sessions == []
    assert len(report.refused) == 1


def test_nobody_listens_and_the_next_one_takes_it() -> None:
    with ScriptedServer() as server:
        reports = through(NOWHERE, account(server), count=5)
        assert len(server.messages) == 5
    assert [len(report.routes) for report in reports] == [2, 2, 2, 1, 1], "then the breaker keeps it out"
    assert isinstance(reports[0].routes[0].error, ConnectError)


def test_a_refused_password_is_shown_once() -> None:
    step = Step("AUTH", "535 5.7.8 No")
    with ScriptedServer(step, extensions=("AUTH PLAIN",)) as first, ScriptedServer() as second:
        reports = through(account(first, username="ann", password="x"), account(second), count=10)
        assert len(first.sessions) == 1
        assert len(second.messages) == 10
    assert isinstance(reports[0].routes[0].error, AuthenticationError)


def test_what_is_unknown_is_not_sent_again() -> None:
    with ScriptedServer(Step("DOT", None, then=Then.CLOSE)) as first, ScriptedServer() as second:
        (report,) = through(account(first), account(second))
        assert second.sessions == []
    assert isinstance(report.error, OutcomeUnknown)
    assert len(report.unknown) == 1


# ── faces ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mailer_sends_over_several() -> None:
    with ScriptedServer() as server:
        name = account(server).name
        with Mailer(f"failover({NOWHERE.name} {name})") as mailer:
            report = mailer.send(EMAIL)
            many = list(mailer.send_many([EMAIL] * 20))
        assert len(server.messages) == 21
    assert [tried.route for tried in report.routes] == [NOWHERE.name, name]
    assert all(one.accepted for one in many)


def test_a_mailer_that_tries_again_says_all_roads() -> None:
    memory = MemoryTransport()
    composed = transport_of(Failover([NOWHERE, memory]))
    assert isinstance(composed, ComposedTransport)
    with Mailer(composed) as mailer:
        assert mailer.transport is composed
        assert [tried.route for tried in mailer.send(EMAIL).routes] == [NOWHERE.name, "memory://"]


def test_an_outbox_sends_over_several_and_asks_for_one_flight_record(tmp_path: Path) -> None:
    step = Step("DOT", "451 4.3.0 Try again later", times=None)
    with ScriptedServer(step) as first, ScriptedServer() as second, Outbox(f"sqlite:///{tmp_path}/outbox.db") as outbox:
        receipts = [outbox.send(EMAIL, idempotency_key=str(number)) for number in range(3)]
        outbox.worker(Failover([account(first), account(second)])).drain()
        assert len(second.messages) == 3
        states = {one.state.value for receipt in receipts for one in outbox.status(receipt.id).recipients}
    assert states == {"sent"}


def test_a_mailers_composition_gives_an_outbox_connections_of_its_own(tmp_path: Path) -> None:
    with (
        ScriptedServer() as server,
        Outbox(f"sqlite:///{tmp_path}/outbox.db") as outbox,
        Mailer(Failover([NOWHERE, account(server)])) as mailer,
    ):
        mailer.send(EMAIL)
        outbox.send(EMAIL)
        outbox.worker(mailer).drain()
        mailer.send(EMAIL)
        assert len(server.messages) == 3
