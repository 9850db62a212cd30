"""Who receives for which domain, found out beside the work."""

import asyncio
from dataclasses import dataclass, field

from postroad.lookup import Mx
from postroad.outbox.destination import Destinations
from postroad.outbox.shaping.in_force import shipped_rules
from postroad.outbox.shaping.rules import Rules, Site
from postroad.outbox.site_finder import AGAIN_AFTER, AT_ONCE, SHORTEST, SiteFinder
from postroad.routing.mx import MailHosts, Reception
from tests.fakes import FakeClock, let_others_run

RULES = Rules(sites={"google": Site("google", frozenset({"gmail.com"}), ("google.com",))})


@dataclass
class Names:
    """Answers from what it is told; who asks waits while it is closed."""

    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ttl: float = 0.0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    failing: bool = False

    async def mail_hosts(self, domain: str) -> MailHosts:
        self.asked.append(domain)
        await self.open.wait()
        if self.failing:
            return MailHosts(domain, Reception.UNKNOWN, reason="timeout")
        hosts = tuple(Mx(10, host) for host in self.hosts.get(domain, ()))
        return MailHosts(domain, Reception.EXCHANGERS if hosts else Reception.NOWHERE, hosts, ttl=self.ttl)


@dataclass
class Desk:
    """A finder, and what it has told."""

    names: Names = field(default_factory=Names)
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[tuple[str, str, str | None]] = field(default_factory=list)
    rules: Rules = RULES

    def __post_init__(self) -> None:
        self.names.open.set()
        self.finder = SiteFinder(Destinations(self.rules), self.rules, self.names.mail_hosts, self.clock)
        self.finder.on_found = lambda *news: self.told.append(news)

    async def found(self, domain: str) -> str:
        self.finder.settled(domain)
        await let_others_run(3)
        assert self.finder.settled(domain)
        return self.finder.site(domain)


def test_hosts_of_a_provider_are_its_site_and_others_what_they_are_registered_under() -> None:
    async def work() -> None:
        desk = Desk(Names({"b.example": ("aspmx.l.google.com", "alt1.aspmx.l.google.com"), "c.example": ("mx.d.org",)}))
        assert not desk.finder.settled("b.example")
        assert desk.finder.site("b.example") == "b.example"
        assert [await desk.found(one) for one in ("b.example", "c.example", "e.example")] == [
            "google", "d.org", "e.example",
        ]  # fmt: skip
        assert desk.told == [
            ("b.example", "google", None), ("c.example", "d.org", None), ("e.example", "e.example", None),
        ]  # fmt: skip

    asyncio.run(work())


def test_shipped_exchangers_are_found() -> None:
    async def work() -> None:
        hosts: dict[str, tuple[str, ...]] = {
            "b.example": ("b-example.mail.protection.outlook.com",),
            "c.example": ("mx1.mail.yahoo.co.jp",),
        }
        desk = Desk(Names(hosts), rules=shipped_rules())
        assert [await desk.found(one) for one in hosts] == ["office365", "yahoo-japan"]

    asyncio.run(work())


def test_what_the_rules_know_is_not_looked_up() -> None:
    async def work() -> None:
        desk = Desk()
        assert desk.finder.settled("gmail.com")
        assert desk.finder.site("gmail.com") == "google"
        assert desk.names.asked == []

    asyncio.run(work())


def test_an_answer_is_kept_and_serves_until_there_is_a_newer_one() -> None:
    async def work() -> None:
        desk = Desk(Names({"b.example": ("mx.d.org",)}, ttl=3600))
        await desk.found("b.example")
        desk.clock.at += 3599
        assert await desk.found("b.example") == "d.org"
        assert len(desk.names.asked) == 1
        desk.clock.at += 2
        desk.names.hosts["b.example"] = ("mx.google.com",)
        assert desk.finder.settled("b.example")
        assert desk.finder.site("b.example") == "d.org"
        assert await desk.found("b.example") == "google"
        assert desk.told[-1] == ("b.example", "google", "d.org")

    asyncio.run(work())


def test_what_fails_is_a_site_of_its_own_and_asked_for_again() -> None:
    async def work() -> None:
        desk = Desk(Names({"b.example": ("mx.d.org",)}, failing=True))
        assert await desk.found("b.example") == "b.example"
        desk.names.failing = False
        desk.clock.at += AGAIN_AFTER
        assert await desk.found("b.example") == "d.org"
        desk.names.failing = True
        desk.clock.at += SHORTEST
        assert await desk.found("b.example") == "d.org"  # what was known stays
        assert len(desk.names.asked) == 3

    asyncio.run(work())


def test_so_many_are_looked_up_at_once() -> None:
    async def work() -> None:
        desk = Desk()
        desk.names.open.clear()
        domains = [f"b{number}.example" for number in range(AT_ONCE + 1)]
        for _ in range(2):
            for domain in domains:
                assert not desk.finder.settled(domain)
            await let_others_run()
        assert desk.names.asked == domains[:-1]
        desk.names.open.set()
        await let_others_run(3)
        assert await desk.found(domains[-1]) == domains[-1]

    asyncio.run(work())


def test_after_the_end_nothing_is_found() -> None:
    async def work() -> None:
        desk = Desk()
        desk.names.open.clear()
        desk.finder.settled("b.example")
        await let_others_run()
        desk.finder.close()
        desk.names.open.set()
        await let_others_run(3)
        assert desk.told == []

    asyncio.run(work())
