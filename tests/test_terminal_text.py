"""What came from a mail cannot drive a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.terminal_text import many_lines, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("two\r\nlines\t", "two\\r\\nlines\\t"),
        ("\x9b31m", "\\x9b31m"),
        ("ann\u202egpj.exe", "ann\\u202egpj.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\udcff"),
        ("grüße ☃ 漢字 \\x1b", "grüße ☃ 漢字 \\x1b"),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_many_lines_keeps_lines_and_tabs_alone() -> None:
    assert many_lines(b"a\tb\r\nc\rd\n\xff\x1b\r\n") == "a\tb\nc\\rd\n\\xff\\x1b\n"


@given(st.text(max_size=50))
def test_nothing_that_is_left_is_a_control_or_format_character(text: str) -> None:
    assert not {unicodedata.category(character) for character in one_line(text)} & {"Cc", "Cs", "Zl", "Zp"}
    lines = many_lines(text.encode("utf-8", "surrogatepass"))
    assert all(character.isprintable() or character in "\n\t" or ord(character) > 0x2FF for character in lines)
