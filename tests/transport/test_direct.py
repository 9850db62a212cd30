"""``direct://``: to real receivers on several addresses, found through a name server."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import Abandoned, ConnectError, DatabaseError, DnsError, OutcomeUnknown, RecipientsRefused
from postroad.lookup import Answer, RecordType, Resolver
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import Step, Then
from postroad.transport.direct.settings import Direct
from postroad.transport.direct.transport import DirectTransport
from postroad.transport.smtp.limits import PoolLimits
from tests.fakes import letter
from tests.peers.aiosmtpd_server import AiosmtpdServer
from tests.peers.endpoint import LOOPBACK
from tests.peers.fixtures import StartPostfix
from tests.peers.postfix import PostfixSettings
from tests.transport.receivers import FIRST, NOBODY, SECOND, SIXTH, THIRD, World


def two_hosts(first: str = FIRST, second: str = SECOND, host: object = None) -> dict[str, object]:
    """A domain with two hosts, the first preferred; ``host`` are its records, where they are others."""
    return {
        "b.example": [{"MX": [20, "mx2.b.example"]}, {"MX": [10, "mx1.b.example"]}],
        "mx1.b.example": host or [{"A": first}],
        "mx2.b.example": [{"A": second}],
    }


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


def routes(report: SendReport) -> list[tuple[str, bool]]:
    """The hosts that were tried, and whether it went on from there because of an error."""
    return [(one.route.removeprefix("direct://"), one.error is not None) for one in report.routes]


def count(*servers: AiosmtpdServer) -> list[int]:
    return [len(server.messages(0)) for server in servers]


def test_the_preferred_host_gets_the_mail(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    first, second = world.aiosmtpd(FIRST), world.aiosmtpd(SECOND)
    report = world.deliver(letter())
    assert report.all_accepted
    assert routes(report) == [("mx1.b.example", False)]
    assert count(first, second) == [1, 0]


@pytest.mark.system
def test_the_next_host_is_taken_where_nobody_listens(stack: ExitStack, start_postfix: StartPostfix) -> None:
    postfix = start_postfix(PostfixSettings())
    world = World(stack, two_hosts(NOBODY, LOOPBACK), port=postfix.smtp.port)
    report = world.deliver(letter())
    assert report.all_accepted
    assert routes(report) == [("mx1.b.example", True), ("mx2.b.example", False)]
    (message,) = postfix.deliveries()
    assert message.recipient == "bob@b.example"


def test_a_host_that_was_not_reached_is_tried_last_for_a_while(stack: ExitStack) -> None:
    world = World(stack, two_hosts(NOBODY))
    second = world.scripted(SECOND)

    async def twice(transport: DirectTransport) -> list[SendReport]:
        return [await transport.deliver(letter(text)) for text in ("one", "two")]

    reports = world.run(twice, limits=PoolLimits(idle=600.0))
    assert [routes(report)[-1] for report in reports] == [("mx2.b.example", False)] * 2
    assert len(routes(reports[1])) == 1
    assert len(second.sessions) == 1  # one connection for both


@pytest.mark.parametrize(
    "step",
    [
        Step("GREETING", "421 4.3.2 Not now", then=Then.CLOSE),
        Step("GREETING", "554 5.7.1 Not you", then=Then.CLOSE),
        Step("GREETING", None, then=Then.RESET),
        Step("MAIL", "451 4.3.0 Later"),
        Step("RCPT", "450 4.2.0 Greylisted"),
        Step("DATA", "451 4.3.0 Later"),
        Step("DOT", "452 4.3.1 Full"),
        Step("RCPT", None, then=Then.CLOSE),
    ],
    ids=lambda step: f"{step}",
)
def test_the_next_host_is_tried_where_one_will_not_now(stack: ExitStack, step: Step) -> None:
    world = World(stack, two_hosts())
    world.scripted(FIRST, step)
    second = world.aiosmtpd(SECOND)
    asked: list[tuple[Address, ...]] = []

    async def before_commit(recipients: tuple[Address, ...]) -> bool:
        asked.append(recipients)
        return True

    report = world.deliver(letter(), before_commit)
    assert report.all_accepted, report
    assert count(second) == [1]
    assert len(asked) == 1  # once for each recipient, however many hosts


@pytest.mark.parametrize(
    "step",
    [
        Step("RCPT", "550 5.1.1 No such user"),
        Step("MAIL", "550 5.7.1 Not from you"),
        Step("DOT", "554 5.6.0 Not such content"),
    ],
    ids=lambda step: f"{step}",
)
def test_no_other_host_is_asked_what_one_has_refused_for_good(stack: ExitStack, step: Step) -> None:
    world = World(stack, two_hosts())
    world.scripted(FIRST, step)
    second = world.scripted(SECOND)
    report = world.deliver(letter())
    assert report.outcomes[0].permanent
    assert not second.sessions


def test_no_other_host_is_tried_after_an_unknown_outcome(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    world.scripted(FIRST, Step("DOT", None, then=Then.CLOSE))
    second = world.scripted(SECOND)
    report = world.deliver(letter())
    assert isinstance(report.error, OutcomeUnknown)
    assert report.outcomes[0].unknown
    assert not second.sessions


def test_a_host_that_lacks_a_log_in_is_no_fault_of_ours(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    world.scripted(FIRST, Step("MAIL", "530 5.7.0 Authentication required"))
    report = world.deliver(letter())
    assert report.outcomes[0].permanent
    assert report.error is not None
    assert report.error.slug == "sender_refused"


def test_what_was_said_goes_before_what_was_not_reached(stack: ExitStack) -> None:
    world = World(stack, two_hosts(second=NOBODY))
    world.scripted(FIRST, Step("RCPT", "450 4.2.0 Greylisted"))
    (outcome,) = world.deliver(letter()).outcomes
    assert (outcome.code, outcome.temporary) == (450, True)


def test_two_hosts_that_refuse_for_now_are_enough(stack: ExitStack) -> None:
    records = two_hosts()
    records["b.example"] = [{"MX": [n, f"mx{n}.b.example"]} for n in (1, 2, 3)]
    world = World(stack, {**records, "mx3.b.example": [{"A": THIRD}]})
    for host in (FIRST, SECOND):
        world.scripted(host, Step("RCPT", "450 4.2.0 Greylisted"))
    third = world.scripted(THIRD)
    assert world.deliver(letter()).outcomes[0].temporary
    assert not third.sessions


@pytest.mark.parametrize(
    ("records", "enhanced", "word"),
    [
        ({"b.example": [{"MX": [0, "."]}]}, "5.1.10", "receives no mail"),
        ({"b.example": [{"TXT": "only words"}]}, "5.4.4", "neither mail exchangers nor an address"),
        ({"a.example": [{"A": FIRST}]}, "5.1.2", "does not exist"),
        ({"b.example": [{"MX": [10, "gone.b.example"]}]}, "5.4.4", "no mail exchanger of b.example has an address"),
        ({"b.example": [{"MX": [10, FIRST]}]}, "5.4.4", "no mail exchanger of b.example has an address"),
        ({"b.example": [{"MX": [10, f"[{FIRST}]"]}]}, "5.4.4", "no mail exchanger of b.example has an address"),
        ({"b.example": [{"MX": [10, "not a host@"]}]}, "5.4.4", "no mail exchanger of b.example has an address"),
        ({"b.example": [{"MX": [0, "localhost"]}], "localhost": [{"A": FIRST}]}, "5.4.6", "come back to this host"),
    ],
)
def test_a_domain_without_hosts_is_refused_for_good(
    stack: ExitStack, records: dict[str, object], enhanced: str, word: str
) -> None:
    report = World(stack, records).deliver(letter())
    (outcome,) = report.outcomes
    assert outcome.permanent
    assert (str(outcome.enhanced), outcome.phase) == (enhanced, Phase.DNS)
    assert word in outcome.text
    assert isinstance(report.error, RecipientsRefused)


@pytest.mark.parametrize(
    "records",
    [
        {"b.example": ["SERVFAIL"]},
        {"b.example": [{"MX": [10, "mx.b.example"]}], "mx.b.example": ["SERVFAIL"]},
    ],
)
def test_trouble_of_the_dns_may_pass(stack: ExitStack, records: dict[str, object]) -> None:
    report = World(stack, records).deliver(letter())
    (outcome,) = report.outcomes
    assert outcome.temporary
    assert isinstance(report.error, DnsError)
    assert outcome.phase is Phase.DNS


def test_a_host_that_is_named_more_than_once_is_tried_once(stack: ExitStack) -> None:
    names = ["mx1.b.example", "MX1.b.example", "mx2.b.example", "mx1.b.example"]
    world = World(stack, two_hosts(NOBODY) | {"b.example": [{"MX": [n, name]} for n, name in enumerate(names)]})
    second = world.aiosmtpd(SECOND)
    report = world.deliver(letter())
    assert report.all_accepted
    assert routes(report) == [("mx1.b.example", True), ("mx2.b.example", False)]
    assert count(second) == [1]


def test_a_host_whose_name_is_an_alias_is_reached_all_the_same(stack: ExitStack) -> None:
    # RFC 2181 §10.3 forbids it, and many do it; the doctor says so to the domain that it asks about (MX-02).
    world = World(stack, two_hosts(host=[{"CNAME": "real.b.example"}]) | {"real.b.example": [{"A": FIRST}]})
    first = world.aiosmtpd(FIRST)
    report = world.deliver(letter())
    assert report.all_accepted
    assert routes(report) == [("mx1.b.example", False)]
    assert count(first) == [1]


def test_without_exchangers_the_domain_itself_is_the_host(stack: ExitStack) -> None:
    world = World(stack, {"b.example": [{"A": FIRST}]})
    first = world.aiosmtpd(FIRST)
    assert world.deliver(letter()).all_accepted
    assert count(first) == [1]


@pytest.mark.parametrize(
    ("listens", "records"), [(SIXTH, [{"AAAA": SIXTH}]), (SIXTH, [{"AAAA": SIXTH}, {"A": NOBODY}])]
)
def test_ipv6_is_tried_first(stack: ExitStack, listens: str, records: list[object]) -> None:
    world = World(stack, two_hosts(host=records))
    first = world.aiosmtpd(listens)
    assert world.deliver(letter()).all_accepted
    assert count(first) == [1]


def test_ipv4_is_taken_where_ipv6_does_not_answer(stack: ExitStack) -> None:
    world = World(stack, two_hosts(host=[{"AAAA": SIXTH}, {"A": FIRST}]))
    first = world.aiosmtpd(FIRST)
    report = world.deliver(letter())
    assert report.all_accepted
    assert routes(report) == [("mx1.b.example", False)]
    assert count(first) == [1]


def test_a_source_says_where_we_come_from(stack: ExitStack) -> None:
    world = World(stack, two_hosts(host=[{"AAAA": SIXTH}, {"A": FIRST}]))
    first, sixth = world.scripted(FIRST), world.scripted(SIXTH)
    assert world.deliver(letter(), source=("127.0.0.7",)).all_accepted
    assert not sixth.sessions
    assert len(first.messages) == 1
    report = world.deliver(letter(), source=("192.0.2.1",))
    assert isinstance(report.error, ConnectError)
    assert "192.0.2.1" in report.error.message


def test_domains_with_the_same_hosts_share_a_transaction(stack: ExitStack) -> None:
    same = [{"MX": [10, "MX1.b.example"]}, {"MX": [20, "mx2.b.example"]}]
    world = World(stack, {**two_hosts(), "c.example": same, "d.example": [{"MX": [10, "mx2.b.example"]}]})
    first, second = world.aiosmtpd(FIRST), world.aiosmtpd(SECOND)
    report = world.deliver(letter("x", "bob@b.example", "dan@d.example", "cay@c.example", "eve@gone.example"))
    assert [one.accepted for one in report.outcomes] == [True, True, True, False]
    assert report.error is None
    assert [one.recipients for one in first.messages()] == [("bob@b.example", "cay@c.example")]
    assert [one.recipients for one in second.messages()] == [("dan@d.example",)]


def test_a_host_may_refuse_some_for_now_and_the_next_takes_them(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    first, second = world.aiosmtpd(FIRST), world.scripted(SECOND)
    report = world.deliver(letter("x", "bob@b.example", "defer@b.example", "reject@b.example"))
    assert [one.accepted for one in report.outcomes] == [True, True, False]
    assert [one.recipients for one in first.messages()] == [("bob@b.example",)]
    assert [one.recipients for one in second.messages] == [("defer@b.example",)]


def test_mail_for_our_own_host_is_no_loop(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    first, second = world.scripted(FIRST), world.scripted(SECOND)
    (outcome,) = world.deliver(letter(), ehlo="mx1.b.example").outcomes
    assert str(outcome.enhanced) == "5.4.6"
    assert world.deliver(letter(), ehlo="mx2.b.example").all_accepted  # to those that are preferred
    assert (len(first.sessions), len(second.sessions)) == (1, 0)


def test_the_name_that_is_given_is_said(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    first = world.scripted(FIRST)
    assert world.deliver(letter(), ehlo="out.a.example").all_accepted
    assert "EHLO out.a.example" in first.commands


def test_many_messages_share_the_connections_of_a_host(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    first = world.scripted(FIRST)

    async def many(transport: DirectTransport) -> list[SendReport]:
        return await asyncio.gather(*(transport.deliver(letter(str(number))) for number in range(30)))

    assert all(report.all_accepted for report in world.run(many))
    assert len(first.messages) == 30
    assert len(first.sessions) <= 5


def test_cancelling_a_message_leaves_the_others(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    first = world.aiosmtpd(FIRST)

    async def work(transport: DirectTransport) -> SendReport:
        doomed = asyncio.ensure_future(transport.deliver(letter("one")))
        other = asyncio.ensure_future(transport.deliver(letter("two")))
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        return await other

    assert world.run(work).all_accepted
    assert count(first) == [1]


def test_a_name_that_is_none_is_passed_by(stack: ExitStack) -> None:
    records: dict[str, Any] = two_hosts()
    records["b.example"] = [{"MX": [5, "not a host@.b.example"]}, *records["b.example"]]
    world = World(stack, records)
    first = world.aiosmtpd(FIRST)
    report = world.deliver(letter())
    assert report.all_accepted
    assert routes(report)[0][1]
    assert count(first) == [1]


def test_an_address_literal_is_its_own_host(stack: ExitStack) -> None:
    world = World(stack, {})
    first = world.aiosmtpd(FIRST)
    report = world.deliver(letter("x", f"bob@[{FIRST}]"))
    assert report.all_accepted
    assert routes(report) == [(FIRST, False)]
    assert [one.recipients for one in first.messages()] == [(f"bob@[{FIRST}]",)]


class SlowNames:
    """Answers when it is told to."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        self.asked.set()
        await self.released.wait()
        return await self._inner.lookup(name, kind)


def test_closing_drops_what_is_still_being_looked_up(stack: ExitStack) -> None:
    world = World(stack, two_hosts())
    first = world.scripted(FIRST)

    async def work() -> SendReport:
        names = SlowNames(world.resolver)
        transport = DirectTransport(Direct(port=world.port, mta_sts=False), resolver=names)
        delivering = transport.deliver(letter())
        await names.asked.wait()
        await transport.aclose()
        names.released.set()
        return await delivering

    report = asyncio.run(work())
    assert isinstance(report.error, Abandoned)
    assert not first.sessions


def test_what_one_group_meets_does_not_hide_what_became_of_the_others(stack: ExitStack) -> None:
    world = World(stack, {**two_hosts(), "d.example": [{"MX": [10, "mx2.b.example"]}]})
    for host in (FIRST, SECOND):
        world.aiosmtpd(host)

    async def before_commit(recipients: tuple[Address, ...]) -> bool:
        if recipients[0].domain == "d.example":
            raise DatabaseError("the disk is full")
        return True

    report = world.deliver(letter("x", "bob@b.example", "dan@d.example"), before_commit)
    assert [one.accepted for one in report.outcomes] == [True, False]
    assert isinstance(report.outcomes[1].error, DatabaseError)
