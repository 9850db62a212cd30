"""Own rules over shipped ones, and the shipped ones themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

from postroad.outbox.shaping.finding import Level
from postroad.outbox.shaping.in_force import SHIPPED, laid_over, rules_of, shipped_rules
from postroad.outbox.shaping.limits import NO_LIMITS, Limits
from postroad.outbox.shaping.rules import Rules
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.shaping.rules_lint import findings_of
from postroad.reply import Phase
from postroad.smtp.replies import from_text
from postroad.transport.gcra import Rate
from postroad.transport.presets import PRESETS


def over_shipped(text: str) -> Rules:
    return laid_over(shipped_rules(), rules_in(text.encode(), "own.toml"))


# ── shipped ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_shipped_is_without_effect() -> None:
    found = findings_of(rules_in(SHIPPED.read_bytes(), SHIPPED.name))
    assert [one for one in found if one.level is not Level.NOTE] == []


def test_everything_shipped_says_where_it_comes_from_and_what_it_is_for() -> None:
    rules = shipped_rules()
    assert [site.name for site in rules.sites.values() if not site.reference or site.own] == []
    of_sites = {name for name, site in rules.sites.items() if site.reference}
    assert [rule.id for rule in rules.replies if not rule.reference and rule.site not in of_sites] == []
    assert [rule.id for rule in rules.replies if not rule.examples] == []


def test_every_shipped_expression_compiles() -> None:
    for rule in shipped_rules().replies:
        if rule.text is not None:
            rule.text.compile()


def test_the_large_receivers_are_there() -> None:
    rules = shipped_rules()
    assert rules.of_site("google", direct=True) == rules.default.overlaid(Limits(5, 50))
    assert {"yahoo", "outlook", "office365", "apple", "comcast", "orange", "gmx", "mimecast"} <= rules.sites.keys()
    assert rules.default.connections == 10


def test_what_is_shipped_is_read_once_and_only_where_it_is_needed() -> None:
    assert shipped_rules() is shipped_rules()
    program = "import sys, postroad.outbox.shaping.in_force as m; assert m.shipped_rules.cache_info().currsize == 0"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# What a server says at which step to whom, and what is made of it.
REPLIES = {
    "421 4.7.0 mx Error: too many connections from 192.0.2.1": (Phase.GREETING, None, "too-many-connections"),
    "421 4.7.28 Gmail has detected an unusual rate of mail": (Phase.DOT, "google", "google-unsolicited-rate"),
    "450 4.2.1 The user you are trying to contact is receiving mail at a rate that": (Phase.RCPT, "google", None),
    "450 4.2.1 The recipient has exceeded their message rate limit. Try again later.": (Phase.RCPT, "yandex", None),
    "450 4.7.1 <a@b.example>: Recipient address rejected: Greylisted": (Phase.RCPT, None, None),
    "451 4.7.1 Greylisting in action, please come back later": (Phase.RCPT, None, None),
    "452 4.2.2 Mailbox full": (Phase.RCPT, None, None),
    "550 5.1.1 No such user": (Phase.RCPT, "google", None),
    "421 4.7.0 [TS02] Messages from 192.0.2.1 temporarily deferred": (Phase.MAIL, "yahoo", "yahoo-deferred"),
    "421 4.7.0 [TS01] Messages from 192.0.2.1 temporarily deferred": (Phase.MAIL, None, "deferred-by-address"),
    "451 4.7.500 Server busy. Please try again later.": (Phase.MAIL, "office365", "microsoft-server-busy"),
    "454 Throttling failure: Maximum sending rate exceeded.": (Phase.DOT, None, "ses-too-fast"),
    "421 4.3.2 All server ports are busy": (Phase.GREETING, None, "system-busy"),
    "421 mx.example.com no": (Phase.GREETING, None, "greeted-with-421"),
    "421 mx.example.com no more": (Phase.IDLE, None, None),
}  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), REPLIES.items())
def test_what_is_made_of_a_reply(said: str, expected: tuple[Phase, str | None, str | None]) -> None:
    phase, site, id_ = expected
    rule = shipped_rules().reply_rule(from_text(said), phase, site)
    assert (rule.id if rule else None) == id_


# ── own over shipped ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_own_limits_of_a_site_lie_over_the_shipped_ones_and_hold_through_a_relay() -> None:
    rules = over_shipped('[site.google]\ndomains = ["acme.example"]\nrate = "60/min"\n')
    google = rules.sites["google"]
    assert google.own
    assert google.domains == {"gmail.com", "googlemail.com", "acme.example"}
    assert google.limits == Limits(5, 50, rate=Rate(60, 60))
    assert rules.of_site("google", direct=False) == Limits(rate=Rate(60, 60))
    assert rules.of_site("yahoo", direct=False) == NO_LIMITS
    assert shipped_rules().sites["google"].limits == Limits(5, 50)


def test_an_own_default_holds_through_a_relay_the_shipped_one_does_not() -> None:
    assert shipped_rules().of_site("example.com", direct=False) == NO_LIMITS
    rules = over_shipped("[default]\nconnections = 3\n")
    assert rules.of_site("example.com", direct=False) == Limits(connections=3)
    assert rules.of_site("example.com", direct=True) == shipped_rules().default.overlaid(Limits(connections=3))
    assert rules.of_site("google", direct=True).connections == 5


def test_a_domain_that_an_own_site_names_leaves_the_shipped_one() -> None:
    rules = over_shipped('[site.mine]\ndomains = ["gmail.com"]\nexchangers = ["google.com"]\nconnections = 1\n')
    assert rules.sites["google"].domains == {"googlemail.com"}
    assert rules.sites["google"].exchangers == ("googlemail.com",)


def test_own_reply_rules_come_first_take_the_place_of_shipped_ones_or_switch_them_off() -> None:
    rules = over_shipped(
        '[[reply]]\nid = "too-fast"\ncode = 421\ntext = "slow down"\nfor = "1h"\nsuspend = true\n'
        '[[reply]]\nid = "greeted-with-421"\noff = true\n'
    )
    assert [rule.action.suspend for rule in rules.replies if rule.id == "too-fast"] == [True]
    assert rules.replies[0].id == "too-fast"
    assert len(rules.replies) == len(shipped_rules().replies) - 1
    assert rules.reply_rule(from_text("421 no"), Phase.GREETING, None) is None


def test_what_relays_publish_holds_for_their_accounts() -> None:
    rules = shipped_rules()
    assert rules.of_account("ann@example.com", "SMTP.office365.com.") == Limits(connections=3)
    assert rules.of_account(None, "smtp.socketlabs.com") == Limits(connections=10, messages_per_connection=50)
    assert rules.of_account("ann", "smtp.example.com") == NO_LIMITS
    assert rules.of_account("ann@gmail.com", "smtp.gmail.com").per_day is None  # not by itself: it may be shared


def test_no_preset_with_limits_has_hosts_that_a_look_up_would_miss() -> None:
    with_limits = [preset for preset in PRESETS if preset.connections or preset.messages]
    assert [host for preset in with_limits for host in preset.hosts if "*" in host] == []


def test_a_user_has_the_limits_of_the_host_and_those_of_its_own() -> None:
    rules = over_shipped(
        '[account."smtp.office365.com"]\nrate = "30/min"\n'
        '[account."ann@smtp.office365.com"]\nconnections = 1\nper_day = "published"\n'
    )
    assert rules.of_account("bob", "smtp.office365.com") == Limits(connections=3, rate=Rate(30, 60))
    assert rules.of_account("ann", "smtp.office365.com") == Limits(connections=1, rate=Rate(30, 60), per_day=10_000)


def test_without_a_file_the_shipped_rules_hold(tmp_path: Path) -> None:
    assert rules_of(None) is shipped_rules()
    path = tmp_path / "own.toml"
    path.write_text("[site.google]\nconnections = 1\n")
    assert rules_of(path).sites["google"].limits == Limits(1, 50)
