"""``postroad outbox explain|stats --by-site``, ``postroad outbox limits ls|cancel`` and pauses of accounts."""

import re

from postroad import Outbox
from postroad.clock import SYSTEM_CLOCK
from postroad.outbox.override import Override, set_overrides
from postroad.outbox.shaping.limits import Limits, Scope
from postroad.testing import ScriptedServer
from postroad.transport.gcra import Rate
from tests.cli.command import Ended, run_inside
from tests.cli.queueing import queue


def outbox(db: str, *arguments: str) -> Ended:
    return run_inside("outbox", *arguments, "--db", db)


def limit(db: str) -> None:
    now = SYSTEM_CLOCK.now()
    limits = Limits(rate=Rate(10, 60.0))
    with Outbox(db) as opened:
        one = Override(Scope.SITE, "example.com", now, now + 900, limits, "rule slow", "421 4.7.0 \x1b[1mtoo many")
        opened._store.database.write(set_overrides, one)


def test_it_says_why_and_what_became_of_it(db: str) -> None:
    id_ = queue(db)
    said = outbox(db, "explain", "ann@example.com")
    assert said.code == 0
    assert "no_worker: It is due, and no worker runs" in said.stdout
    assert id_ in said.stdout
    outbox(db, "pause", "--domain", "example.com", "--until", "+2h", "--why", "moving")
    (delivery,) = outbox(db, "explain", "example.com", "--json").json["deliveries"]
    assert (delivery["reason"], delivery["id"], delivery["state"]) == ("paused", id_, "ready")
    assert delivery["next_try"] is not None
    assert re.search(r"next try in 1[12]\d min", outbox(db, "explain", "example.com").stdout)
    outbox(db, "resume", "--domain", "example.com")
    with ScriptedServer() as server, Outbox(db) as opened:
        opened.worker(server.url).drain()
    assert "sent: The next server took it" in outbox(db, "explain", "ann@example.com").stdout


def test_a_limit_that_was_learnt_is_shown_and_cancelled(db: str) -> None:
    limit(db)
    shown = outbox(db, "limits", "ls")
    assert "10/min" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert [one["key"] for one in outbox(db, "limits", "ls", "--json").json["overrides"]] == ["example.com"]
    explained = outbox(db, "explain", "example.com")
    assert "override    site example.com: 10/min until" in explained.stdout
    assert "\x1b" not in explained.stdout
    assert outbox(db, "limits", "cancel", "site", "example.com").code == 0
    assert outbox(db, "limits", "cancel", "site", "example.com").code == 4
    assert outbox(db, "limits", "ls", "--json").json["overrides"] == []


def test_numbers_by_site(db: str) -> None:
    queue(db)
    outbox(db, "pause", "--site", "example.com")
    plain = outbox(db, "stats", "--json").json
    assert plain.keys() == {"states", "oldest_ready_seconds"}
    (site,) = outbox(db, "stats", "--by-site", "--json").json["sites"]
    assert (site["site"], site["ready"], site["scheduled"], site["suspended"]) == ("example.com", 1, 0, True)
    assert site["suspension"]["scope"] == "site"
    assert "until it is resumed" in outbox(db, "stats", "--by-site").stdout


def test_accounts_and_sources_are_paused(db: str) -> None:
    assert outbox(db, "pause", "--account", "ann@relay.example:587", "--json").json["scope"] == "account"
    assert outbox(db, "pause", "--source", "203.0.113.7", "--json").json["key"] == "203.0.113.7"
    assert outbox(db, "pause", "--source", "nowhere").code == 78
    assert outbox(db, "resume", "--account", "ann@relay.example:587").code == 0


def test_what_is_neither_address_nor_domain_is_refused(db: str) -> None:
    ended = outbox(db, "explain", "no domain")
    assert ended.code not in (0, 70)
    assert "no domain" in ended.stderr


def test_nothing_waits(db: str) -> None:
    assert "No mail to it waits" in outbox(db, "explain", "nobody@example.com").stdout
