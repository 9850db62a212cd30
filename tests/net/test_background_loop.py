"""An event loop in a thread of its own: thread-safe, and gone when it should be."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import pytest

from postroad.errors import ConfigurationError
from postroad.net import background_loop
from postroad.net.background_loop import BackgroundLoop
from tests.fakes import let_others_run
from tests.peers.waiting import wait_until

NAME = "test-loop"


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


async def which() -> tuple[int, int]:
    await let_others_run()
    return threading.get_ident(), id(asyncio.get_running_loop())


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def test_it_runs_elsewhere_and_always_in_the_same_loop() -> None:
    loop = BackgroundLoop(NAME)
    running = [loop.running]
    first, second = loop.run(which()), loop.run(which())
    assert first == second
    assert first[0] != threading.get_ident()
    assert len(threads()) == 1
    running.append(loop.running)
    loop.close()
    running.append(loop.running)
    assert running == [False, True, False]
    assert threads() == []
    loop.close()


def test_after_closing_it_starts_anew() -> None:
    loop = BackgroundLoop(NAME)
    loop.run(which())
    loop.close()
    assert loop.run(which())[0] in {thread.ident for thread in threads()}
    loop.close()


def test_it_starts_anew_only_when_the_old_loop_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever belongs to the old loop, such as a pool of connections, cannot be told from one that is still in use."""
    monkeypatch.setattr(background_loop, "GRACE_SECONDS", 0.05)
    loop = BackgroundLoop(NAME)

    async def running_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    old = loop.run(running_loop())

    async def old_has_ended() -> bool:
        return old.is_closed()

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(loop.begin, old.create_future)
        wait_until(lambda: True if loop._begun else None, "the call that holds up the end")
        closing = pool.submit(loop.close)
        wait_until(lambda: None if loop.running else True, "the beginning of the end")
        assert loop.run(old_has_ended())
        with pytest.raises(CancelledError):
            waiting.result(5.0)
        closing.result(5.0)
    loop.close()


def test_results_and_exceptions_come_back() -> None:
    async def fails() -> None:
        raise LookupError("not there")

    loop = BackgroundLoop(NAME)
    with pytest.raises(LookupError, match="not there"):
        loop.run(fails())
    loop.close()


def test_many_threads_start_one_loop() -> None:
    loop = BackgroundLoop(NAME)
    barrier = threading.Barrier(8)

    def call(_: int) -> tuple[int, int]:
        barrier.wait(60)
        return loop.run(which())

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(call, range(8)))) == 1
    assert len(threads()) == 1
    loop.close()


def test_what_is_posted_happens_in_order_with_what_is_run() -> None:
    seen: list[int] = []
    loop = BackgroundLoop(NAME)

    async def look() -> list[int]:
        return list(seen)

    for number in range(5):
        loop.post(seen.append, number)
    assert loop.run(look()) == [0, 1, 2, 3, 4]
    loop.close()


def test_it_does_not_wait_for_itself() -> None:
    loop = BackgroundLoop(NAME)

    async def inside() -> None:
        loop.run(which())

    with pytest.raises(ConfigurationError, match="wait for itself"):
        loop.run(inside())
    loop.close()


def test_an_interrupted_call_is_cancelled_there(monkeypatch: pytest.MonkeyPatch) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def work() -> None:
        started.set()
        try:
            await for_ever()
        finally:
            cancelled.set()

    def interrupted(_: Future[None], timeout: float | None = None) -> None:
        """Ctrl-C while the caller waits."""
        assert started.wait(60)
        raise KeyboardInterrupt

    loop = BackgroundLoop(NAME)
    with monkeypatch.context() as patch:
        patch.setattr(Future, "result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            loop.run(work())
    assert cancelled.wait(60)
    loop.close()


def test_closing_lets_calls_end_that_can() -> None:
    loop = BackgroundLoop(NAME)
    started, allowed = threading.Event(), asyncio.Event()

    async def work() -> str:
        started.set()
        await allowed.wait()
        return "done"

    with ThreadPoolExecutor() as pool:
        call = pool.submit(loop.run, work())
        assert started.wait(60)
        loop.post(lambda event: event.set(), allowed)
        loop.close()
        assert call.result(10) == "done"


def test_closing_cancels_what_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_loop, "GRACE_SECONDS", 0.01)
    loop, started = BackgroundLoop(NAME), threading.Event()

    async def work() -> None:
        started.set()
        await for_ever()

    with ThreadPoolExecutor() as pool:
        call = pool.submit(loop.run, work())
        assert started.wait(60)
        loop.close()
        with pytest.raises(CancelledError):
            call.result(10)
    assert threads() == []


def test_no_call_is_lost_while_others_close() -> None:
    loop = BackgroundLoop(NAME)

    async def quick() -> str:
        return "done"

    def call(_: int) -> str:
        return loop.run(quick())

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, number) for number in range(400)]
        for _ in range(20):
            loop.close()
        assert {one.result(20) for one in calls} == {"done"}
    loop.close()


def test_it_goes_when_nobody_holds_it_any_more() -> None:
    loop = BackgroundLoop(NAME)
    loop.run(which())
    del loop
    gc.collect()
    assert threads() == []


PROGRAM = """
import asyncio
from postroad.net.background_loop import BackgroundLoop

async def leave_something():
    asyncio.ensure_future(asyncio.get_running_loop().create_future())
    asyncio.get_running_loop().create_task(asyncio.Event().wait())
    return "done"

loop = BackgroundLoop("left-open")
print(loop.run(leave_something()))
"""


def test_a_process_ends_without_closing_it() -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


FORKING = """
import os, sys
from postroad.net.background_loop import BackgroundLoop

async def pid():
    return os.getpid()

loop = BackgroundLoop("forked")
assert loop.run(pid()) == os.getpid()
loop._lock.acquire()  # as if another thread were just starting something
child = os.fork()
if child == 0:
    try:
        assert not loop.running
        assert loop.run(pid()) == os.getpid()
        loop.close()
        loop.close()
        os._exit(0)
    except BaseException as fault:
        print(repr(fault), file=sys.stderr, flush=True)
        os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
loop._lock.release()
assert loop.run(pid()) == os.getpid()
loop.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork")
def test_a_forked_child_has_a_loop_of_its_own() -> None:
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", FORKING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
