"""The rules of large receivers: what they take graver or more lightly, and which requirements are met."""

import pytest

from postroad.doctor.checks.registry import CHECKS
from postroad.doctor.profile import State, judged, standings
from postroad.doctor.profiles import GMAIL_BULK, ICLOUD, OUTLOOK_BULK, PROFILES, YAHOO_BULK, profiles_named
from postroad.lint.check import RULES
from postroad.lint.finding import Finding, Level


def finding(id_: str, level: Level = Level.PASS, seen: str = "seen") -> Finding:
    return Finding(id_, level, seen, "rule", "rfc")


def everything(*other: Finding) -> list[Finding]:
    """All checks pass but these."""
    found = {check.id: finding(check.id) for check in CHECKS}
    return list({**found, **{one.id: one for one in other}}.values())


def test_every_id_is_that_of_a_check() -> None:
    known = {check.id for check in CHECKS} | {rule.id for rule in RULES}
    for profile in PROFILES:
        named = {id_ for requirement in profile.requirements for id_ in requirement.checks}
        assert named | {id_ for id_, _ in profile.levels} <= known


@pytest.mark.parametrize(
    ("name", "profiles"),
    [("gmail-bulk", (GMAIL_BULK,)), ("yahoo-bulk", (YAHOO_BULK,)), ("outlook-bulk", (OUTLOOK_BULK,)),
     ("icloud", (ICLOUD,)), ("all", PROFILES)],
)  # fmt: skip
def test_a_profile_has_a_name(name: str, profiles: object) -> None:
    assert profiles_named(name) == profiles


@pytest.mark.parametrize(
    ("profile", "id_", "found", "taken"),
    [
        ("gmail-bulk", "DM-04", Level.WARN, Level.INFO),  # p=none is enough
        ("gmail-bulk", "DM-04", Level.FAIL, Level.FAIL),
        ("gmail-bulk", "DNS-02", Level.WARN, Level.WARN),
        ("yahoo-bulk", "DNS-02", Level.WARN, Level.FAIL),
        ("yahoo-bulk", "IP-03", Level.WARN, Level.FAIL),
        ("all", "DNS-02", Level.WARN, Level.FAIL),
        ("all", "DNS-02", Level.UNKNOWN, Level.UNKNOWN),
    ],
)
def test_a_receiver_takes_some_findings_otherwise(profile: str, id_: str, found: Level, taken: Level) -> None:
    (one,) = judged([finding(id_, found)], profiles_named(profile))
    assert one.level is taken


@pytest.mark.parametrize(
    ("level", "seen", "state"),
    [
        (Level.PASS, "fine", State.MET),
        (Level.INFO, "good to know", State.MET),
        (Level.WARN, "short", State.MET),
        (Level.FAIL, "none", State.NOT_MET),
        (Level.UNKNOWN, "no answer", State.UNKNOWN),
        (Level.INFO, "not checked: no selector is known", State.NOT_CHECKED),
    ],
)
def test_a_requirement_stands_as_its_checks_do(level: Level, seen: str, state: State) -> None:
    found = {one.requirement.text: one for one in standings(everything(finding("DK-01", level, seen)), [GMAIL_BULK])}
    assert found["DKIM passes"].state is state
    assert found["DKIM passes"].open == (() if state is State.MET else ("DK-01",))
    assert found["SPF passes"].state is State.MET


def test_what_is_about_messages_is_not_checked_here() -> None:
    found = {one.requirement.text: one for one in standings(everything(), [ICLOUD])}
    assert found["a link to unsubscribe, which holds at once"].open == ("MSG-05",)
