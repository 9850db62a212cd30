"""Reply codes, enhanced codes and transcripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.reply import Code, Direction, EnhancedCode, Reply, Transcript


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (250, "positive"),
        (251, "positive"),
        (354, "intermediate"),
        (421, "temporary"),
        (450, "temporary"),
        (550, "permanent"),
        (599, "permanent"),
    ],
)
def test_the_first_digit_says_what_a_code_means(code: int, said: str) -> None:
    words = ("positive", "intermediate", "temporary", "permanent")
    assert [word for word in words if getattr(Code(code), word)] == [said]


@pytest.mark.parametrize("text", ["5.1.1", "2.0.0", "4.7.25", "5.999.999"])
def test_enhanced_codes_are_read_and_written(text: str) -> None:
    parsed = EnhancedCode.parse(text)
    assert parsed is not None
    assert str(parsed) == text


@pytest.mark.parametrize("text", ["", "5", "5.1", "5.1.1.1", "3.1.1", "5.1.x", "5.1.1000", "5..1", "5.1.１", "-5.1.1"])
def test_what_is_no_enhanced_code_is_none(text: str) -> None:
    assert EnhancedCode.parse(text) is None


@given(st.text(max_size=12))
def test_reading_an_enhanced_code_never_raises(text: str) -> None:
    parsed = EnhancedCode.parse(text)
    assert parsed is None or 2 <= parsed.klass <= 5


def test_the_text_of_a_reply_is_without_its_enhanced_code() -> None:
    reply = Reply(Code(550), ("5.1.1 No such", "5.1.1 mailbox here"), EnhancedCode(5, 1, 1))
    assert reply.text == "No such mailbox here"
    assert str(reply) == "550 5.1.1 No such mailbox here"
    assert str(Reply(Code(250))) == "250"


def test_a_transcript_keeps_both_sides_and_its_ends() -> None:
    transcript = Transcript()
    transcript.add(Direction.NOTE, "connected")
    transcript.add(Direction.CLIENT, b"EHLO a.example\r\n")
    transcript.add(Direction.SERVER, Reply(Code(250), ("b.example", "SIZE 1000")))
    assert str(transcript) == "* connected\n> EHLO a.example\n< 250 b.example\n< 250 SIZE 1000"
    assert [str(line) for line in transcript] == str(transcript).split("\n")


def test_a_long_transcript_stays_small_and_says_so() -> None:
    transcript = Transcript()
    for number in range(10_000):
        transcript.add(Direction.CLIENT, f"line {number}")
    lines = [line.text for line in transcript.snapshot()]
    assert lines[0] == "line 0"
    assert lines[-1] == "line 9999"
    assert len(lines) <= Transcript.KEPT_FIRST + 2 * Transcript.KEPT_LAST + 1
    left_out = lines[Transcript.KEPT_FIRST]
    kept = len(lines) - 1
    assert left_out == f"({10_000 - kept} entries left out)"
