"""SASLprep, by the examples of its RFC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.smtp.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        # RFC 4013 §3
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        # §2.1: other spaces are a space; §2.2: one form for what looks the same
        ("pass\u00a0word", "pass word"),
        ("wo\u0308rd", "w\u00f6rd"),
        ("\u0627\u0644", "\u0627\u0644"),
    ],
)
def test_what_looks_the_same_is_the_same(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text",
    [
        "\u0007",  # RFC 4013 §3: a control character
        "\u0627\u0031",  # and right-to-left text that ends with a digit
        "\u06271\u0627a\u0627",
        "\ufffd wörd",
        "\u00ad",  # nothing would be left
    ],
)
def test_what_is_forbidden_stays_as_it_was_typed(text: str) -> None:
    assert saslprep(text) == text


@given(st.text())
def test_it_is_done_once_and_never_fails(text: str) -> None:
    prepared = saslprep(text)
    assert saslprep(prepared) == prepared
    assert bool(prepared) == bool(text)
