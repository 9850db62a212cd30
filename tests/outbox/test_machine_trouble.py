"""Trouble of the machine while a worker delivers: a full disk, a database that is away or locked, a clock that is set,
and new tables under load. Nothing is lost, what went wrong is told, and nobody has to lend a hand afterwards.
"""

import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from postroad.clock import SystemClock
from postroad.database import migrate as migrating
from postroad.database import schema
from postroad.database.database import Database
from postroad.database.migrate import migrate_database
from postroad.errors import DatabaseError
from postroad.outbox.blocking import Outbox
from postroad.transport.to_memory import MemoryTransport
from tests.outbox.letters import letter, only, wait_for_states
from tests.outbox.scripted_transport import ScriptedTransport, Stop
from tests.outbox.test_crash import STREAMS, site
from tests.peers.postgresql import Postgresql
from tests.peers.waiting import wait_until

HOUR = 3600.0


# ── a full disk ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody may mount a small disk here")
    yield folder
    # An exception that the test has caught may hold a cursor, and with it the file.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that leaves no room."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return ballast


def test_a_disk_that_is_full_for_a_while(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    stop, transport = Stop(), ScriptedTransport()
    transport.before_dot = stop
    with Outbox(f"sqlite:///{small_disk / 'mail.db'}") as outbox, outbox.worker(transport):
        outbox.send(letter("0@b.example"))
        stop.wait_until_reached()
        ballast = fill(small_disk)
        receipted = 1 + sum(iter(partial(sent, outbox), 0))
        with pytest.raises(DatabaseError, match="database or disk is full") as caught:
            outbox.send(letter(text="x" * 10_000))
        assert caught.value.temporary
        stop.open()
        wait_until(lambda: "could not be written" in caplog.text or None, "the worker to notice")
        assert sum(outbox.stats().states.values()) == receipted  # it can be read, and what little fits is written
        ballast.unlink()
        outbox.send(letter("last@b.example"))
        wait_for_states(outbox, sent=receipted + 1)
        assert len(transport.sent) == receipted + 1
        assert outbox.stats().uncertain_ever == 0


def test_a_disk_that_is_full_before_there_is_an_outbox_may_have_room_later(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk / 'mail.db'}"
    ballast = fill(small_disk)
    with pytest.raises(DatabaseError, match="database or disk is full") as caught:
        Outbox(url)
    assert caught.value.temporary
    assert "Make room" in caught.value.advice
    ballast.unlink()
    with Outbox(url) as outbox:
        assert sent(outbox) == 1


def sent(outbox: Outbox) -> int:
    """How many messages were queued: one, until there is no room."""
    try:
        outbox.send(letter(text="x" * 10_000))
    except DatabaseError:
        return 0
    return 1


# ── a database that is away ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["kill", "shut_down"])
def test_a_server_that_is_away_for_a_while(how: str) -> None:
    transport = MemoryTransport()
    with Postgresql() as server:
        url = server.url(server.new_database())
        migrate_database(url)
        with Outbox(url) as outbox, outbox.worker(transport):
            outbox.send(letter("before@b.example"))
            wait_for_states(outbox, sent=1)
            getattr(server, how)()
            for _ in range(2):
                with pytest.raises(DatabaseError) as caught:
                    outbox.send(letter("meanwhile@b.example"))
                assert caught.value.temporary
            with pytest.raises(DatabaseError, match="the database postgresql://"):
                outbox.stats()
            server.start()
            wait_until(partial(accepted, outbox, "after@b.example"), "the outbox to find its server")
            wait_for_states(outbox, sent=2)
    assert len(transport.messages) == 2


def accepted(outbox: Outbox, recipient: str) -> bool | None:
    try:
        outbox.send(letter(recipient))
    except DatabaseError:
        return None
    return True


def test_a_file_that_somebody_else_has_locked_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("postroad.database.engine.BUSY_TIMEOUT", 0.05)
    stop, transport = Stop(), ScriptedTransport()
    transport.before_dot = stop
    file = tmp_path / "mail.db"
    with Outbox(f"sqlite:///{file}") as outbox, outbox.worker(transport):
        receipt = outbox.send(letter("bob@b.example"))
        stop.wait_until_reached()
        stranger = sqlite3.connect(file, isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="database is locked") as caught:
            outbox.send(letter("meanwhile@b.example"))
        assert caught.value.temporary
        stop.open()
        wait_until(lambda: "so the mail is held back" in caplog.text or None, "the worker to notice")
        assert transport.sent == []
        stranger.execute("ROLLBACK")
        stranger.close()
        outbox.send(letter("after@b.example"))
        wait_for_states(outbox, sent=2)
        assert not only(outbox, receipt.id).uncertain_ever
    assert sorted(transport.sent) == [("after@b.example",), ("bob@b.example",)]


# ── a clock that is set ───────────────────────────────────────────────────────────────────────────────────────────────


class SetClock(SystemClock):
    """The machine's clock, which somebody sets; what it measures goes on as before."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> float:
        return super().now() + self.ahead


def deferred_once(recipient: str, attempt: int) -> str | None:
    return "451 4.3.0 later" if recipient.startswith("later") and attempt == 1 else None


def test_a_clock_that_goes_an_hour_forward_and_back(shared_database: str) -> None:
    clock, transport = SetClock(), ScriptedTransport(at_rcpt=deferred_once)
    with Outbox(shared_database, clock=clock) as outbox, outbox.worker(transport):
        outbox.send(letter("later-1@b.example"))
        wait_until(lambda: transport.tried or None, "the first try")
        wait_for_states(outbox, ready=1)
        clock.ahead = HOUR
        wait_for_states(outbox, sent=1)  # its time has come
        outbox.send(letter("later-2@b.example"))
        outbox.send(letter("forward@b.example"))
        wait_for_states(outbox, sent=2, ready=1)
        clock.ahead = 0.0
        outbox.send(letter("back@c.example"))
        outbox.send(letter("back@b.example"))  # to a site where somebody waits for an hour
        wait_for_states(outbox, sent=4, ready=1)
        clock.ahead = HOUR + 120
        wait_for_states(outbox, sent=5, ready=0)
    assert Counter(transport.sent) == {
        (one,): 1
        for one in (
            "later-1@b.example", "later-2@b.example", "forward@b.example", "back@b.example", "back@c.example",
        )
    }  # fmt: skip


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_workers_whose_clocks_differ_do_not_take_each_other_for_dead(server_database: str, ahead: float) -> None:
    stop, other = Stop(), MemoryTransport()
    transport = ScriptedTransport(before_dot=stop)
    with Outbox(server_database) as here, Outbox(server_database, clock=SetClock(ahead)) as there:
        receipt = here.send(letter("bob@b.example"))
        with here.worker(transport):
            stop.wait_until_reached()
            with there.worker(other):  # looks for the dead when it arrives
                wait_until(lambda: workers(here) == 2 or None, "its arrival")
                assert only(here, receipt.id).state == "leased"
                stop.open()
                wait_for_states(here, sent=1)
        assert only(here, receipt.id).attempts == 1
    assert transport.sent == [("bob@b.example",)]
    assert other.messages == []


def workers(outbox: Outbox) -> int:
    sql = text("SELECT count(*) FROM postroad_worker")
    return outbox._store.database.read(lambda connection: int(connection.execute(sql).scalar_one()))


# ── new tables ────────────────────────────────────────────────────────────────────────────────────────────────────────

STEP = """
from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels, depends_on = "0099", {last!r}, None, None


def upgrade():
    op.add_column("postroad_delivery", sa.Column("colour", sa.Text))
    op.add_column("postroad_message", sa.Column("weight", sa.Integer, server_default="0"))
    op.create_index("postroad_delivery_colour", "postroad_delivery", ["colour"])
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process postroad has one more migration than the programs that run beside it."""
    folder = tmp_path / "next"
    shutil.copytree(Path(schema.__file__).with_name("migrations"), folder / "migrations")
    (folder / "migrations" / "versions" / "outbox_0099.py").write_text(STEP.format(last=schema.REVISIONS[-1]))
    monkeypatch.setattr(schema, "__file__", str(folder / "schema.py"))
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "0099"))
    to_the_next = partial(schema.migrate, revision="0099")
    monkeypatch.setattr(migrating, "migrate", to_the_next)
    monkeypatch.setattr("postroad.database.database.migrate", to_the_next)


def test_a_migration_under_load(shared_database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    Outbox(shared_database, streams=STREAMS).close()
    with site(shared_database, tmp_path, None) as around:
        around.progress.wait_for(100)
        request.getfixturevalue("next_version")
        if shared_database.startswith("sqlite"):
            Database(shared_database).close()  # whoever opens it first
        else:
            assert migrate_database(shared_database).after == "0099"
        around.progress.wait_for(200)
        assert all(process.running for process in (*around.enqueuers, *around.workers))
        around.end()
        with Outbox(shared_database) as outbox:
            assert outbox._store.database.read(schema.version_of) == "0099"
            around.settle(outbox)
            ledger = around.look(outbox)
            print(f"\n{ledger}")
    ledger.check_promises()
    ledger.check_arrivals()
    ledger.check_settled()
