"""The rules of classification: each one applies, to its own example before all others, and says what it means."""

import tomllib
from collections import Counter
from importlib.resources import files

import pytest

from postroad.reports.classes import BounceClass
from postroad.reports.evidence import Source, evidence_of
from postroad.reports.rules import read_rules, rule_book

DOCUMENT = tomllib.loads((files("postroad.reports") / "bounce_rules.toml").read_text(encoding="utf-8"))
RULES = DOCUMENT["rule"]
OUTCOMES = {"complaint", "autoreply", "delayed", "delivered", "unknown"}  # which no refusal is


def test_every_rule_is_the_first_that_its_example_fits() -> None:
    for rule in RULES:
        evidence = evidence_of(rule["example"], source=Source.REPLY, host=rule.get("host", ""))
        provider, first = rule_book().decide(evidence)
        assert first is not None, rule["id"]
        assert first.id == rule["id"]
        assert provider == rule.get("provider", provider), rule["id"]


def test_every_phrase_can_be_found() -> None:
    phrases = [phrase for rule in RULES for phrase in (*rule.get("says", ()), *rule.get("also", ()))]
    for phrase in phrases:
        assert phrase == phrase.lower(), "words are looked up in lower case"
        assert "  " not in phrase, "there are no two spaces in a row"
        assert len(phrase.strip()) > 1
        words = evidence_of(phrase.replace("…", " and "), source=Source.REPLY).words
        assert phrase.replace("…", " and ").strip() in words, "what is put in order before could never hold it"


def test_no_phrase_stands_behind_a_shorter_one_of_the_same_rule() -> None:
    for rule in RULES:
        shadowed = [
            (long, short) for long in rule.get("says", ()) for short in rule.get("says", ())
            if long != short and short in long and "…" not in short and "…" not in long
        ]  # fmt: skip
        assert not shadowed, rule["id"]


def test_ids_are_unique_and_reasons_are_explained() -> None:
    assert [name for name, count in Counter(rule["id"] for rule in RULES).items() if count > 1] == []
    reasons = DOCUMENT["reason"]
    assert {rule["reason"] for rule in RULES} <= reasons.keys()
    assert all(reason.keys() == {"meaning", "advice"} for reason in reasons.values())
    assert all(text.endswith(".") for reason in reasons.values() for text in reason.values())


def test_every_class_of_refusals_has_rules() -> None:
    assert {rule["class"] for rule in RULES} == {str(one) for one in BounceClass} - OUTCOMES


def test_only_refusals_of_the_recipient_suppress_by_words_alone() -> None:
    """Who is refused by policy keeps the address, whatever the words."""
    for rule in RULES:
        if rule["class"] == "hard_recipient" and rule.get("says") and "provider" not in rule:
            sure = "confirm" in rule or rule.get("codes") or rule["id"].partition("-")[0] in SURE
            assert sure, rule["id"]


SURE = {"microsoft", "yahoo", "icloud", "mail", "comcast"}  # whose words nobody else says


def test_a_rule_that_is_misspelt_is_refused() -> None:
    with pytest.raises(ValueError, match="sayz is no part of a rule"):
        read_rules({**DOCUMENT, "rule": [{**RULES[0], "sayz": ["x"]}]})
