"""Access tokens from a callback: one call for all who wait, anew when they run out, in threads and loops."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from postroad.errors import ConfigurationError, DnsError, SecretUnavailable
from postroad.net.access_token import AccessToken, AccessTokens
from postroad.secret import Secret
from tests.fakes import START, FakeClock, let_others_run
from tests.showing import shows_nothing

PATIENCE = 120.0  # seconds; only waited for by a test that fails
HOUR = timedelta(hours=1)


class Issuer:
    """Numbers its tokens: t1, t2, …"""

    def __init__(self, expires_at: datetime | timedelta | None = HOUR) -> None:
        self.calls = 0
        self.threads: set[str] = set()
        self.expires_at = expires_at
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def __call__(self) -> AccessToken:
        self.calls += 1
        number = self.calls
        self.threads.add(threading.current_thread().name)
        self.reached.set()
        assert self.open.wait(PATIENCE)
        return AccessToken(f"t{number}", self.expires_at)


def got(tokens: AccessTokens, seconds: float = PATIENCE) -> str:
    return asyncio.run(tokens.get(seconds)).reveal()


async def issue() -> str:
    return "t"


class AsyncIssuer:
    async def __call__(self) -> str:
        return "t"


@pytest.mark.parametrize(
    "callback",
    [
        lambda: "t",
        lambda: Secret("t"),
        lambda: AccessToken("t"),
        lambda: AccessToken(Secret("t"), HOUR),
        issue,
        partial(issue),
        AsyncIssuer(),
        lambda: issue(),  # noqa: PLW0108 - a plain function that returns a coroutine
    ],
)
def test_what_a_callback_may_be(callback: Callable[[], Any]) -> None:
    assert got(AccessTokens(callback)) == "t"


def test_it_is_kept_until_a_minute_before_its_end() -> None:
    clock = FakeClock()
    issuer = Issuer()
    tokens = AccessTokens(issuer, clock)
    seen = []
    for at in (0, 3539, 3540, 3541):
        clock.at = START + at
        seen.append(got(tokens))
    assert seen == ["t1", "t1", "t2", "t2"]
    assert issuer.threads == {"postroad-secret"}


@pytest.mark.parametrize(
    ("expires_at", "calls"),
    [
        (None, 2),  # the callback knows itself
        (timedelta(seconds=60), 2),
        (timedelta(seconds=-5), 2),
        (timedelta(seconds=61), 1),
        (datetime.fromtimestamp(START + 61, UTC), 1),
        (datetime.fromtimestamp(START + 60, UTC), 2),
    ],
)
def test_how_long_a_token_lasts(expires_at: datetime | timedelta | None, calls: int) -> None:
    issuer = Issuer(expires_at)
    tokens = AccessTokens(issuer, FakeClock())
    assert [got(tokens), got(tokens)] == ["t1", f"t{calls}"]
    assert issuer.calls == calls


def test_an_end_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="time zone"):
        AccessToken("t", datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake


def test_a_refused_token_is_not_given_out_again_but_a_newer_one_is() -> None:
    issuer = Issuer()
    tokens = AccessTokens(issuer, FakeClock())
    assert got(tokens) == "t1"
    tokens.forget(Secret("t1"))
    assert got(tokens) == "t2"
    tokens.forget(Secret("t1"))
    assert got(tokens) == "t2"


def test_many_connections_in_many_threads_make_one_call() -> None:
    issuer = Issuer()
    issuer.open.clear()
    tokens = AccessTokens(issuer)

    async def many() -> list[Secret]:
        return await asyncio.gather(*(tokens.get(PATIENCE) for _ in range(50)))

    with ThreadPoolExecutor(4) as threads:
        loops = [threads.submit(asyncio.run, many()) for _ in range(4)]
        assert issuer.reached.wait(PATIENCE)
        issuer.open.set()
        assert {token.reveal() for loop in loops for token in loop.result()} == {"t1"}
    assert issuer.calls == 1


def test_an_asynchronous_callback_is_called_once_and_serves_other_loops_too() -> None:
    calls: list[asyncio.AbstractEventLoop] = []
    begun, go_on = threading.Event(), threading.Event()

    async def callback() -> AccessToken:
        calls.append(asyncio.get_running_loop())
        begun.set()
        await asyncio.to_thread(go_on.wait, PATIENCE)
        return AccessToken(f"t{len(calls)}", HOUR)

    tokens = AccessTokens(callback)

    async def many() -> list[Secret]:
        return await asyncio.gather(*(tokens.get(PATIENCE) for _ in range(20)))

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(asyncio.run, many())
        assert begun.wait(PATIENCE)
        others = [threads.submit(asyncio.run, many()) for _ in range(2)]
        go_on.set()
        assert {token.reveal() for loop in (first, *others) for token in loop.result()} == {"t1"}
    assert len(calls) == 1


def test_whoever_is_cancelled_ends_it_for_nobody_else() -> None:
    issuing: list[asyncio.Future[str]] = []

    async def callback() -> str:
        issuing.append(asyncio.get_running_loop().create_future())
        return await issuing[0]

    async def work() -> Secret:
        tokens = AccessTokens(callback)
        first, second = (asyncio.create_task(tokens.get(PATIENCE)) for _ in range(2))
        while not issuing:
            await let_others_run()
        first.cancel()
        await asyncio.wait((first,))
        issuing[0].set_result("t")
        return await second

    assert asyncio.run(work()) == Secret("t")


def test_a_loop_that_ends_under_the_callback_fails_only_those_who_waited_for_it() -> None:
    begun = threading.Event()
    calls: list[int] = []

    async def callback() -> str:
        calls.append(1)
        if len(calls) == 1:
            begun.set()
            await asyncio.get_running_loop().create_future()
        return "t"

    tokens = AccessTokens(callback)

    async def leave() -> None:
        waiting = asyncio.create_task(tokens.get(PATIENCE))
        await asyncio.to_thread(begun.wait, PATIENCE)
        waiting.cancel()

    asyncio.run(leave())  # cancels the callback's task
    assert got(tokens) == "t"


class Revoked(Exception):
    """As the libraries of issuers have them."""


def failing(fault: Exception) -> Callable[[], str]:
    def callback() -> str:
        raise fault

    return callback


def failing_later(fault: Exception) -> Callable[[], Awaitable[str]]:
    async def callback() -> str:
        raise fault

    return callback


@pytest.mark.parametrize("make", [failing, failing_later])
def test_a_callback_that_fails(make: Callable[[Exception], Callable[[], Any]]) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        got(AccessTokens(make(Revoked("invalid_grant:\n expired"))))
    assert str(caught.value) == "token: the callback failed: Revoked: invalid_grant: expired"
    assert isinstance(caught.value.__cause__, Revoked)
    assert caught.value.temporary
    with pytest.raises(DnsError, match="no such host"):  # ours go through
        got(AccessTokens(make(DnsError("no such host"))))


@pytest.mark.parametrize("answer", [None, b"hunter2", {"access_token": "hunter2"}, 5])
def test_a_callback_that_returns_no_token(answer: object) -> None:
    async def later() -> Any:
        return answer

    def at_once() -> Any:
        return answer

    for callback in (later, at_once):
        with pytest.raises(ConfigurationError) as caught:
            got(AccessTokens(callback))
        assert f"returned {type(answer).__name__}; give str or AccessToken" in str(caught.value)
        shows_nothing(caught.value, "hunter2")


def test_a_callback_that_hangs_is_waited_for_only_so_long() -> None:
    issuer = Issuer()
    issuer.open.clear()
    tokens = AccessTokens(issuer)
    with pytest.raises(SecretUnavailable, match="no answer within"):
        got(tokens, 0.05)
    issuer.open.set()
    assert got(tokens) == "t2"


def test_it_shows_nothing() -> None:
    tokens = AccessTokens(lambda: AccessToken("hunter2", HOUR))
    got(tokens)
    assert "hunter2" not in repr(tokens) + repr(AccessToken("hunter2")) + str(AccessToken("hunter2"))
