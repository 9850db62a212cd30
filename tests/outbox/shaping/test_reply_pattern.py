"""What may be looked for in a reply."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.outbox.shaping.reply_pattern import LOOKED_AT, ReplyPattern

CHARACTERS = st.sampled_from("ab.*+?()[]|{},^$\\dw-12")


@given(st.text(CHARACTERS, min_size=1, max_size=12))
def test_what_is_taken_is_a_regular_expression_or_refused_when_it_is_compiled(source: str) -> None:
    try:
        pattern = ReplyPattern(source)
        compiled = pattern.compile()
    except ValueError:
        return
    assert pattern.found_in("ab12") == (re.search(source, "ab12", re.IGNORECASE) is not None)
    assert compiled.flags & re.IGNORECASE


@given(st.text(CHARACTERS, min_size=1, max_size=40))
def test_what_is_taken_is_quick_whatever_is_said(source: str) -> None:
    try:
        pattern = ReplyPattern(f"(?:{source})!")
        pattern.compile()
    except ValueError:
        return
    began = process_time()
    for text in ("a" * LOOKED_AT, "ab" * LOOKED_AT, "1" * LOOKED_AT):
        pattern.found_in(text)
    assert process_time() - began < 5  # seconds; what is refused would take hours


@pytest.mark.parametrize(
    "source", ["(a+)+", "(?:a|b)*", "a*a*a*", "(a?){20}", r"(a)\1", "(?=a)", "(?i)a", "a" * 301, ""]
)
def test_what_could_keep_us_busy_or_is_not_known_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"write|known|repetition|characters"):
        ReplyPattern(source)


TEXTS = st.text(st.sampled_from("ab |.("), min_size=1, max_size=6)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3), st.text("ab |.(", max_size=10))
def test_a_pattern_that_covers_another_matches_whenever_it_does(one: list[str], two: list[str], text: str) -> None:
    broad, narrow = (ReplyPattern("|".join(map(re.escape, texts))) for texts in (one, two))
    if broad.covers(narrow):
        assert broad.found_in(text) or not narrow.found_in(text)


@pytest.mark.parametrize(
    ("broad", "narrow", "covers"),
    [
        ("too many", "Too Many connections", True),
        ("too many|slow down", "too many mails|please slow down", True),
        ("too many mails", "too many", False),
        ("slow down", "too many|slow down", False),
        (r"\[TS04\]", r"x \[TS04\]", True),
        ("too .*", "too many", False),  # it does; that is not seen
        ("too .*", "too .*", True),
    ],
)
def test_which_pattern_covers_which(broad: str, narrow: str, covers: bool) -> None:
    assert ReplyPattern(broad).covers(ReplyPattern(narrow)) is covers


def test_only_the_first_part_of_a_long_text_is_looked_at() -> None:
    assert not ReplyPattern("busy").found_in("x" * LOOKED_AT + "busy")
