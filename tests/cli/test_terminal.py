"""Nothing from a mail or a server drives the terminal."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from postroad.cli.terminal import shown


@given(st.text())
@example("\x1b]0;title\x07 \x9b31m \u202egnp.exe \u2028 \ufeff \U000e0041")
def test_no_control_and_no_hidden_character_is_left(text: str) -> None:
    for character in shown(text):
        assert unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp") or character in _HARMLESS


# Format characters of Arabic, Syriac and other scripts: they are visible, or shape the letters beside them.
_HARMLESS = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"} - {
    chr(code)
    for first, last in ((0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
                        (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F))
    for code in range(first, last + 1)
}  # fmt: skip


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_escapes_say_which_character_it_was() -> None:
    assert shown("a\x1b\x9b\u202e\U000e0041b\n") == "a\\x1b\\x9b\\u202e\\U000e0041b\\x0a"
