"""A worker that delivers to the recipients' own hosts: sites by their mail exchangers, and what happens without any."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event

import pytest

from postroad.lookup import Answer, RecordType, Resolver
from postroad.outbox.blocking import Outbox
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.rules import Rules, Site
from postroad.outbox.site_table import known_sites
from postroad.testing import Step
from postroad.transport.direct.settings import Direct
from postroad.transport.direct.transport import DirectTransport
from tests.outbox.letters import letter, only, wait_for_states
from tests.outbox.stepped_clock import SteppedClock
from tests.outbox.strict_server import StrictServer
from tests.peers.endpoint import LOOPBACK
from tests.peers.waiting import PATIENCE, wait_until
from tests.transport.receivers import FIRST, SECOND, World

MX: list[object] = [{"MX": [10, "mx1.big.example"]}, {"MX": [20, "mx2.big.example"]}]
RECORDS: dict[str, object] = {
    "b.example": MX,
    "c.example": MX,
    "mx1.big.example": [{"A": FIRST}],
    "mx2.big.example": [{"A": SECOND}],
    "d.example": [{"MX": [10, "mx.d.example"]}],
    "mx.d.example": [{"A": SECOND}],
    "null.example": [{"MX": [0, "."]}],
    "nobody.example": [{"TXT": "only words"}],
    "silent.example": ["SERVFAIL"],
}
BIG = Rules(sites={"big": Site("big", exchangers=("big.example",), limits=Limits(connections=2))})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture
def outbox(clock: SteppedClock) -> Iterator[Outbox]:
    with Outbox("sqlite://", clock=clock) as opened:
        yield opened


def sites(outbox: Outbox) -> dict[str, str]:
    """As they are written down for everybody."""
    return outbox._store.database.read(known_sites)


def test_mail_arrives_and_domains_of_the_same_hosts_are_one_site(stack: ExitStack, outbox: Outbox) -> None:
    world = World(stack, RECORDS)
    first, second = world.aiosmtpd(FIRST), world.aiosmtpd(SECOND)
    for number in range(10):
        outbox.send(letter(f"bob{number}@b.example", f"cay{number}@c.example", f"dan{number}@d.example"))
    with outbox.worker(world.transport()):
        wait_for_states(outbox, sent=30)
    assert sum(len(one.recipients) for one in first.messages()) == 20
    assert sum(len(one.recipients) for one in second.messages()) == 10
    assert {name: sites(outbox).get(name) for name in ("b.example", "c.example")} == {
        "b.example": "big.example", "c.example": "big.example",
    }  # fmt: skip
    assert outbox.explain("c.example").site == "big.example"


def test_the_limits_of_a_site_hold_for_all_of_its_domains(stack: ExitStack, outbox: Outbox) -> None:
    server = stack.enter_context(StrictServer())
    world = World(stack, {**RECORDS, "mx1.big.example": [{"A": LOOPBACK}]}, port=server.smtp.port)
    server.gate.clear()
    for number in range(20):
        outbox.send(letter(f"bob{number}@{'bc'[number % 2]}.example"))
    with outbox.worker(world.transport(), limits=BIG):
        wait_until(lambda: server.held == 2 or None, "as many as may")
        server.gate.set()
        wait_for_states(outbox, sent=20)
    assert server.widest <= 2
    assert sites(outbox) == {"b.example": "big", "c.example": "big"}


@pytest.mark.parametrize(
    ("domain", "enhanced", "reason"),
    [("null.example", "5.1.10", "null_mx"), ("nobody.example", "5.4.4", "no_mx"), ("gone.example", "5.1.2", "no_mx")],
)
def test_a_domain_without_hosts_refuses_for_good(
    stack: ExitStack, outbox: Outbox, domain: str, enhanced: str, reason: str
) -> None:
    world = World(stack, RECORDS)
    sent = outbox.send(letter(f"bob@{domain}"))
    outbox.worker(world.transport()).drain()
    delivery = only(outbox, sent.id)
    assert (str(delivery.state), delivery.enhanced) == ("refused", enhanced)
    assert outbox.explain(f"bob@{domain}").deliveries[0].reason == reason
    assert [one.bounce_class for one in delivery.history] == ["hard_domain"]


def test_trouble_of_the_dns_defers(stack: ExitStack, outbox: Outbox, clock: SteppedClock) -> None:
    world = World(stack, RECORDS)
    sent = outbox.send(letter("bob@silent.example", "dan@d.example"))
    server = world.aiosmtpd(SECOND)
    outbox.worker(world.transport()).drain()
    assert len(server.messages()) == 1
    states = {one.recipient: str(one.state) for one in outbox.status(sent.id).recipients}
    assert states == {"bob@silent.example": "ready", "dan@d.example": "sent"}
    (waiting,) = outbox.explain("silent.example").deliveries
    assert (waiting.reason, "SERVFAIL" in waiting.sentence) == ("dns_trouble", True)


class SlowNames:
    """Answers at once, but for one domain, and for that when it is told to."""

    def __init__(self, inner: Resolver, slow: str) -> None:
        self._inner = inner
        self._slow = slow
        self.asked, self.released = Event(), Event()

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        if name == self._slow:
            self.asked.set()
            await asyncio.to_thread(self.released.wait, PATIENCE)
        return await self._inner.lookup(name, kind)


def test_who_is_being_looked_up_holds_nobody_up(stack: ExitStack, outbox: Outbox) -> None:
    world = World(stack, RECORDS)
    first, second = world.aiosmtpd(FIRST), world.aiosmtpd(SECOND)
    names = SlowNames(world.resolver, "b.example")
    transport = DirectTransport(Direct(port=world.port, mta_sts=False), resolver=names)
    outbox.send(letter("bob@b.example"))
    with outbox.worker(transport):
        assert names.asked.wait(PATIENCE)
        for number in range(5):
            outbox.send(letter(f"dan{number}@d.example"))
        wait_for_states(outbox, sent=5)
        assert outbox.explain("b.example").counts == {"ready": 1}  # not even claimed
        names.released.set()
        wait_for_states(outbox, sent=6)
    assert (len(first.messages()), len(second.messages(5))) == (1, 5)


def test_the_host_that_took_it_is_on_record(stack: ExitStack, outbox: Outbox) -> None:
    world = World(stack, RECORDS)
    world.scripted(FIRST, Step("RCPT", "450 4.2.0 Greylisted"))
    world.aiosmtpd(SECOND)
    sent = outbox.send(letter("bob@b.example"))
    outbox.worker(world.transport()).drain()
    (attempt,) = only(outbox, sent.id).history
    assert attempt.route == "direct://mx2.big.example"


def test_connections_of_a_site_carry_as_many_messages_as_they_may(stack: ExitStack, outbox: Outbox) -> None:
    world = World(stack, RECORDS)
    server = world.scripted(FIRST)
    for number in range(6):
        outbox.send(letter(f"bob{number}@b.example"))
    limits = Limits(connections=1, messages_per_connection=2)
    with outbox.worker(
        world.transport(), limits=Rules(sites={"big": Site("big", exchangers=("big.example",), limits=limits)})
    ):
        wait_for_states(outbox, sent=6)
    carried = [sum(command.startswith("MAIL") for command in session.commands) for session in server.sessions]
    assert (sum(carried), max(carried)) == (6, 2)


def test_how_tls_went_can_be_read_beside_the_worker(stack: ExitStack, outbox: Outbox) -> None:
    world = World(stack, RECORDS)
    world.aiosmtpd(FIRST)
    transport = world.transport()
    outbox.send(letter("bob@b.example"))
    outbox.worker(transport).drain()
    (results,) = transport.tls_results.take()
    assert (results.domain, [str(one.result) for one in results.failures]) == ("b.example", ["starttls-not-supported"])
