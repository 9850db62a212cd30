"""The bench's own arithmetic: turns, medians, goals, what is printed."""

import json
import socket
from contextlib import ExitStack
from functools import partial
from io import StringIO
from time import perf_counter

import pytest
from rich.console import Console

from benchmarks.contest import Contest, Effort, Figure, Peer, Result, Row, absent, peer, run
from benchmarks.delaying_proxy import delaying_proxy
from benchmarks.report import as_json, goals_missed, print_table
from benchmarks.sending import counted
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import StartSink
from tests.peers.sink import run_smtp_source


def row(figure: Figure, ours: list[float], *peers: Peer) -> Row:
    taken = iter(ours)
    contest = Contest(work=100, turns=len(ours), ours=lambda: next(taken), peers=peers)
    return Row("name", "what", figure, lambda stack, effort: contest)


def result(figure: Figure, goal: float, ours: list[float], theirs: list[float]) -> Result:
    taken = iter(theirs)
    return run(row(figure, ours, peer("them", goal, lambda: next(taken))), Effort.FULL)


@pytest.mark.parametrize(
    ("figure", "goal", "met"),
    [(Figure.RATE, 4, True), (Figure.RATE, 4.1, False), (Figure.TIME, 0.25, True), (Figure.TIME, 0.2, False)],
)
def test_the_ratio_is_the_median_of_turns(figure: Figure, goal: float, met: bool) -> None:
    # The second turn hit a slow moment: both took ten times as long, which changes no ratio.
    (comparison,) = result(figure, goal, [1.0, 10.0, 2.0], [4.0, 40.0, 2.0]).comparisons
    assert comparison.ratio == pytest.approx(4 if figure is Figure.RATE else 0.25)
    assert comparison.met is met


def test_figures_are_rates_and_milliseconds() -> None:
    assert result(Figure.RATE, 1, [2.0], [4.0]).ours == 50
    assert result(Figure.TIME, 1, [2.0], [4.0]).ours == 20


def test_everybody_goes_first_in_turn() -> None:
    order = []

    def take(name: str) -> float:
        order.append(name)
        return 1.0

    others = [peer(name, None, partial(take, name)) for name in "bc"]
    contest = Contest(work=1, turns=3, ours=lambda: take("a"), peers=others)
    run(Row("name", "what", Figure.RATE, lambda stack, effort: contest), Effort.FULL)
    assert "".join(order) == "abcbcacab"


def test_what_a_row_started_is_ended() -> None:
    ended: list[Effort] = []

    def prepare(stack: ExitStack, effort: Effort) -> Contest:
        stack.callback(ended.append, effort)
        return Contest(work=1, turns=1, ours=lambda: 1.0, peers=[])

    run(Row("name", "what", Figure.RATE, prepare), Effort.QUICK)
    assert ended == [Effort.QUICK]


def test_an_absent_peer_is_named_and_misses_nothing() -> None:
    ran = run(row(Figure.RATE, [1.0], absent("them", 3, "them is not installed")), Effort.FULL)
    printed = StringIO()
    print_table([ran], Console(width=200, file=printed))
    assert "them is not installed" in printed.getvalue()
    assert goals_missed([ran]) == []


def test_a_missed_goal_is_told_in_every_form() -> None:
    ran = result(Figure.RATE, 3, [1.0], [2.0])
    assert goals_missed([ran]) == ["name beside them"]
    ((theirs,),) = [line["peers"] for line in json.loads(as_json([ran]))]
    assert theirs == {"name": "them", "theirs": 50, "ratio": 2, "goal": 3, "met": False, "absent": ""}


@pytest.mark.system
def test_nobody_is_believed_without_the_sink(start_sink: StartSink) -> None:
    sink = start_sink()

    def three() -> float:
        run_smtp_source(sink.smtp, "-m", "3")
        return 1.0

    assert counted(sink, 3, three)() == 1.0
    with pytest.raises(RuntimeError, match="3 messages came, 4 were sent"):
        counted(sink, 4, three)()


def test_the_proxy_holds_bytes_back_both_ways() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        delaying_proxy(Endpoint(*server.getsockname()), 0.04) as far,
        socket.create_connection(far) as client,
    ):
        near, _ = server.accept()
        started = perf_counter()
        client.sendall(b"ping")
        assert near.recv(10) == b"ping"
        near.sendall(b"pong")
        assert client.recv(10) == b"pong"
        assert perf_counter() - started >= 0.04
        near.close()
        assert client.recv(10) == b""
