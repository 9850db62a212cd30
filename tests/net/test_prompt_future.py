"""Futures that tell at once, and blocking calls that wait for one."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from postroad.errors import ConfigurationError
from postroad.net.background_loop import BackgroundLoop
from postroad.net.prompt_future import BlockingCall, PromptFuture


def test_it_tells_of_each_kind_of_end_once_and_at_once() -> None:
    async def work() -> None:
        told: list[object] = []
        ends: list[Callable[[PromptFuture[str]], object]] = [
            lambda future: future.set_result("x"),
            lambda future: future.set_exception(LookupError()),
            lambda future: future.cancel(),
        ]
        for number, end in enumerate(ends, 1):
            future: PromptFuture[str] = PromptFuture()
            future.on_told = told.append
            end(future)
            assert told[-1] is future
            assert not future.cancel()
            assert len(told) == number
            assert future.cancelled() or future.exception() or future.result() == "x"

    asyncio.run(work())


def loop_future(result: str) -> "asyncio.Future[str]":
    future: PromptFuture[str] = PromptFuture()
    asyncio.get_running_loop().call_soon(future.set_result, result)
    return future


def plain_future(result: str) -> "asyncio.Future[str]":
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


def test_a_call_waits_for_its_future() -> None:
    background = BackgroundLoop("test")
    assert background.begin(lambda: loop_future("prompt")) == "prompt"
    assert background.begin(lambda: plain_future("plain")) == "plain"
    background.close()


def test_a_call_that_was_cancelled_before_its_turn_does_not_begin() -> None:
    """As where the loop ends while it stands in line: its caller has heard that it was cancelled."""
    begun: list[object] = []

    async def work() -> None:
        def start() -> "asyncio.Future[str]":
            begun.append(None)
            return plain_future("too late")

        call = BlockingCall(start)
        call.cancel()
        call.begin()
        with pytest.raises(CancelledError):
            call.wait()

    asyncio.run(work())
    assert not begun


def test_what_goes_wrong_there_is_raised_here() -> None:
    def fail() -> "asyncio.Future[str]":
        raise LookupError("at the start")

    def fail_later() -> "asyncio.Future[str]":
        future: PromptFuture[str] = PromptFuture()
        asyncio.get_running_loop().call_soon(future.set_exception, LookupError("later"))
        return future

    background = BackgroundLoop("test")
    with pytest.raises(LookupError, match="at the start"):
        background.begin(fail)
    with pytest.raises(LookupError, match="later"):
        background.begin(fail_later)
    background.close()


def test_a_call_out_of_its_own_loop_is_refused() -> None:
    background = BackgroundLoop("test")

    async def inside() -> str:
        with pytest.raises(ConfigurationError, match="its own event loop"):
            background.begin(lambda: plain_future("never"))
        return "refused"

    assert background.run(inside()) == "refused"
    background.close()


def test_closing_waits_a_moment_for_calls_and_then_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad.net.background_loop.GRACE_SECONDS", 0.05)
    background, begun = BackgroundLoop("test"), threading.Event()

    def never() -> "asyncio.Future[str]":
        begun.set()
        return asyncio.get_running_loop().create_future()

    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(background.begin, never)
        assert begun.wait(60)
        background.close()
        with pytest.raises(CancelledError):
            call.result(10)


def test_closing_lets_a_call_end_that_is_about_to() -> None:
    background, begun = BackgroundLoop("test"), threading.Event()
    futures: list[PromptFuture[str]] = []

    def later() -> "asyncio.Future[str]":
        futures.append(PromptFuture())
        begun.set()
        return futures[0]

    with ThreadPoolExecutor(2) as threads:
        call = threads.submit(background.begin, later)
        assert begun.wait(60)
        background.post(futures[0].set_result, "in time")
        background.close()
        assert call.result(10) == "in time"
