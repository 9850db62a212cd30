"""Thousands of phrases looked for at once are found like one alone."""

from itertools import chain

import pytest

from postroad.reports.phrases import Phrase, PhraseIndex
from postroad.reports.rules import rule_book
from postroad.reports.words import Beginnings

SAID = [
    (f"{number} {rule.id}", phrase)
    for rule in rule_book().rules
    for number, phrase in enumerate(chain(rule.says, rule.unless))
]


def sentences(phrase: Phrase) -> list[str]:
    """What says the phrase, with each of its alternatives once at least."""
    most = max(map(len, phrase.rest), default=1)
    return [
        f" {'; '.join((phrase.start, *(pieces[number % len(pieces)] for pieces in phrase.rest)))} "
        for number in range(most)
    ]


def test_every_phrase_of_the_rules_is_found_whichever_of_its_alternatives_is_said() -> None:
    index = PhraseIndex(SAID)
    missed = [
        (name, words) for name, phrase in SAID for words in sentences(phrase) if name not in index.said_in(words)
    ]  # fmt: skip
    assert not missed


def test_what_is_found_among_others_stands_there() -> None:
    index = PhraseIndex(SAID)
    words = " host mx.acme.example said: @: recipient address rejected: mailbox of ann is full, 拒 over quota "
    assert index.said_in(words) == {name for name, phrase in SAID if phrase.stands_in(words)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (" the mailbox of ann is full ", {"gap"}),
        (" full is the mailbox ", set()),  # in another order
        (f" mailbox {'x' * 100} full ", set()),  # too far away
        (" mailbox: no ip ", {"gap", "short"}),
        (" 信箱已满 ", {"wide"}),
        ("", set()),
    ],
)
def test_a_phrase_is_found_by_any_of_its_pieces(words: str, said: set[str]) -> None:
    given = {"gap": "mailbox…{full|no }", "short": "ip", "wide": "信箱…满"}
    index = PhraseIndex((name, phrase) for name, text in given.items() for phrase in Phrase.of(text))
    assert index.said_in(words) == said


@pytest.mark.parametrize(
    ("text", "begins"), [("copy of it", True), ("cop", False), ("copper", True), ("a copy", False), ("", False)]
)
def test_a_text_begins_with_one_of_many(text: str, begins: bool) -> None:
    assert Beginnings(["copy", "copper", "copies of"]).begin(text) is begins
