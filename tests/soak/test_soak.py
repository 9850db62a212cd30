"""Many messages through five connections to a server at which everything goes wrong, recipient by recipient.

Proved: what the sender was told is what the server did; no answer and no content ever belonged to another message; and
the sender's memory, files and tasks do not grow. ``POSTROAD_SOAK_MESSAGES`` (1000) says how many messages there are;
``make soak`` sends ten thousand.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

ROOT = Path(__file__).parents[2]
MESSAGES = int(os.environ.get("POSTROAD_SOAK_MESSAGES", "1000"))
WHOLE = 10_000  # messages, with which everything goes wrong
SEED = int(os.environ.get("POSTROAD_SOAK_SEED", "1"))
SECONDS = 300  # for the sender; it needs about 2 for each thousand messages

# What may be there at the end beyond what was there after warming up. Leaking one object a message would be one block a
# message at least; caches of fixed size fill up meanwhile.
MOST_BLOCKS_A_MESSAGE = 0.1
MOST_BLOCKS = 1_000
MOST_OCTETS = 4_000_000  # resident; the large messages leave the allocator with a hole or two


@contextmanager
def unreliable_server() -> Iterator[tuple[int, int]]:
    """The SMTP port and the control port of a server that is a process of its own."""
    command = [sys.executable, "-m", "tests.soak.unreliable_server", str(SEED)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            mail, control = map(int, process.stdout.readline().split())
            yield mail, control
        finally:
            process.terminate()


def ledger_at(control: int) -> dict[str, Any]:
    with create_connection(("127.0.0.1", control), timeout=30) as connection, connection.makefile("rwb") as lines:
        lines.write(b"ledger\n")
        lines.flush()
        ledger: dict[str, Any] = json.loads(lines.readline())
        return ledger


@dataclass
class Told:
    """What the sender was told of one recipient; no result where the caller went away before there was one."""

    recipient: str
    result: str | None
    reply: str | None

    @property
    def of_another(self) -> bool:
        """The reply speaks of somebody else: the server's replies name the recipient or the message's number."""
        if self.reply is None or self.reply.startswith(("421", "354")) or ": " not in self.reply:
            return False
        number = self.recipient.partition("@")[0].partition(".")[2]
        names = (f"{self.recipient}:", f" {number}:", f"s.{number}@a.example:")
        return not any(name in self.reply for name in names)


def told_of(message: dict[str, Any]) -> list[Told]:
    """One entry for each recipient, in the envelope's order, and none for anybody else."""
    outcomes = [Told(*outcome) for outcome in message["outcomes"]]
    if not outcomes:
        assert "error" not in message, "a report without outcomes"
        return [Told(recipient, None, None) for recipient in message["recipients"]]
    assert [one.recipient for one in outcomes] == message["recipients"]
    return outcomes


def test_every_recipient_is_accounted_for_and_nothing_grows(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with unreliable_server() as (mail, control):
        arguments = map(str, (mail, control, SEED, MESSAGES, results))
        subprocess.run([sys.executable, "-m", "tests.soak.sender", *arguments], cwd=ROOT, check=True, timeout=SECONDS)
        ledger = ledger_at(control)
    *messages, end = map(json.loads, results.read_text().splitlines())
    told = [one for message in messages for one in told_of(message)]
    print(summary(told, ledger, end))  # shown where it fails, and by ``make soak``

    assert ledger["mismatches"] == [], "a content met another envelope"
    assert ledger["complaints"] == [], "the sender broke the protocol"
    assert [one for one in told if one.of_another] == [], "an answer was taken for another's"
    assert_accounts_agree(told, Counter(ledger["taken"]))
    assert_nothing_grows(end)
    assert_it_was_no_walk(told, ledger)


def assert_accounts_agree(told: list[Told], taken: Counter[str]) -> None:
    assert len({one.recipient for one in told}) == len(told), "two reports speak of one recipient"
    assert taken.keys() <= {one.recipient for one in told}
    for one in told:
        match one.result:
            case "accepted":
                assert taken[one.recipient] == 1, one
            case "refused":
                assert taken[one.recipient] == 0, one
            case _:  # unknown, or nobody waited to hear it
                assert taken[one.recipient] <= 1, one


def assert_nothing_grows(end: dict[str, Any]) -> None:
    memory = end["memory"]
    warm, last = memory[len(memory) // 4], memory[-1]
    since = MESSAGES * 3 // 4
    assert last["blocks"] - warm["blocks"] <= MOST_BLOCKS + MOST_BLOCKS_A_MESSAGE * since
    assert last["resident"] - warm["resident"] <= MOST_OCTETS
    for name in ("files", "tasks"):
        assert {moment[name] for moment in memory} == {warm[name]}, name
    assert end["tasks_left"] == 0


def assert_it_was_no_walk(told: list[Told], ledger: dict[str, Any]) -> None:
    """Mail went through, and much went wrong: otherwise nothing was shown."""
    results = Counter(one.result for one in told)
    assert results["accepted"] > len(told) * 0.75
    assert results["refused"] > len(told) * 0.02
    misfortunes = ledger["misfortunes"]
    assert sum(misfortunes.values()) > MESSAGES * 0.03
    assert ledger["sessions"] > MESSAGES * 0.01
    # What a session meets is seeded, how many there are is not: a thousand messages may miss what is rare.
    rare = {"HANG_UP", "CLOSING_WHILE_IDLE"} if MESSAGES >= WHOLE else set()
    assert {"CLOSING", "LATE_ANSWER"} | rare <= misfortunes.keys()


def summary(told: list[Told], ledger: dict[str, Any], end: dict[str, Any]) -> str:
    first, last = end["memory"][len(end["memory"]) // 4], end["memory"][-1]
    return "\n".join(
        (
            f"{MESSAGES} messages, seed {SEED}, {ledger['sessions']} sessions, {ledger['transactions']} transactions",
            f"recipients: {dict(Counter(str(one.result) for one in told))}, taken {sum(ledger['taken'].values())}",
            f"misfortunes: {ledger['misfortunes']}",
            f"after warming up {first}, at the end {last}",
        )
    )
