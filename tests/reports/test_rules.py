"""The rules of classification: each one applies, to its own example before all others, and says what it means."""

import tomllib
from collections import Counter
from importlib.resources import files

import pytest

from postroad.reports.classes import BounceClass
from postroad.reports.evidence import Source, evidence_of
from postroad.reports.phrases import Phrase
from postroad.reports.rules import read_rules, rule_book

DOCUMENT, LANGUAGES = (
    tomllib.loads((files("postroad.reports") / name).read_text(encoding="utf-8"))
    for name in ("bounce_rules.toml", "bounce_languages.toml")
)
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
    phrases += [phrase for languages in LANGUAGES.values() for said in languages.values() for phrase in said]
    for phrase in phrases:
        assert phrase == phrase.lower(), "words are looked up in lower case"
        assert "  " not in phrase, "there are no two spaces in a row"
        for one in Phrase.of(phrase):
            assert len(one.start.strip()) > 1, phrase
            assert all(piece.strip() for pieces in one.rest for piece in pieces), phrase
            words = evidence_of(" and ".join((one.start, *(pieces[-1] for pieces in one.rest)))).words
            assert one.stands_in(words), f"{phrase}: what is put in order before could never hold it"


def test_a_phrase_may_leave_words_out_and_have_some_to_choose_from() -> None:
    said = Phrase.of("{mailbox|inbox} of…{full|no room}")
    assert [one.start for one in said] == ["mailbox of", "inbox of"]
    assert [one.stands_in(" the inbox of ann has no room ") for one in said] == [False, True]
    assert not any(one.stands_in(f" inbox of {'x' * 100} no room ") for one in said)


@pytest.mark.parametrize("text", ["BOÎTE PLEINE", "boîte pleine", "boite pleine", "bo\u0069\u0302te pleine"])
def test_accents_decide_nothing(text: str) -> None:
    assert evidence_of(text).words == evidence_of("boite pleine").words


def test_no_phrase_stands_behind_a_shorter_one_of_the_same_rule() -> None:
    for rule in RULES:
        shadowed = [
            (long, short) for long in rule.get("says", ()) for short in rule.get("says", ())
            if long != short and short in long and not {"…", "{"} & set(short + long)
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
        read_rules({**DOCUMENT, "rule": [{**RULES[0], "sayz": ["x"]}]}, {})
    with pytest.raises(ValueError, match="mailbox-ful: no rule has this id"):
        read_rules(DOCUMENT, {"mailbox-ful": {"de": ["voll"]}})
