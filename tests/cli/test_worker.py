"""``postroad worker``: delivers, stops in order, and says what is wrong with the route."""

import signal
import ssl
from pathlib import Path

import pytest

from postroad import Email, Outbox
from postroad.testing import Gate, ScriptedServer, Step
from tests.cli.command import PATIENCE, run_inside, run_on_terminal, run_process, running
from tests.peers.certificates import Certificates
from tests.peers.waiting import wait_until

EMAIL = Email(from_="bob@example.com", to=["ann@example.com"], text="hi")
COUNTS = ("sent", "deferred", "refused", "unknown")


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mail.db'}"


def queue(db: str, count: int = 1) -> None:
    with Outbox(db) as outbox:
        for _ in range(count):
            outbox.send(EMAIL)


def states(db: str) -> dict[str, int]:
    with Outbox(db) as outbox:
        return {state: count for state, count in outbox.stats().states.items() if count}


def test_drain_delivers_what_is_due_and_ends(db: str) -> None:
    queue(db, 3)
    with Outbox(db) as outbox:
        outbox.send(EMAIL.replace(to="gone@example.com"))
        outbox.send(EMAIL.replace(to="slow@example.com"))
    steps = [Step("RCPT", "550 No", when="gone@", times=None), Step("RCPT", "450 Later", when="slow@", times=None)]
    with ScriptedServer(*steps) as server:
        ended = run_process("worker", "--db", db, "--transport", server.url, "--drain", "--json")
    assert ended.code == 0
    ready, counts = ended.lines
    assert ready == {"ready": True, "db": db, "transport": server.url}
    assert counts == {"sent": 3, "deferred": 1, "refused": 1, "unknown": 0}
    assert f"database: {db}" in ended.stderr
    assert "sent 3, deferred 1, refused 1, unknown 0" in ended.stderr
    assert states(db) == {"sent": 3, "refused": 1, "ready": 1}


def test_a_worker_of_which_nobody_reads_what_it_says_delivers_and_stops_all_the_same(db: str) -> None:
    with running("worker", "--db", db, "--json", "--transport", "null://") as worker:
        worker.line()
        assert worker.process.stderr is not None
        worker.process.stderr.close()
        queue(db, 3)
        wait_until(lambda: states(db) == {"sent": 3} or None, "the delivery")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.line() == {"sent": 3, "deferred": 0, "refused": 0, "unknown": 0}
        assert worker.process.wait(PATIENCE) == 0


def test_drain_of_an_empty_outbox_ends_at_once(db: str) -> None:
    ended = run_process("worker", "--db", db, "--transport", "null://", "--drain")
    assert (ended.code, ended.stdout) == (0, "")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_dot_be_answered_and_gives_the_rest_back(db: str, by: signal.Signals) -> None:
    queue(db, 20)
    gate = Gate()
    command = ("worker", "--db", db, "--concurrency", "1", "--json", "--transport")
    with (
        ScriptedServer(Step("DOT", gate=gate, times=None)) as server,
        running(*command, server.url) as worker,
    ):
        worker.line()
        gate.wait_until_reached()
        worker.process.send_signal(by)
        wait_until(lambda: states(db) == {"leased": 1, "ready": 19} or None, "what is not on the wire to come back")
        assert worker.process.poll() is None  # it waits for the answer
        gate.open()
        counts = worker.line()
        assert worker.process.wait(PATIENCE) == 0
        assert worker.process.stderr is not None
        said = worker.process.stderr.read()
    assert said.count("stopping when the messages on the wire are answered") == 1
    assert counts["sent"] == len(server.messages) == 1
    assert states(db) == {"sent": 1, "ready": 19}


def test_a_second_signal_does_not_wait(db: str) -> None:
    queue(db)
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server:
        with running("worker", "--db", db, "--transport", server.url, "--json") as worker:
            worker.line()
            gate.wait_until_reached()
            worker.process.send_signal(signal.SIGTERM)
            wait_until(lambda: _taken(worker.process.pid), "the first signal to arrive")
            ended = worker.end(signal.SIGTERM)
        gate.open()
    assert ended.code == 130
    assert "Traceback" not in ended.stderr


def _taken(pid: int) -> bool | None:
    """No signal waits in the kernel, where a second one of the same kind would be lost in the first."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = [line for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return all(int(line.split()[1], 16) == 0 for line in pending) or None


def test_what_is_queued_while_it_runs_is_delivered(db: str) -> None:
    with ScriptedServer() as server, running("worker", "--db", db, "--transport", server.url, "--json") as worker:
        worker.line()
        queue(db)
        (message,) = server.wait_for_messages(1)
        ended = worker.end()
    assert message.recipients == ("ann@example.com",)
    assert ended.code == 0
    assert states(db) == {"sent": 1}


# ── the route is at fault ─────────────────────────────────────────────────────────────────────────────────────────────


def drained(db: str, url: str, *options: str, **environ: str) -> tuple[int, str]:
    """Drain; the exit code, and the code of the error."""
    arguments = ("worker", "--db", db, "--transport", url, "--drain", "--json", *options)
    ended = run_process(*arguments, environ=environ)
    assert "Traceback" not in ended.stderr
    return ended.code, ended.lines[-1]["error"]["code"]


def test_credentials_that_are_refused_are_77_and_nobodys_outcome(db: str) -> None:
    queue(db)
    with ScriptedServer(credentials={"bob": "right"}) as server:
        options = ("--username", "bob", "--password", "env:MAIL_PASSWORD")
        assert drained(db, server.url, *options, MAIL_PASSWORD="wrong") == (77, "authentication_error")
    assert states(db) == {"ready": 1}
    with Outbox(db) as outbox:
        assert outbox.find()[0].attempts == 0


def test_a_certificate_that_is_not_trusted_is_69(db: str, certificates: Certificates) -> None:
    queue(db)
    with ScriptedServer(tls=certificates.expired.server_context()) as server:
        assert drained(db, f"{server.url}?ca={certificates.ca}") == (69, "tls_error")
    assert states(db) == {"ready": 1}


def test_a_wrong_tls_mode_is_69(db: str, certificates: Certificates) -> None:
    queue(db)
    with ScriptedServer() as server:
        code, _ = drained(db, f"smtps://{server.host}:{server.port}")
    assert code == 69


def test_a_missing_secret_is_78(db: str) -> None:
    queue(db)
    code, slug = drained(db, "smtp://bob@example.com", "--password", "env:NOT_SET_ANYWHERE")
    assert (code, slug) == (78, "configuration_error")


def test_a_server_that_is_not_there_defers(db: str) -> None:
    queue(db)
    with ScriptedServer() as server:
        url = server.url
    ended = run_process("worker", "--db", db, "--transport", url, "--drain", "--json")
    assert (ended.code, ended.lines[-1]["deferred"]) == (0, 1)


def test_no_route_is_78_before_the_database_is_made(tmp_path: Path) -> None:
    ended = run_inside("worker", "--db", f"sqlite:///{tmp_path / 'new.db'}", "--json")
    assert ended.code == 78
    assert not (tmp_path / "new.db").exists()


def test_limits_that_cannot_be_read_are_78_before_the_database_is_made(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text("x = [")
    options = ("--transport", "null://", "--limits", str(tmp_path / "limits.toml"), "--drain", "--json")
    ended = run_inside("worker", "--db", f"sqlite:///{tmp_path / 'new.db'}", *options)
    assert (ended.code, ended.json["error"]["code"]) == (78, "configuration_error")
    assert not (tmp_path / "new.db").exists()


def test_progress_changes_in_place_on_a_terminal(db: str) -> None:
    queue(db, 5)
    seen = run_on_terminal("worker", "--db", db, "--transport", "null://", "--drain", stream="stderr").decode()
    assert seen.rstrip().endswith("sent 5, deferred 0, refused 0, unknown 0")


def test_tls_of_the_route_is_verified_with_the_given_ca(db: str, certificates: Certificates) -> None:
    queue(db)
    context: ssl.SSLContext = certificates.good.server_context()
    with ScriptedServer(tls=context) as server:
        ended = run_process("worker", "--db", db, "--transport", f"{server.url}?ca={certificates.ca}", "--drain")
    assert ended.code == 0
    assert server.messages[0].secure
