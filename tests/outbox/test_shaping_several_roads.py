"""What one account of a composed route is told is about that one, and its mail takes another road."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from postroad.clock import SYSTEM_CLOCK
from postroad.database.database import Database
from postroad.outbox.blocking import Outbox
from postroad.outbox.destination import Destinations
from postroad.outbox.resting import Resting
from postroad.outbox.restraint import Restraint, road_of
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.shaping.shaper import Shaper
from postroad.outbox.suspend import suspensions
from postroad.transport.direct.settings import Direct
from postroad.transport.direct.transport import DirectTransport
from postroad.transport.failover import ComposedTransport
from postroad.transport.from_url import from_url
from postroad.transport.gcra import Rate
from postroad.transport.restraint import Hold
from tests.outbox.letters import letter
from tests.outbox.stepped_clock import SteppedClock
from tests.outbox.strict_server import StrictServer
from tests.peers.waiting import wait_until

OWN = """
[[reply]]
id = "used-up"
code = 450
text = "daily limit"
example = "450 4.2.1 daily limit exceeded"
for = "12h"
suspend = true
"""


class UsedUp(StrictServer):
    """Takes nothing more today."""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own spelling
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.refused += 1
        return "450 4.2.1 daily limit exceeded"


@pytest.fixture
def outbox(clock: SteppedClock) -> Iterator[Outbox]:
    with Outbox("sqlite://", clock=clock) as opened:
        yield opened


def test_what_an_account_has_used_up_goes_by_the_next_one(outbox: Outbox, clock: SteppedClock, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(OWN)
    with UsedUp() as first, StrictServer() as second:
        route = f"failover(smtp+insecure://{first.smtp}?pool=1 smtp+insecure://{second.smtp}?pool=1)"
        outbox.send(letter("first@b.example"))
        with outbox.worker(route, limits=rules):
            wait_until(lambda: first.refused or None, "the reply")
            for number in range(10):
                outbox.send(letter(f"{number}@b.example"))

            def sent() -> bool | None:
                clock.advance(60)
                return outbox.stats().states["sent"] == 11 or None

            wait_until(sent, "everything to go by the second account")
            database = outbox._store.database
            resting = [(one.scope, one.key) for one in database.read(lambda c: suspensions(c, clock.now()))]
        assert resting == [("account", f"{first.smtp}")]
        assert first.refused <= 3
        assert len(second.recipients) == 11


def test_a_server_that_lets_in_few_is_met_by_few_also_behind_a_composed_route(
    outbox: Outbox, clock: SteppedClock
) -> None:
    with StrictServer(most=3) as narrow, StrictServer() as wide:
        narrow.gate.clear()
        for number in range(40):
            outbox.send(letter(f"{number}@b.example"))
        with outbox.worker(f"roundrobin(smtp+insecure://{narrow.smtp}?pool=8 smtp+insecure://{wide.smtp}?pool=8)"):
            (found, *_) = wait_until(lambda: outbox.overrides() or None, "an override")
            assert (found.scope, found.key) == ("account", f"{narrow.smtp}")
            wait_until(lambda: narrow.open <= 4 or None, "fewer connections")
            narrow.gate.set()


def test_a_road_that_is_held_back_is_passed_by_until_it_is_free() -> None:
    composed = from_url("failover(smtp://a.example smtp://b.example)")
    assert isinstance(composed, ComposedTransport)
    first, second = composed.accounts
    for hold in (Hold(connections=0), Hold(rests=True)):
        composed.restrain(first.name, hold)
        assert composed._is_held(composed.transports[0])
        assert not composed._is_held(composed.transports[1])
        composed.restrain(first.name, Hold())
        assert not composed._is_held(composed.transports[0])
    assert second.name != first.name
    asyncio.run(composed.aclose())


def test_what_a_source_may_do_holds_for_connections_to_hosts() -> None:
    rules = rules_in(b'[source."203.0.113.7"]\nnew_connections = "30/min"\nmessages_per_connection = 3\n', "own rules")
    transport = DirectTransport(Direct(source=("203.0.113.7",), mta_sts=False))
    shaper = Shaper(rules, Destinations(rules), road_of(transport))
    database = Database("sqlite://")
    restraint = Restraint(database, transport, shaper, SYSTEM_CLOCK)
    restraint.begin(lambda measures: None, Resting)
    assert transport._hold_of("b.example") == Hold(messages=3, new_connections=Rate(30, 60.0))
    database.close()


def test_the_log_says_what_an_account_of_several_cannot_keep_to(caplog: pytest.LogCaptureFixture) -> None:
    rules = rules_in(b'[account."a.example"]\nper_day = 2\n[account."b.example"]\nconnections = 2\n', "own rules")
    transport = from_url("failover(smtp://a.example smtp://b.example)")
    shaper = Shaper(rules, Destinations(rules), road_of(transport))
    database = Database("sqlite://")
    with caplog.at_level("WARNING", "postroad.outbox"):
        Restraint(database, transport, shaper, SYSTEM_CLOCK).begin(lambda measures: None, Resting)
    (said,) = caplog.messages
    assert said.startswith("a.example")
    assert "number per day is not kept to" in said
    database.close()
