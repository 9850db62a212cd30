"""MTA-STS policies, as ``direct://`` keeps them: by their age, by the id of their record, and through failures."""

import asyncio
from dataclasses import dataclass, field

from postroad.lookup import Answer, Fetched, FetchFailed, RecordType
from postroad.net.dns.zone import Zone
from postroad.routing.mta_sts import Mode, Policy
from postroad.routing.tls_results import ResultType
from postroad.transport.direct.policies import RETRY_AFTER, PolicyCache
from postroad.transport.direct.tls_counts import TlsResults
from tests.fakes import FakeClock, let_others_run
from tests.peers.policy_host import policy_page

DAY = 86_400


def page(mode: str = "enforce", days: int = 2) -> bytes:
    return policy_page(mode, "mx.b.example", max_age=days * DAY).octets()


@dataclass
class Desk:
    """A cache, the zone before it, and the web server; ``page`` is what that has, if it has any."""

    page: bytes | None = field(default_factory=page)
    asked: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    results: TlsResults = field(default_factory=TlsResults)
    id: str | None = "1"

    def __post_init__(self) -> None:
        self.cache = PolicyCache(self, self, self.results, self.clock)

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        records: dict[str, object] = {"_mta-sts.b.example": [{"TXT": f"v=STSv1; id={self.id};"}]}
        return Zone({} if self.id is None else records).answer(name, kind)

    async def get(self, url: str, *, limit: int, timeout: float) -> Fetched | FetchFailed:
        self.asked += 1
        await let_others_run()
        return FetchFailed(url, "down") if self.page is None else Fetched(url, 200, "text/plain", self.page)

    async def mode(self) -> Mode | None:
        policy = await self.cache.policy_of("b.example")
        return None if policy is None else policy.mode


def test_all_who_ask_at_once_share_one_fetch() -> None:
    async def work() -> None:
        desk = Desk()
        found = await asyncio.gather(*(desk.mode() for _ in range(5)))
        assert (found, desk.asked) == ([Mode.ENFORCE] * 5, 1)

    asyncio.run(work())


def test_who_goes_leaves_it_to_the_others() -> None:
    async def work() -> None:
        desk = Desk()
        first, second = (asyncio.ensure_future(desk.mode()) for _ in range(2))
        await let_others_run()
        first.cancel()
        assert await second is Mode.ENFORCE

    asyncio.run(work())


def test_another_id_means_another_policy() -> None:
    async def work() -> None:
        desk = Desk()
        await desk.mode()
        desk.page = page("testing")
        assert (await desk.mode(), desk.asked) == (Mode.ENFORCE, 1)
        desk.id = "2"
        assert (await desk.mode(), desk.asked) == (Mode.TESTING, 2)
        desk.id, desk.page = "3", page("none")
        assert await desk.mode() is None

    asyncio.run(work())


def test_a_policy_is_renewed_before_it_ends() -> None:
    async def work() -> None:
        desk = Desk()
        await desk.mode()
        desk.clock.at += DAY - 1
        await desk.mode()
        assert desk.asked == 1
        desk.clock.at += 2
        await desk.mode()
        assert desk.asked == 2
        desk.clock.at += 2 * DAY - 1  # of the new one
        desk.id = None
        assert await desk.mode() is Mode.ENFORCE

    asyncio.run(work())


def test_what_was_fetched_holds_while_it_cannot_be_had_until_it_ends() -> None:
    async def work() -> None:
        desk = Desk()
        await desk.mode()
        desk.page, desk.id = None, "2"
        assert (await desk.mode(), desk.asked) == (Mode.ENFORCE, 2)
        assert (await desk.mode(), desk.asked) == (Mode.ENFORCE, 2)  # not again at once
        desk.clock.at += RETRY_AFTER
        assert (await desk.mode(), desk.asked) == (Mode.ENFORCE, 3)
        desk.clock.at += 2 * DAY
        assert await desk.mode() is None
        (results,) = desk.results.read()
        assert [one.result for one in results.failures] == [ResultType.STS_POLICY_FETCH_ERROR]
        assert results.failures[0].sessions == 3

    asyncio.run(work())


def test_a_domain_that_says_nothing_is_not_asked_by_https() -> None:
    async def work() -> None:
        desk = Desk(id=None)
        assert (await desk.mode(), desk.asked) == (None, 0)
        desk.id = "1"
        assert isinstance(await desk.cache.policy_of("b.example"), Policy)

    asyncio.run(work())
