"""``postroad outbox hold|release|pause|resume``, ``postroad events tail`` and ``postroad db migrate``."""

from pathlib import Path

import pytest

from postroad import Outbox
from postroad.database.schema import REVISIONS
from postroad.testing import ScriptedServer
from tests.cli.command import run_inside, running
from tests.cli.queueing import ENVELOPE, outbox, queue

# ── hold and release ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_held_is_released(db: str) -> None:
    id_ = queue(db)
    assert [(one["result"], one["state"]) for one in outbox("hold", db, id_, "--json").json["results"]] == [
        ("done", "held")
    ]
    assert "held" in outbox("ls", db).stdout
    assert [one["state"] for one in outbox("release", db, id_, "--jsonl").lines] == ["ready"]
    again = outbox("release", db, id_)
    assert (again.code, "nothing to do" in again.stdout) == (0, True)


def test_it_is_too_late_for_what_was_sent(db: str) -> None:
    id_ = queue(db)
    with ScriptedServer() as server, Outbox(db) as inside:
        inside.worker(server.url).drain()
    ended = outbox("hold", db, id_)
    assert ended.code == 3
    assert "too late for 1 of 1 recipient" in ended.stderr


# ── pause and resume ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_paused_is_shown_and_resumed(db: str) -> None:
    paused = outbox("pause", db, "--domain", "Example.com", "--until", "+2h", "--why", "they asked \x1b[1m", "--json")
    assert paused.code == 78  # what could drive a terminal is no reason
    paused = outbox("pause", db, "--domain", "Example.com", "--until", "+2h", "--why", "they asked", "--json")
    assert (paused.json["scope"], paused.json["key"], paused.json["why"]) == ("domain", "example.com", "they asked")
    assert paused.json["who"]
    assert "The domain example.com rests until" in outbox("stats", db).stdout
    assert outbox("pause", db, "--stream", "news").stdout == "the stream news rests until somebody resumes it\n"
    assert outbox("stats", db).stdout.endswith("The stream news rests until somebody resumes it\n")
    assert outbox("resume", db, "--domain", "example.com").stdout == "the domain example.com goes on\n"
    ended = outbox("resume", db, "--domain", "example.com", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (4, "not_found")


def test_a_name_that_is_another_or_nobodys_is_noted(db: str) -> None:
    paused = outbox("pause", db, "--site", "gmail.com")
    assert paused.stdout == "the site google rests until somebody resumes it\n"
    assert "note: mail to gmail.com is of the site google" in paused.stderr
    assert "note: no worker that is known" in outbox("pause", db, "--account", "127.0.0.1").stderr
    assert "no worker" in outbox("pause", db, "--account", "127.0.0.1", "--json").json["note"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize("options", [(), ("--domain", "a.example", "--stream", "news")])
def test_one_thing_is_named(db: str, verb: str, options: tuple[str, ...]) -> None:
    ended = outbox(verb, db, *options)
    assert ended.code == 2
    assert "--domain, --site, --stream, --account and --source" in ended.stderr


# ── the event log ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_last_events(db: str) -> None:
    first, second = queue(db), queue(db)
    outbox("cancel", db, first)
    outbox("pause", db, "--stream", "news")
    ended = run_inside("events", "tail", "--db", db, "--jsonl", "-n", "3")
    assert [(one["kind"], one["id"]) for one in ended.lines] == [
        ("queued", second), ("cancelled", first), ("paused", None),
    ]  # fmt: skip
    assert ended.lines[0]["recipient"] == "ann@example.com"
    assert ended.lines[2]["detail"]["key"] == "news"
    text = run_inside("events", "tail", "--db", db).stdout.splitlines()
    assert len(text) == 4
    assert "ann@example.com" in text[0]


def test_events_are_followed_as_they_come(shared_database: str) -> None:
    with Outbox(shared_database) as inside:
        inside.suppressions.add("ann@example.com")
        queue_environ = {"POSTROAD_DB": shared_database}
        with running("events", "tail", "--follow", "--json", environ=queue_environ) as tail:
            for _ in range(2):
                run_inside("send", *ENVELOPE, "--outbox", environ=queue_environ)
            kinds = [tail.line()["kind"] for _ in range(4)]
    assert kinds == ["queued", "suppressed"] * 2


def test_there_is_no_log_where_there_is_no_outbox(tmp_path: Path) -> None:
    for options in ((), ("--follow",)):
        assert run_inside("events", "tail", "--db", f"sqlite:///{tmp_path / 'no.db'}", *options).code == 4
    assert list(tmp_path.iterdir()) == []


# ── migrating ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_servers_database_is_migrated_when_somebody_says_so(empty_server_database: str) -> None:
    environ = {"POSTROAD_DB": empty_server_database}
    checked = run_inside("db", "migrate", "--check", "--json", environ=environ)
    assert (checked.code, checked.json) == (3, {"version": None, "missing": list(REVISIONS)})
    assert "missing: 0001" in run_inside("db", "migrate", "--check", environ=environ).stdout
    done = run_inside("db", "migrate", "--json", environ=environ)
    assert (done.code, done.json) == (0, {"before": None, "after": REVISIONS[-1]})
    checked = run_inside("db", "migrate", "--check", "--json", environ=environ)
    assert (checked.code, checked.json) == (0, {"version": REVISIONS[-1], "missing": []})
    assert "up to date" in run_inside("db", "migrate", environ=environ).stdout


def test_a_file_is_checked_and_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert run_inside("db", "migrate", "--check", "--db", url).code == 3
    assert list(tmp_path.iterdir()) == []
    assert run_inside("db", "migrate", "--db", url).stdout == f"migrated from nothing to {REVISIONS[-1]}\n"
    assert run_inside("db", "migrate", "--check", "--db", url).code == 0
