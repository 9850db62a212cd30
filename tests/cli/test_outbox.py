"""``postroad send --outbox`` and ``postroad outbox``: what goes in, what is seen, what can be changed."""

import csv
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from postroad import Outbox, Schedule
from postroad.outbox.states import DeliveryState
from postroad.testing import ScriptedServer, Step
from tests.cli.command import run_inside, run_process
from tests.cli.queueing import ENVELOPE, outbox, queue
from tests.peers.waiting import wait_until


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mail.db'}"


# ── none ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "command",
    [("outbox", "ls"), ("outbox", "stats"), ("outbox", "cancel", "id"), ("suppress", "ls"), ("suppress", "export")],
)
def test_looking_into_somebody_elses_database_makes_no_outbox_there(tmp_path: Path, command: tuple[str, ...]) -> None:
    theirs = tmp_path / "shop.db"
    with closing(sqlite3.connect(theirs)) as shop:
        shop.execute("CREATE TABLE orders (id)")
        ended = run_inside(*command, "--db", f"sqlite:///{theirs}", "--json")
        tables = shop.execute("SELECT name FROM sqlite_master").fetchall()
    assert ended.json["error"]["code"] == "not_found"
    assert "holds no outbox" in ended.json["error"]["message"]
    assert tables == [("orders",)]
    assert [file.name for file in tmp_path.iterdir()] == ["shop.db"]


# ── putting in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_is_queued_and_its_id_is_the_data(db: str) -> None:
    ended = run_inside("send", *ENVELOPE, "--to", "cy@example.com", "--outbox", "--db", db, "--stream", "bulk")
    assert ended.code == 0
    assert f"database: {db}" in ended.stderr
    with Outbox(db) as inside:
        message = inside.status(ended.stdout.strip())
    assert message.stream == "bulk"
    assert [one.recipient for one in message.recipients] == ["ann@example.com", "cy@example.com"]


def test_times_are_dates_or_spans(db: str) -> None:
    soon = queue(db, "--send-at", "+2h", "--expires-at", "+3d")
    dated = queue(db, "--send-at", "2999-12-01T09:00Z", "--expires-at", "2999-12-24T00:00+01:00")
    with Outbox(db) as inside:
        first, second = inside.status(soon), inside.status(dated)
    assert first.send_at is not None
    assert first.expires_at is not None
    assert second.expires_at is not None
    assert (first.send_at - first.created_at).total_seconds() == pytest.approx(7200)
    assert (first.expires_at - first.created_at).total_seconds() == pytest.approx(3 * 86400)
    assert second.recipients[0].state is DeliveryState.SCHEDULED
    assert second.expires_at.isoformat() == "2999-12-23T23:00:00+00:00"


def test_a_key_makes_one_message_of_two(db: str) -> None:
    options = ("--message-id", "<1@example.com>", "--date", "2026-12-01T09:00Z", "--idempotency-key", "order-1")
    first = queue(db, *options)
    again = run_inside("send", *ENVELOPE, *options, "--outbox", "--db", db, "--json").json
    assert (again["id"], again["duplicate"]) == (first, True)
    other = run_inside("send", *ENVELOPE, *options, "--subject", "x", "--outbox", "--db", db, "--json")
    assert other.code == 65
    assert other.json["error"]["code"] == "idempotency_conflict"


def test_the_receipt_as_json(db: str) -> None:
    receipt = run_inside("send", *ENVELOPE, "--outbox", "--db", db, "--json").json
    assert receipt["recipients"] == ["ann@example.com"]
    assert receipt["message_id"].endswith("@example.com>")
    assert receipt["duplicate"] is False
    assert receipt["suppressed"] == []


def test_a_receipt_names_those_who_get_nothing(db: str) -> None:
    assert run_inside("suppress", "add", "ann@example.com", "--db", db).code == 0
    told = run_inside("send", *ENVELOPE, "--to", "cy@example.com", "--outbox", "--db", db)
    assert "queued for 1 recipient\non the suppression list, and gets nothing: ann@example.com\n" in told.stderr
    receipt = run_inside("send", *ENVELOPE, "--outbox", "--db", db, "--json").json
    assert (receipt["recipients"], receipt["suppressed"]) == (["ann@example.com"], ["ann@example.com"])


@pytest.mark.parametrize("verb", ["ls", "export"])
def test_a_state_that_there_is_not_is_a_slip_of_the_command_line(verb: str, db: str) -> None:
    queue(db)
    ended = outbox(verb, db, "--state", "delivered", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "usage_error")
    assert all(f"'{state}'" in ended.json["error"]["message"] for state in DeliveryState)


def test_a_retry_leaves_what_is_scheduled_to_its_time(db: str) -> None:
    later = queue(db, "--send-at", "+2h")
    (answer,) = outbox("retry", db, later, "--json").json["results"]
    assert (answer["result"], answer["state"]) == ("nothing_to_do", "scheduled")


def test_an_export_has_every_delivery_in_each_form(db: str) -> None:
    odd = queue(db, "--subject", '=1+1, "said"', "--to", "cy@example.com")
    queue(db, "--stream", "news")
    listed = outbox("ls", db, "--json").json
    assert outbox("export", db, "--json").json == listed
    assert outbox("export", db, "--jsonl").lines == listed["deliveries"]
    rows = list(csv.DictReader(outbox("export", db).stdout.splitlines()))
    assert [list(row) for row in rows] == [list(one) for one in listed["deliveries"]]
    assert [row["recipient"] for row in rows] == [one["recipient"] for one in listed["deliveries"]]
    assert {row["subject"] for row in rows if row["id"] == odd} == {'\'=1+1, "said"'}  # no formula for a spreadsheet
    assert [one["stream"] for one in outbox("export", db, "--stream", "news", "--jsonl").lines] == ["news"]
    wrong = outbox("export", db, "--state", "lost")
    assert (wrong.code, wrong.stdout) == (2, "")


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stats_as_json_have_exactly_this_form(db: str) -> None:
    queue(db, "--to", "cy@example.com")
    queue(db, "--send-at", "+2h")
    ended = outbox("stats", db, "--json")
    numbers = ended.json
    assert set(numbers) == {"states", "oldest_ready_seconds"}
    assert numbers["states"] == {
        "scheduled": 1, "ready": 2, "leased": 0, "held": 0, "uncertain": 0, "sent": 0, "refused": 0, "expired": 0,
        "suppressed": 0, "cancelled": 0,
    }  # fmt: skip
    assert 0 <= numbers["oldest_ready_seconds"] < 60
    assert f"database: {db}" in ended.stderr


def test_an_empty_outbox_has_nothing_due(db: str) -> None:
    Outbox(db).close()
    assert outbox("stats", db, "--json").json["oldest_ready_seconds"] is None
    assert outbox("ls", db, "--json").json == {"deliveries": []}
    assert outbox("ls", db).stdout == ""


def test_ls_filters(db: str) -> None:
    queue(db, "--to", "cy@other.example", "--stream", "bulk")
    queue(db, "--send-at", "+1h")
    cases = {
        (): 3,
        ("--state", "scheduled"): 1,
        ("--recipient", "CY@other.example"): 1,
        ("--domain", "example.com"): 2,
        ("--stream", "bulk"): 2,
        ("--limit", "1"): 1,
        ("--stream", "bulk", "--domain", "example.com"): 1,
    }
    for options, count in cases.items():
        assert len(outbox("ls", db, "--jsonl", *options).lines) == count, options
        assert len(outbox("ls", db, *options).stdout.splitlines()) == count + 1, options


@pytest.mark.parametrize(
    ("options", "code"), [(("--state", "nope"), 2), (("--recipient", "nope"), 65), (("--limit", "0"), 2)]
)
def test_ls_names_a_filter_that_makes_no_sense(db: str, options: tuple[str, ...], code: int) -> None:
    Outbox(db).close()
    ended = outbox("ls", db, *options)
    assert ended.code == code
    assert "nope" in ended.stderr or "--limit" in ended.stderr


def test_show_tells_every_attempt_and_why(db: str) -> None:
    steps = [
        Step("RCPT", "550 5.1.1 No such user", when="gone@", times=None),
        Step("RCPT", "450 4.7.1 Greylisted", when="slow@"),
    ]
    id_ = queue(db, "--to", "gone@example.com", "--to", "slow@example.com", "--subject", "Grüße", "--tag", "order")
    with ScriptedServer(*steps) as server, Outbox(db) as inside:
        with inside.worker(server.url, schedule=Schedule((0.05,))):
            wait_until(lambda: inside.stats().states["sent"] == 2 or None, "two deliveries")
        shown = outbox("show", db, id_)
        facts = outbox("show", db, id_, "--json").json
    assert shown.code == 0
    for words in ("Grüße", "gone@example.com  refused", "550 5.1.1 No such user (at rcpt)", "slow@example.com  sent"):
        assert words in shown.stdout
    assert shown.stdout.index("450 4.7.1 Greylisted") < shown.stdout.index("attempt 2: accepted")
    assert server.url in shown.stdout
    history = {one["recipient"]: [attempt["code"] for attempt in one["history"]] for one in facts["recipients"]}
    assert history == {"ann@example.com": [250], "gone@example.com": [550], "slow@example.com": [450, 250]}
    assert {attempt["phase"] for one in facts["recipients"] for attempt in one["history"]} == {"dot", "rcpt"}
    assert facts["tags"] == ["order"]
    (later,) = [event for one in facts["recipients"] for event in one["events"] if event["kind"] == "deferred"]
    assert datetime.fromisoformat(later["detail"]["due_at"]) > datetime.fromisoformat(later["at"])


def test_what_a_mail_or_a_server_says_does_not_drive_the_terminal(db: str) -> None:
    queue(db, "--subject", "safe")
    with ScriptedServer(Step("RCPT", b"550 5.1.1 \x1b]0;owned\x07 \xe2\x80\xae\r\n")) as server, Outbox(db) as inside:
        inside.worker(server.url).drain()
    id_ = outbox("ls", db, "--jsonl").lines[0]["id"]
    text = outbox("ls", db).stdout + outbox("show", db, id_).stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


# ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cancel_says_what_happened_to_each(db: str) -> None:
    first, second = queue(db, "--to", "cy@example.com"), queue(db)
    ended = outbox("cancel", db, first, second, "--json")
    assert ended.code == 0
    assert [(one["id"], one["result"], one["state"]) for one in ended.json["results"]] == [
        (first, "done", "cancelled"), (first, "done", "cancelled"), (second, "done", "cancelled"),
    ]  # fmt: skip
    again = outbox("cancel", db, first)
    assert again.code == 0
    assert "nothing to do" in again.stdout


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_too_late_is_no_success(db: str, verb: str) -> None:
    id_ = queue(db, "--to", "gone@example.com")
    with ScriptedServer(Step("RCPT", "450 4.2.0 Later", when="gone@")) as server, Outbox(db) as inside:
        inside.worker(server.url).drain()
    ended = outbox(verb, db, id_, "--json")
    assert ended.code == 3
    assert {one["recipient"]: one["result"] for one in ended.json["results"]} == {
        "ann@example.com": "too_late", "gone@example.com": "done",
    }  # fmt: skip
    assert "too late for 1 of 2 recipients" in ended.stderr


def test_retry_makes_a_refused_delivery_anew(db: str) -> None:
    id_ = queue(db)
    with ScriptedServer(Step("RCPT", "550 5.1.1 No")) as server, Outbox(db) as inside:
        inside.worker(server.url).drain()
        assert outbox("stats", db, "--json").json["states"]["refused"] == 1
        retried = outbox("retry", db, id_, "--jsonl")
        inside.worker(server.url).drain()
    assert [(one["result"], one["state"]) for one in retried.lines] == [("done", "ready")]
    assert outbox("stats", db, "--json").json["states"]["sent"] == 1


@pytest.mark.parametrize("verb", ["show", "retry", "cancel"])
def test_no_such_message_is_4(db: str, verb: str) -> None:
    ended = outbox(verb, db, "01a20565-0000-7000-8000-000000000000", "--json")
    assert ended.code == 4
    assert ended.json["error"]["code"] == "not_found"


def test_nothing_changes_if_one_of_the_messages_is_not_there(db: str) -> None:
    id_ = queue(db)
    assert outbox("cancel", db, id_, "nope").code == 4
    assert outbox("stats", db, "--json").json["states"]["ready"] == 1


# ── which outbox ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_database_comes_from_the_flag_the_environment_or_the_data_folder(db: str, tmp_path: Path) -> None:
    named = queue(db)
    by_environment = run_inside("outbox", "ls", "--jsonl", environ={"POSTROAD_DB": db})
    assert [one["id"] for one in by_environment.lines] == [named]
    usual = run_inside("send", *ENVELOPE, "--outbox")
    assert usual.code == 0
    assert f"database: sqlite:///{tmp_path / 'data' / 'postroad' / 'postroad.db'}" in usual.stderr
    assert [one["id"] for one in run_inside("outbox", "ls", "--jsonl").lines] == [usual.stdout.strip()]


@pytest.mark.parametrize("words", [("ls",), ("export",), ("stats",), ("show", "x"), ("retry", "x"), ("cancel", "x")])
def test_looking_makes_no_outbox(words: tuple[str, ...], db: str, tmp_path: Path) -> None:
    for where in (("--db", db), ()):
        ended = run_inside("outbox", *words, *where, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (4, "not_found")
        assert "send --outbox" in ended.json["error"]["advice"]
    assert list(tmp_path.iterdir()) == []


def test_one_is_no_plural(db: str) -> None:
    assert "queued for 1 recipient\n" in run_inside("send", *ENVELOPE, "--outbox", "--db", db).stderr
    assert outbox("ls", db).stderr.endswith("1 delivery\n")
    queue(db)
    assert outbox("ls", db).stderr.endswith("2 deliveries\n")


def test_the_url_may_come_by_reference(db: str, tmp_path: Path) -> None:
    queue(db)
    (tmp_path / "url").write_text(f"{db}\n")
    for reference in ("env:MAIL_DB", f"@{tmp_path / 'url'}", f"file:{tmp_path / 'url'}"):
        ended = run_inside("outbox", "ls", "--jsonl", "--db", reference, environ={"MAIL_DB": db})
        assert len(ended.lines) == 1


@pytest.mark.parametrize(
    "url", ["mail.db", "mysql://localhost/mail", "sqlite:////nowhere/at/all/mail.db", "sqlite:////dev/null"]
)
def test_a_database_that_cannot_be_used_is_78(url: str) -> None:
    ended = run_inside("outbox", "stats", "--db", url, "--json")
    assert ended.code == 78
    assert ended.json["error"]["code"] == "configuration_error"


@pytest.mark.parametrize(
    "words",
    [
        ("outbox", "stats"),
        ("send", *ENVELOPE, "--outbox"),
        ("worker", "--transport", "null://"),
        ("demo", "--once"),
    ],
)
def test_without_the_extra_the_hint_is_how_to_install_it(words: tuple[str, ...]) -> None:
    # As if SQLAlchemy were not there: an entry of None in sys.modules makes its import fail.
    code = (
        "import sys; sys.modules['sqlalchemy'] = None; sys.argv[0] = 'postroad'\n"
        "from postroad.__main__ import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *words, "--json"],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert run.returncode == 78
    error = json.loads(run.stdout)["error"]
    assert error["code"] == "missing_extra"
    assert "pip install 'postroad[outbox]'" in error["advice"]
    assert "pip install 'postroad[outbox]'" in run.stderr


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_no_command_takes_mail_into_an_outbox_that_ends_with_it(url: str) -> None:
    by_send = run_inside("send", *ENVELOPE, "--outbox", "--db", url)
    by_sendmail = run_process("sendmail", "-i", "ann@example.com", "--db", url, given="hi\n")
    by_worker = run_inside("worker", "--db", url, "--transport", "null://", "--drain")
    for ended in (by_send, by_sendmail, by_worker, outbox("ls", url)):
        assert (ended.code, ended.stdout) == (78, "")
        assert "an outbox in memory ends with this command" in ended.stderr
        assert "sqlite:///mail.db" in ended.stderr
