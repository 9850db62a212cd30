"""Email APIs and SMTP as roads of one route: who gets a message that the first one does not carry, and when nobody."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from postroad.errors import OutcomeUnknown, Unsupported
from postroad.mailer.mailer import AsyncMailer
from postroad.message.email import Email
from postroad.message.seal import seal
from postroad.outcome import SendReport
from postroad.transport.breaker import BreakerSettings
from postroad.transport.contract import Transport
from postroad.transport.failover import ComposedTransport
from postroad.transport.provider_api.transport import ProviderApiTransport
from tests.fakes import FakeClock
from tests.peers.endpoint import LOOPBACK
from tests.providers.accounts import APIS, KINDS, Account, Trouble, open_account


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def email(*to: str, **more: Any) -> Email:
    return Email(from_="ann@a.example", to=list(to or ("bob@b.example",)), subject="hello", text="hello", **more)


def failover(*roads: Transport, failures: int = 1) -> ComposedTransport:
    return ComposedTransport("failover", roads, breaker=BreakerSettings(failures=failures), clock=FakeClock())


def send(composed: ComposedTransport, *messages: Email) -> list[SendReport]:
    async def work() -> list[SendReport]:
        mails = [seal(one, message_id=f"<{number}@a.example>") for number, one in enumerate(messages)]
        try:
            return [await composed.deliver(mail) for mail in mails]
        finally:
            await composed.aclose()

    return asyncio.run(work())


def pair(stack: ExitStack, kind: str, **trouble: Any) -> tuple[ComposedTransport, Account, Account]:
    """A road with trouble, and a sound one of another kind behind it."""
    first = open_account(stack, kind, Trouble(**trouble))
    second = open_account(stack, "mailgun" if kind != "mailgun" else "ses")
    return failover(first.transport, second.transport), first, second


def test_a_road_that_is_busy_lets_the_next_one_carry(stack: ExitStack, kind: str) -> None:
    composed, first, second = pair(stack, kind, busy=True)
    (report,) = send(composed, email())
    assert report.all_accepted
    assert (len(first.arrived()), len(second.arrived())) == (0, 1)
    assert [one.route for one in report.routes] == [first.transport.name, second.transport.name]
    assert report.routes[0].error is not None


def test_a_road_that_is_too_fast_and_one_with_a_wrong_key(stack: ExitStack, kind: str) -> None:
    # A 451 of an SMTP server is its word on this sender, and not on the road.
    for trouble in ({"too_fast": True}, {"bad_key": True})[kind == "smtp" :]:
        composed, first, second = pair(stack, kind, **trouble)
        (report,) = send(composed, email())
        assert report.all_accepted
        assert (len(first.arrived()), len(second.arrived())) == (0, 1)


@pytest.mark.parametrize("kind", APIS)
def test_a_road_that_is_not_reached(stack: ExitStack, kind: str) -> None:
    second = open_account(stack, "smtp")
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))  # and never listens
        dead = APIS[kind].provider("k", endpoint=f"http://{LOOPBACK}:{taken.getsockname()[1]}")
        first, again = send(failover(ProviderApiTransport(dead), second.transport), email(), email())
    assert first.all_accepted
    assert len(first.routes) == 2
    assert [one.route for one in again.routes] == [second.transport.name]  # the breaker is open
    assert len(second.arrived()) == 2


def test_a_refused_recipient_never_fails_over(stack: ExitStack, kind: str) -> None:
    composed, _, second = pair(stack, kind, refused=("eve@e.example",))
    (report,) = send(composed, email("eve@e.example"))
    assert [one.permanent for one in report.outcomes] == [True]
    assert second.arrived() == []
    assert len(report.routes) == 1


@pytest.mark.parametrize("trouble", ["broken", "silent"])
def test_after_an_unknown_outcome_nobody_else_gets_it(stack: ExitStack, kind: str, trouble: str) -> None:
    composed, _, second = pair(stack, kind, **{trouble: True})
    (report,) = send(composed, email())
    assert isinstance(report.error, OutcomeUnknown)
    assert second.arrived() == []


def test_what_the_first_cannot_do_the_second_does(stack: ExitStack) -> None:
    composed, first, second = pair(stack, "postmark")
    (report,) = send(composed, email(return_path="bounces@a.example", tags=["one", "two"]))
    assert not report.all_accepted  # Mailgun takes the bounces itself, too
    ses = open_account(stack, "ses")
    (report,) = send(failover(first.transport, ses.transport), email(return_path="bounces@a.example"))
    assert report.all_accepted
    assert isinstance(report.routes[0].error, Unsupported)
    assert (len(first.arrived()), len(second.arrived()), len(ses.arrived())) == (0, 0, 1)


def test_a_part_goes_another_way_only_where_it_mails_nobody_else(stack: ExitStack) -> None:
    """SES refuses one of three in its sandbox and sends to the others; SendGrid to nobody. Nobody is mailed twice."""
    for kind, reached in (("ses", ["bob@b.example", "fay@f.example"]), ("sendgrid", [])):
        composed, first, second = pair(stack, kind, refused=("eve@e.example",))
        (report,) = send(composed, email("bob@b.example", "eve@e.example", "fay@f.example"))
        assert [one.recipient.addr_spec for one in report.accepted] == reached
        assert [one.addr_spec for mail in first.arrived() for one in mail.envelope.recipients] == reached
        assert second.arrived() == []


def test_a_retry_of_one_of_three_never_mails_the_others_again(stack: ExitStack, kind: str) -> None:
    """What a mailer's retry, or an outbox, hands over: the same content for one recipient."""
    account = open_account(stack, kind)

    async def work() -> tuple[SendReport, SendReport]:
        async with AsyncMailer(account.transport) as mailer:
            mail = mailer.compose(email("bob@b.example", "eve@e.example", "fay@f.example"))
            one = replace(mail, envelope=replace(mail.envelope, recipients=mail.envelope.recipients[1:2]))
            return await mailer.deliver(mail), await mailer.deliver(one)

    whole, again = asyncio.run(work())
    assert whole.all_accepted
    reached = [one.addr_spec for mail in account.arrived() for one in mail.envelope.recipients]
    assert reached.count("bob@b.example") == reached.count("fay@f.example") == 1
    if account.supports("separate_envelope"):
        assert again.all_accepted
        assert reached.count("eve@e.example") == 2
    else:
        assert isinstance(again.error, Unsupported)
        assert "2 others would get it too" in str(again.error)
        assert reached.count("eve@e.example") == 1


def test_they_take_turns(stack: ExitStack) -> None:
    accounts = [open_account(stack, kind) for kind in ("postmark", "resend", "smtp")]
    composed = ComposedTransport("weighted", [one.transport for one in accounts], weights=[3, 2, 1])
    assert all(one.all_accepted for one in send(composed, *(email() for _ in range(12))))
    assert [len(one.arrived()) for one in accounts] == [6, 4, 2]
