"""The race over the addresses of a host: the first that answers wins, and nobody's socket is lost."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from postroad.net import happy_eyeballs
from postroad.net.happy_eyeballs import connected_socket, interleaved, numeric
from tests.fakes import let_others_run
from tests.peers.endpoint import free_endpoint

SILENT = "192.0.2.1"  # never connected to: these tests put a connect that never ends in its place


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, tuple[Any, ...]]]]:
    """What every name resolves to, in order; and a silent address that takes for ever."""
    targets: list[tuple[int, tuple[Any, ...]]] = []

    def getaddrinfo(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return [(family, socket.SOCK_STREAM, 6, "", address) for family, address in targets]

    real = happy_eyeballs._attempt

    async def attempt(target: Any, source: str | None) -> socket.socket:
        if target[1][0] == SILENT:
            await asyncio.get_running_loop().create_future()
        return await real(target, source)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(happy_eyeballs, "_attempt", attempt)
    yield targets
    gc.collect()


def connect(host: str, port: int) -> tuple[str, int]:
    connection = asyncio.run(connected_socket(host, port))
    with connection:
        peer: tuple[str, int] = connection.getpeername()
        return peer


def test_an_address_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with listening() as server:
        assert connect("127.0.0.1", port_of(server)) == server.getsockname()
    assert numeric("::1", 25) == [(socket.AF_INET6, ("::1", 25))]
    assert numeric("mail.example", 25) == []
    assert numeric("127.1", 25) == []


def test_a_dead_address_is_passed_over(resolved: list[Any]) -> None:
    with listening() as server:
        resolved += [(socket.AF_INET, free_endpoint()), (socket.AF_INET, server.getsockname())]
        assert connect("mail.example", 25) == server.getsockname()


def test_a_silent_address_is_overtaken(resolved: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happy_eyeballs, "ATTEMPT_DELAY", 0.01)
    with listening() as server:
        resolved += [(socket.AF_INET, (SILENT, 25)), (socket.AF_INET, server.getsockname())]
        assert connect("mail.example", 25) == server.getsockname()


def test_the_first_fault_is_told_when_none_answers(resolved: list[Any]) -> None:
    resolved += [(socket.AF_INET, free_endpoint()), (socket.AF_INET, free_endpoint())]
    with pytest.raises(ConnectionRefusedError):
        connect("mail.example", 25)


def test_a_name_that_is_none() -> None:
    with pytest.raises(UnicodeError):
        connect("a..b", 25)
    with pytest.raises(socket.gaierror):
        connect("no-such-host.invalid", 25)


def test_the_loser_of_the_race_is_closed(resolved: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as first, listening() as second:
        resolved += [(socket.AF_INET, first.getsockname()), (socket.AF_INET, second.getsockname())]
        monkeypatch.setattr(happy_eyeballs, "ATTEMPT_DELAY", 0.0)
        winner = connect("mail.example", 25)
        assert winner in (first.getsockname(), second.getsockname())
        gc.collect()  # an unclosed socket would be a warning, and warnings are errors here


@pytest.mark.parametrize("rounds", range(8))
def test_cancelled_at_any_moment_no_socket_is_lost(resolved: list[Any], rounds: int) -> None:
    async def work(server: socket.socket) -> None:
        resolved.append((socket.AF_INET, server.getsockname()))
        connecting = asyncio.ensure_future(connected_socket("127.0.0.1", port_of(server)))
        await let_others_run(rounds)
        connecting.cancel()
        try:
            (await connecting).close()
        except asyncio.CancelledError:
            await let_others_run(2)

    with listening() as server:
        asyncio.run(work(server))
        gc.collect()


def test_families_take_turns() -> None:
    four, six = socket.AF_INET, socket.AF_INET6
    a, b, c = (("192.0.2.1", 1)), (("192.0.2.2", 1)), (("192.0.2.3", 1))
    x, y = (("2001:db8::1", 1, 0, 0)), (("2001:db8::2", 1, 0, 0))
    assert interleaved([(six, x), (six, y), (four, a), (four, b), (four, c)]) == [
        (six, x), (four, a), (six, y), (four, b), (four, c),
    ]  # fmt: skip
    assert interleaved([]) == []
