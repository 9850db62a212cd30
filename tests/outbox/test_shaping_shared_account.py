"""Workers that share an account at a real server stay under its limits together, whoever comes and goes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from postroad.outbox.blocking import Outbox
from postroad.outbox.liveness import GIVEN_UP_AFTER
from tests.outbox.letters import letter, wait_for_states, wait_for_workers
from tests.outbox.processes import Process
from tests.outbox.strict_server import StrictServer
from tests.peers.waiting import wait_until

CONNECTIONS, MESSAGES, SECONDS = 4, 20, 1.0
OTHER = "127.0.0.5"  # where one of two workers connects from
# What is spaced evenly when it sets out does not arrive so: of a busy machine's delays so many are forgiven.
DELAYS = 4


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running


@pytest.fixture
def outboxes(server_database: str) -> Iterator[list[Outbox]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Outbox(server_database)) for _ in range(3)]


def rules(folder: Path, text: str) -> Path:
    file = folder / "rules.toml"
    file.write_text(text)
    return file


def test_connections_of_two_workers_and_of_a_third_that_comes(
    server: StrictServer, outboxes: list[Outbox], tmp_path: Path
) -> None:
    first, second, third = outboxes
    limits = rules(tmp_path, f'[account."127.0.0.1"]\nconnections = {CONNECTIONS}\n')
    route = f"smtp+insecure://{server.smtp}?pool=8"
    server.gate.clear()
    for number in range(120):
        first.send(letter(f"{number}@{number % 5}.example"))
    with first.worker(route, limits=limits), second.worker(route, limits=limits):
        wait_until(lambda: server.held == CONNECTIONS or None, "all the connections that are allowed")
        with third.worker(route, limits=limits):
            wait_for_workers(first, 3)
            server.gate.set()
            wait_for_states(first, sent=120)
    assert server.widest == CONNECTIONS
    assert sorted(server.recipients) == sorted(set(server.recipients))


def test_a_rate_of_two_workers(server: StrictServer, outboxes: list[Outbox], tmp_path: Path) -> None:
    limits = rules(tmp_path, f'[account."127.0.0.1"]\nconnections = {CONNECTIONS}\nrate = "{MESSAGES}/s"\n')
    route = f"smtp+insecure://{server.smtp}?pool=8"
    first, second, _ = outboxes
    for number in range(50):
        first.send(letter(f"{number}@b.example"))
    with first.worker(route, limits=limits), second.worker(route, limits=limits):
        wait_for_states(first, sent=50)
    assert server.most_within(SECONDS) <= MESSAGES + DELAYS
    assert server.widest <= CONNECTIONS


def test_what_a_killed_worker_had_of_a_limit_the_others_take(
    server: StrictServer, server_database: str, tmp_path: Path
) -> None:
    limits = rules(tmp_path, f'[account."127.0.0.1"]\nconnections = {CONNECTIONS}\n')
    route = f"smtp+insecure://{server.smtp}?pool=8"
    others = f"{route}&source={OTHER}"
    server.gate.clear()
    with Outbox(server_database) as outbox:
        for number in range(60):
            outbox.send(letter(f"{number}@b.example"))
        with (
            Process("deliver", server_database, others, str(limits), log=tmp_path / "log") as process,
            outbox.worker(route, limits=limits),
        ):
            wait_until(lambda: server.held == CONNECTIONS or None, "all the connections that are allowed")
            wait_for_workers(outbox, 2)
            process.kill()
            wait_until(lambda: server.peers[OTHER] == 0 or None, "the end of the killed worker's connections")
            with psycopg.connect(server_database) as database:
                database.execute(
                    "UPDATE postroad_worker SET heartbeat_at = heartbeat_at - %s WHERE pid = %s",
                    [GIVEN_UP_AFTER + 1, process.pid],
                )
            wait_until(lambda: server.held == CONNECTIONS or None, "the whole limit")
            server.gate.set()
            wait_until(lambda: outbox.stats().states["ready"] == 0 or None, "everything to go")
    assert server.widest <= CONNECTIONS
