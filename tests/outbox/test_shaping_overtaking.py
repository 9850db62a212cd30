"""A password mail overtakes a newsletter at the same site, and the newsletter still moves: nine turns of ten to one."""

import asyncio
from pathlib import Path

import pytest

from postroad.outbox.blocking import Outbox
from postroad.outbox.destination import Destinations
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.shaping.rules import Rules
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.shaping.shaper import Road, Shaper
from postroad.outbox.stream import Stream, StreamKind
from postroad.outbox.supply import Supply
from postroad.testing import SimulatedProvider, Traffic, simulate
from tests.fakes import let_others_run, middle
from tests.outbox.letters import copy_first, letter
from tests.outbox.scripted_transport import ScriptedTransport, Stop
from tests.outbox.stepped_clock import SteppedClock
from tests.peers.waiting import wait_until

SITE = "b.example"
NEWSLETTERS = 2000
PASSWORDS = 60


def own(text: str) -> Rules:
    return rules_in(text.encode(), "own rules")


def queue_newsletters(outbox: Outbox, url: str, number: int) -> None:
    outbox.send(letter(f"first@{SITE}"), stream="bulk")
    copy_first(url, number - 1, SITE)


def queue_passwords(outbox: Outbox, number: int) -> None:
    for one in range(number):
        outbox.send(letter(f"password{one}@{SITE}"))


def passwords(sent: list[str]) -> list[int]:
    """Their places among everything that was sent."""
    return [place for place, one in enumerate(sent) if one.startswith("password")]


def test_a_password_mail_overtakes_two_thousand_newsletters_that_still_move(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mail.db'}"
    stop = Stop()
    transport = ScriptedTransport(after_dot=stop)
    with Outbox(url) as outbox:
        queue_newsletters(outbox, url, NEWSLETTERS)
        with outbox.worker(transport, limits=own(f'[site."{SITE}"]\nconnections = 1\n')):
            stop.wait_until_reached()
            queue_passwords(outbox, PASSWORDS)
            # Two of each priority at least: the worker has seen the passwords.
            wait_until(
                lambda: len(outbox.find(state="leased", stream="transactional")) > 1 or None, "passwords in hand"
            )
            stop.open()
            wait_until(lambda: len(passwords(sent_of(transport))) == PASSWORDS or None, "all passwords")
    places = passwords(sent_of(transport))
    assert places[0] <= 2  # behind the one that was on the wire, and one whose turn it was
    newsletters = places[-1] + 1 - PASSWORDS
    assert PASSWORDS / 20 <= newsletters <= PASSWORDS / 2  # a ninth, if no claim comes late


def sent_of(transport: ScriptedTransport) -> list[str]:
    return [one for (one,) in list(transport.sent)]


@pytest.mark.parametrize("scope", ["site", "domain"])
@pytest.mark.parametrize("limit", ["connections = 1", 'rate = "20/s"', 'rate = "1/s"', 'rate = "6/min"'])
def test_nine_turns_of_ten_belong_to_the_passwords_however_slow_the_site(
    tmp_path: Path, limit: str, scope: str
) -> None:
    """What a worker does, step by step: hands out what may go, and only then looks for more."""
    url = f"sqlite:///{tmp_path / 'mail.db'}"
    clock = SteppedClock()
    rules = own(f'[{scope}."{SITE}"]\n{limit}\n')
    shaper = Shaper(rules, Destinations(rules), Road("smtp://relay"))
    with Outbox(url, clock=clock) as outbox:
        queue_newsletters(outbox, url, 200)

    async def turns() -> list[str]:
        async with AsyncOutbox(url, clock=clock) as outbox:
            supply = Supply(
                outbox._store.database, "me", 4, shaper, clock=clock, next_try=lambda lease, now: now + 10_000
            )
            await supply.survey()
            gone: list[str] = []
            queued = False
            taker = asyncio.ensure_future(supply.take())
            while len(gone) < 70:
                if len(gone) >= 10 and not queued:
                    queued = True
                    for number in range(80):
                        await outbox.send(letter(f"password{number}@{SITE}"))
                    await supply.survey()
                for _ in range(2):  # before anything is claimed, as where a claim takes a while
                    supply.hand_out()
                    await let_others_run(2)
                    if taker.done():
                        turn = taker.result()
                        gone += [lease.recipient for lease in turn.item.parcel.leases]
                        taker = asyncio.ensure_future(supply.take())
                        supply.done(turn)
                await supply.load()
                while await supply.claim():
                    await supply.load()
                clock.advance(max(0.01, min(supply.next_look() - clock.now(), 1.0)))
            taker.cancel()
            await asyncio.gather(taker, return_exceptions=True)
            supply.close()
            return gone

    sent = asyncio.run(turns())
    places = passwords(sent)
    assert places[0] <= 10 + 4  # those that went before they were seen
    assert len(places) / (len(sent) - places[0]) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("rate", ["20/s", "1/s", "6/min", "1/min"])
def test_so_it_is_in_a_simulation(rate: str) -> None:
    traffic = [
        Traffic(SITE, Stream("bulk", StreamKind.BULK), 2000),
        Traffic(SITE, Stream("transactional"), 90, since=10.0),
    ]
    providers = [SimulatedProvider(SITE, latency=0.05)]
    outcome = simulate(traffic, providers, chance=middle, limits=own(f'[site."{SITE}"]\nrate = "{rate}"\n'))
    sent = sorted((one.ended_at or 0.0, one.stream) for one in outcome.deliveries)
    order = [stream for at, stream in sent if at > 10.0]
    last = max(place for place, stream in enumerate(order) if stream == "transactional")
    assert order.index("transactional") <= 2
    assert 90 / (last + 1) == pytest.approx(0.9, abs=0.02)
