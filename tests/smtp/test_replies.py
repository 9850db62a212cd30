"""Replies: read from any chunking of a server's bytes, bounded, and written."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad.reply import Code, EnhancedCode, Reply
from postroad.smtp.replies import MAX_LINE_OCTETS, MAX_REPLY_OCTETS, ReplyReader, from_text, render

# Text without control characters: what a server that keeps the RFC writes, and UTF-8 (RFC 6531 §3.7.4.2).
words = st.text(st.characters(min_codepoint=0x20, exclude_categories=("Cc", "Cs")), max_size=30)
codes = st.integers(200, 599)


@st.composite
def replies(draw: st.DrawFn) -> tuple[Reply, bytes]:
    code, lines = draw(codes), draw(st.lists(words, min_size=1, max_size=4))
    end = draw(st.sampled_from([b"\r\n", b"\n"]))
    wire = b"".join(
        f"{code}{' ' if number == len(lines) else '-'}{line}".encode() + end for number, line in enumerate(lines, 1)
    )
    reply = from_reader(wire)[0][0]
    assert reply.lines == tuple(lines)
    return reply, wire


def from_reader(*chunks: bytes) -> tuple[list[Reply], str | None]:
    """What a reader makes of the chunks: the replies, and its complaint."""
    reader = ReplyReader()
    read = [reply for chunk in chunks for reply in reader.feed(chunk)]
    return read, reader.fault.message if reader.fault else None


@st.composite
def chunkings(draw: st.DrawFn, wires: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    wire = draw(wires)
    cuts = sorted(draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    return wire, [wire[start:end] for start, end in pairwise([0, *cuts, len(wire)])]


valid = st.lists(replies(), max_size=5).map(lambda made: b"".join(wire for _, wire in made))
garbage = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from(
            [b"250 ok\r\n", b"250-more\r\n", b"250\r\n", b"25", b"0 x", b"\r", b"\n", b"551-", b"\xff", b"- "]
        ),
        max_size=12,
    ).map(b"".join),
    st.tuples(valid, st.binary(max_size=20), valid).map(b"".join),
)


@given(chunkings(valid))
def test_any_chunking_of_replies_gives_the_same_replies(case: tuple[bytes, list[bytes]]) -> None:
    wire, chunks = case
    assert from_reader(*chunks) == from_reader(wire)
    assert from_reader(wire)[1] is None
    octets = [wire[at : at + 1] for at in range(len(wire))]
    assert from_reader(*octets) == from_reader(wire)


@given(chunkings(garbage))
@example((b"250 ok\r\nnonsense\r\n250 ok\r\n", [b"250 ok\r\nnon", b"sense\r\n", b"250 ok\r\n"]))
def test_any_chunking_of_garbage_gives_the_same_replies_and_the_same_fault(case: tuple[bytes, list[bytes]]) -> None:
    wire, chunks = case
    assert from_reader(*chunks) == from_reader(wire)


@given(st.integers(-3, 3), st.sampled_from([b"\r\n", b"\n"]), st.integers(1, 700))
def test_the_longest_line_is_the_same_in_any_chunking(more: int, end: bytes, step: int) -> None:
    wire = b"250 " + b"x" * (MAX_LINE_OCTETS - 4 + more) + end
    chunks = [wire[at : at + step] for at in range(0, len(wire), step)]
    assert from_reader(*chunks) == from_reader(wire)
    assert (from_reader(wire)[1] is None) == (more <= 0)


@pytest.mark.parametrize("step", [1, 7, 1000, 10**6])
def test_an_endless_line_is_stopped(step: int) -> None:
    reader, fed = ReplyReader(), 0
    while reader.fault is None and fed < 100_000:
        reader.feed(b"2" * step)
        fed += step
    assert reader.fault is not None
    assert "longer than 2048 octets" in reader.fault.message
    assert fed <= MAX_LINE_OCTETS + 1 + step


def test_an_endless_reply_is_stopped() -> None:
    reader, fed = ReplyReader(), 0
    while reader.fault is None and fed < 10**6:
        assert reader.feed(b"250-and so on and so on\r\n" * 50) == []
        fed += 25 * 50
    assert reader.fault is not None
    assert f"longer than {MAX_REPLY_OCTETS}" in reader.fault.message


@pytest.mark.parametrize(
    "wire",
    [
        b"\r\n",
        b"25\r\n",
        b"2500 ok\r\n",
        b"150 ok\r\n",
        b"650 ok\r\n",
        b"abc ok\r\n",
        b"250_ok\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-a\r\n250_b\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\n",
        b"\xff\xfe\r\n",
    ],
)
def test_what_is_no_reply_is_a_fault_and_ends_the_reading(wire: bytes) -> None:
    before, complaint = from_reader(b"220 hello\r\n" + wire + b"250 after\r\n")
    assert [int(reply.code) for reply in before] == [220]
    assert complaint is not None
    reader = ReplyReader()
    reader.feed(wire)
    assert reader.feed(b"250 after\r\n") == []


@pytest.mark.parametrize(
    ("wire", "enhanced"),
    [
        (b"250 2.1.5 ok\r\n", EnhancedCode(2, 1, 5)),
        (b"250 2.1.5\r\n", EnhancedCode(2, 1, 5)),
        (b"550-5.7.26 one\r\n550 5.7.26 two\r\n", EnhancedCode(5, 7, 26)),
        (b"550 4.1.1 the class is another's\r\n", None),
        (b"250 10.1.5 an address\r\n", None),
        (b"250 2.1.5x\r\n", None),
        (b"250 2.1.5.9 four\r\n", None),
        (b"250 Ok 2.1.5\r\n", None),
        (b"250\r\n", None),
    ],
)
def test_the_enhanced_code_is_read_where_it_stands(wire: bytes, enhanced: EnhancedCode | None) -> None:
    (reply,), complaint = from_reader(wire)
    assert complaint is None
    assert reply.enhanced == enhanced


def test_bytes_that_are_no_utf8_are_shown_and_not_lost() -> None:
    (reply,), _ = from_reader(b"550 caf\xe9\r\n")
    assert reply.text == r"caf\xe9"


@given(replies())
def test_what_is_read_is_written_back(case: tuple[Reply, bytes]) -> None:
    reply, _ = case
    assert from_reader(render(reply))[0] == [reply]


@given(codes, st.lists(st.text(max_size=12), min_size=1, max_size=3))
def test_no_text_makes_a_second_reply(code: int, lines: list[str]) -> None:
    try:
        wire = render(Reply(Code(code), tuple(lines)))
    except (ValueError, UnicodeEncodeError):
        return
    read, complaint = from_reader(wire)
    assert complaint is None
    assert len(read) == 1


def test_a_reply_from_its_text() -> None:
    reply = from_text("550 5.1.1 No such mailbox")
    assert (reply.code, reply.enhanced, reply.text) == (550, EnhancedCode(5, 1, 1), "No such mailbox")
    for wrong in ("550", "550-more", "none", "999 x"):
        with pytest.raises(ValueError, match="not a reply"):
            from_text(wrong)
