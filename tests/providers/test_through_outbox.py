"""Mail from an outbox through email APIs: delivered, tried again, given up, and never sent twice."""

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from postroad.errors import AuthenticationError, ConfigurationError
from postroad.message.email import Email
from postroad.outbox.blocking import Outbox
from postroad.providers.contract import HttpReply
from postroad.providers.event import ProviderEvent
from postroad.testing import ScriptedServer, Step
from tests.fakes import middle
from tests.outbox.letters import kinds, only
from tests.outbox.stepped_clock import SteppedClock
from tests.peers.waiting import wait_until
from tests.providers.accounts import APIS, Account, Trouble, open_account
from tests.providers.test_webhooks import NOW, WAYS


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: SteppedClock) -> Iterator[Outbox]:
    with Outbox(f"sqlite:///{tmp_path / 'mail.db'}", clock=clock, chance=middle) as opened:
        yield opened


# A database takes a while to open: what is the same for all of them is tried with two, one of each sort.
with_two = pytest.mark.parametrize("kind", ["postmark", "ses"])


@pytest.fixture(params=APIS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def letter(*to: str) -> Email:
    return Email(from_="ann@a.example", to=list(to or ("bob@b.example",)), subject="hello", text="hello")


def drain(outbox: Outbox, account: Account) -> None:
    outbox.worker(account.transport).drain()  # a worker has connections of its own


def test_what_is_queued_is_delivered(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind)
    ids = [outbox.send(letter(f"user{number}@b.example")).id for number in range(20)]
    drain(outbox, account)
    assert len(account.arrived()) == 20
    delivery = only(outbox, ids[0])
    assert str(delivery.state) == "sent"
    (attempt,) = delivery.history
    assert attempt.route == account.transport.name
    assert attempt.text


@with_two
def test_all_recipients_of_one_site_go_in_one_message(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind)
    outbox.send(letter("bob@b.example", "eve@b.example", "fay@b.example"))
    drain(outbox, account)
    reached = [one.addr_spec for mail in account.arrived() for one in mail.envelope.recipients]
    assert sorted(reached) == ["bob@b.example", "eve@b.example", "fay@b.example"]


@with_two
def test_too_fast_is_tried_again_when_the_provider_says(
    stack: ExitStack, outbox: Outbox, clock: SteppedClock, kind: str
) -> None:
    account = open_account(stack, kind, Trouble(too_fast=True))
    id_ = outbox.send(letter()).id
    drain(outbox, account)
    assert str(only(outbox, id_).state) == "ready"
    assert account.arrived() == []
    clock.advance(3600)
    drain(outbox, account)
    assert str(only(outbox, id_).state) == "sent"
    assert len(account.arrived()) == 1


def test_a_refusal_is_final_and_says_why(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind, Trouble(refused=("bob@b.example",)))
    id_ = outbox.send(letter()).id
    drain(outbox, account)
    delivery = only(outbox, id_)
    assert str(delivery.state) == "refused"
    (attempt,) = delivery.history
    assert attempt.code == 550
    assert account.provider is not None
    assert account.provider.title in attempt.text


@with_two
def test_a_request_in_doubt_is_uncertain_and_listed_as_such(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind, Trouble(broken=True))
    id_ = outbox.send(letter()).id
    drain(outbox, account)
    assert "uncertain" in kinds(only(outbox, id_))
    assert account.arrived() == []


@with_two
def test_a_wrong_endpoint_costs_no_attempt(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind)
    assert account.service is not None
    account.service.emulator.troubles.append(HttpReply(404, b"<html>nothing here</html>"))
    id_ = outbox.send(letter()).id
    with pytest.raises(ConfigurationError):
        drain(outbox, account)
    assert str(only(outbox, id_).state) == "ready"
    drain(outbox, account)
    assert str(only(outbox, id_).state) == "sent"


@with_two
def test_a_wrong_key_costs_no_attempt(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind, Trouble(bad_key=True))
    id_ = outbox.send(letter()).id
    with pytest.raises(AuthenticationError):
        drain(outbox, account)
    delivery = only(outbox, id_)
    assert (str(delivery.state), delivery.attempts) == ("ready", 0)


# ── tags, metadata, and the provider's own name of a message ──────────────────────────────────────────────────────────


def test_tags_and_metadata_reach_the_provider(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind)
    outbox.send(letter().replace(tags=["welcome"], metadata={"order": "12345"}))
    outbox.send(letter("eve@b.example"))
    drain(outbox, account)
    told = {mail.envelope.recipients[0].addr_spec: (mail.tags, dict(mail.metadata)) for mail in account.arrived()}
    assert told == {"bob@b.example": (("welcome",), {"order": "12345"}), "eve@b.example": ((), {})}


def test_the_outbox_itself_holds_what_is_to_go_later(
    stack: ExitStack, outbox: Outbox, clock: SteppedClock, kind: str
) -> None:
    account = open_account(stack, kind)
    outbox.send(letter(), send_at=timedelta(hours=1))
    drain(outbox, account)
    assert account.arrived() == []
    clock.advance(3601)
    drain(outbox, account)
    assert [mail.send_at for mail in account.arrived()] == [None]


def delivered(kind: str, remote_id: str, recipient: str) -> ProviderEvent:
    """What the provider tells of a message by webhook, in the form that it documents."""
    way = WAYS[kind]
    (example,) = way.receiver().events(way.signed(way.example), NOW)
    assert example.remote_id is not None
    assert example.recipient is not None
    told = json.dumps(way.example).replace(example.remote_id.strip("<>"), remote_id.strip("<>"))
    (event,) = way.receiver().events(way.signed(json.loads(told.replace(example.recipient, recipient))), NOW)
    return event


def test_an_event_of_the_provider_finds_the_delivery_it_speaks_of(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind)
    people = ("bob@b.example", "eve@b.example")
    ids = [outbox.send(letter(*people)).id for _ in range(3)]
    drain(outbox, account)
    for id_ in ids:
        for one in outbox.status(id_).recipients:
            (attempt,) = one.history
            assert attempt.remote_id
            assert attempt.as_dict()["remote_id"] == attempt.remote_id
            event = delivered(kind, attempt.remote_id, one.recipient)
            found = outbox.find(remote_id=event.remote_id, recipient=event.recipient)
            assert [(entry.id, entry.recipient) for entry in found] == [(id_, one.recipient)]
    assert outbox.find(remote_id="another") == ()


def test_recipients_who_went_in_several_requests_have_a_name_each(stack: ExitStack, outbox: Outbox) -> None:
    account = open_account(stack, "ses")
    assert account.provider is not None
    people = [f"user{number}@b.example" for number in range(account.provider.max_recipients + 1)]
    id_ = outbox.send(letter(*people)).id
    drain(outbox, account)
    names = [one.history[0].remote_id for one in outbox.status(id_).recipients]
    assert len(account.arrived()) == 2
    assert names == [names[0]] * (len(people) - 1) + [names[-1]]
    assert names[0] != names[-1]
    assert [entry.recipient for entry in outbox.find(remote_id=names[-1])] == people[-1:]


# ── one of three who cannot get it now, or ever ───────────────────────────────────────────────────────────────────────

THREE = ("bob@b.example", "eve@c.example", "fay@d.example")
PAUSED = "c.example"
EVE = "eve@c.example"


def by_recipient(account: Account) -> dict[str, int]:
    """How many mails each of the three has got."""
    reached = [one.addr_spec for mail in account.arrived() for one in mail.envelope.recipients]
    return {one: reached.count(one) for one in THREE}


def states(outbox: Outbox, id_: str) -> dict[str, str]:
    return {one.recipient: str(one.state) for one in outbox.status(id_).recipients}


def goes_whole(account: Account) -> bool:
    return not account.supports("separate_envelope")


def test_a_paused_domain_keeps_a_message_together(
    stack: ExitStack, outbox: Outbox, clock: SteppedClock, kind: str
) -> None:
    account = open_account(stack, kind)
    id_ = outbox.send(letter(*THREE)).id
    outbox.pause(domain=PAUSED, why="they asked us to")
    drain(outbox, account)
    others = 0 if goes_whole(account) else 1
    assert by_recipient(account) == {one: 0 if one == EVE else others for one in THREE}
    assert states(outbox, id_)[EVE] == "ready"
    if goes_whole(account):
        assert set(states(outbox, id_).values()) == {"ready"}
        assert {one.attempts for one in outbox.status(id_).recipients} == {0}
    clock.advance(3600)
    drain(outbox, account)
    assert by_recipient(account) == {one: 0 if one == EVE else others for one in THREE}
    outbox.resume(domain=PAUSED)
    clock.advance(61)  # so often it is looked whether the others may go
    drain(outbox, account)
    assert by_recipient(account) == dict.fromkeys(THREE, 1)
    assert set(states(outbox, id_).values()) == {"sent"}


def test_who_waits_for_a_paused_domain_is_told_so(stack: ExitStack, outbox: Outbox) -> None:
    account = open_account(stack, "postmark")
    outbox.send(letter(*THREE))
    outbox.pause(domain=PAUSED, why="they asked us to")

    def why() -> str | None:
        (one,) = outbox.explain("bob@b.example").deliveries
        return one.sentence if one.reason == "paused" else None

    with outbox.worker(account.transport):
        sentence = wait_until(why, "the reason")
    assert "it waits for the others" in sentence
    assert "The domain c.example is paused" in sentence
    assert "they asked us to" in sentence


def test_a_message_that_waits_for_others_expires_in_time(stack: ExitStack, outbox: Outbox, clock: SteppedClock) -> None:
    account = open_account(stack, "postmark")
    id_ = outbox.send(letter(*THREE), expires_at=timedelta(minutes=10)).id
    outbox.pause(domain=PAUSED)
    drain(outbox, account)
    clock.advance(601)
    drain(outbox, account)
    outbox.resume(domain=PAUSED)
    drain(outbox, account)
    assert set(states(outbox, id_).values()) == {"expired"}
    assert account.arrived() == []


@pytest.mark.parametrize("listed", ["before", "after"])
def test_one_on_the_suppression_list_gets_nothing_and_nobody_gets_it_for_him(
    stack: ExitStack, outbox: Outbox, kind: str, listed: str
) -> None:
    account = open_account(stack, kind)
    if listed == "before":
        outbox.suppressions.add(EVE, reason="complaint")
    id_ = outbox.send(letter(*THREE)).id
    if listed == "after":
        outbox.suppressions.add(EVE, reason="complaint")
    drain(outbox, account)
    whole = goes_whole(account)
    assert by_recipient(account) == {one: 0 if one == EVE or whole else 1 for one in THREE}
    assert states(outbox, id_) == {one: "suppressed" if one == EVE else "refused" if whole else "sent" for one in THREE}
    if whole:
        (why,) = {one.text for one in outbox.status(id_).recipients if one.recipient != EVE}
        assert "1 others would get it too" in (why or "")


def test_recipients_who_come_due_one_after_the_other_go_together(
    stack: ExitStack, tmp_path: Path, clock: SteppedClock, kind: str
) -> None:
    draws = itertools.cycle((0.0, 1.0, 0.5))
    account = open_account(stack, kind)
    with Outbox(f"sqlite:///{tmp_path / 'other.db'}", clock=clock, chance=lambda: next(draws)) as outbox:
        id_ = outbox.send(letter(*THREE)).id
        with ScriptedServer(Step("RCPT", "451 4.3.0 later", times=None)) as slow:
            outbox.worker(f"smtp://{slow.host}:{slow.port}").drain()
        due = sorted({one.due_at for one in outbox.status(id_).recipients if one.due_at is not None})
        assert len(due) == len(THREE)
        clock.advance(due[1].timestamp() - clock.now())
        drain(outbox, account)
        assert sum(by_recipient(account).values()) == (0 if goes_whole(account) else 2)
        clock.advance(due[2].timestamp() - clock.now())
        drain(outbox, account)
        assert by_recipient(account) == dict.fromkeys(THREE, 1)


def test_a_retry_of_one_who_was_refused_mails_nobody_twice(stack: ExitStack, outbox: Outbox, kind: str) -> None:
    account = open_account(stack, kind, Trouble(refused=(EVE,)))
    id_ = outbox.send(letter(*THREE)).id
    drain(outbox, account)
    assert states(outbox, id_)[EVE] == "refused"
    assert account.service is not None
    account.service.emulator.refuses.clear()
    for _ in range(2):
        outbox.retry(id_)
        drain(outbox, account)
    assert [by_recipient(account)[one] for one in THREE if one != EVE] == [1, 1]
    last = [one for one in outbox.status(id_).recipients if one.recipient == EVE][-1]
    if str(last.state) != "sent":  # it stays unsent, and says why
        assert (str(last.state), "would get it too" in (last.text or "")) == ("refused", True)
