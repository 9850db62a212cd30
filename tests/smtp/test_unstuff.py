"""Content up to the final dot: unstuffed, bounded, and deaf to every line end but CRLF."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.smtp.body import stuff
from postroad.smtp.incoming_content import Fault
from postroad.smtp.server_events import ContentComplete
from postroad.smtp.unstuff import DotContent
from tests.smtp.driven_server import DrivenServer, chunked

BEGIN = b"EHLO c.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n"
SMUGGLED = b"MAIL FROM:<evil@e.example>\r\nRCPT TO:<victim@b.example>\r\nDATA\r\nboo\r\n.\r\n"


def reader(max_octets: int = 10_000, max_line: int | None = 100) -> DotContent:
    return DotContent(max_octets, max_line)


@pytest.mark.parametrize(
    ("wire", "content"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"\r\n\r\n.\r\n", b"\r\n\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"a\r\n..b\r\n.c\r\n.\r\n", b"a\r\n.b\r\nc\r\n"),
    ],
)
def test_dots(wire: bytes, content: bytes) -> None:
    for size in range(1, len(wire) + 1):
        fed = reader()
        rests = [fed.feed(wire[start : start + size]) for start in range(0, len(wire), size)]
        assert rests == [None] * (len(rests) - 1) + [b""]
        assert (fed.content(), fed.faults) == (content, Fault.NONE)


@pytest.mark.parametrize(
    "ending",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\n.\r",
        b"\r.\r",
        b"\r.\n",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r\n.\r\r\n",
        b"\r\n\x00.\r\n",
        b"\r\n.\x00\r\n",
        b"\r\n\n.\r\n\n",
        b"\r\r\n.\r\n\n",
        b"\n\r.\r\n",
    ],
)
def test_nothing_but_crlf_dot_crlf_ends_a_content(ending: bytes) -> None:
    """CVE-2023-51764, -51765, -51766: a second message behind an end that only some servers believe in."""
    server = DrivenServer()
    codes = server.codes(BEGIN, b"text" + ending + SMUGGLED)
    assert codes[:5] == [250, 250, 250, 354, 550]
    assert 354 not in codes[5:]
    assert not [event for event in server.events if isinstance(event, ContentComplete)]


def test_a_bare_line_end_in_a_command_ends_the_session() -> None:
    for command in (b"NOOP\nMAIL FROM:<a@a.example>\r\n", b"NOOP\rRSET\r\n", b"NOOP\r\r\n", b"NOOP\n"):
        server = DrivenServer()
        assert server.codes(b"EHLO c.example\r\n", command + b"NOOP\r\n") == [250, 421]


@pytest.mark.parametrize(
    ("wire", "fault"),
    [
        (b"a\nb\r\n.\r\n", Fault.BARE_LF),
        (b"a\rb\r\n.\r\n", Fault.BARE_CR),
        (b"a\r\r\n.\r\n", Fault.BARE_CR),
        (b"a\0b\r\n.\r\n", Fault.NUL),
        (b"x" * 98 + b"\r\n.\r\n", Fault.NONE),
        (b"x" * 99 + b"\r\n.\r\n", Fault.LONG_LINE),
        (b"." + b"." + b"x" * 97 + b"\r\n.\r\n", Fault.NONE),  # the added dot is not counted
        (b"x\r\n" * 99 + b"x" * 99 + b"\r\n.\r\n", Fault.LONG_LINE),
        (b"x" * 9998 + b"\r\n.\r\n", Fault.LONG_LINE),
        (b"xy\r\n" * 2500 + b".\r\n", Fault.NONE),
        (b"xy\r\n" * 2500 + b"\r\n.\r\n", Fault.TOO_LARGE),
    ],
)
def test_faults_are_found_in_any_chunking(wire: bytes, fault: Fault) -> None:
    for size in (1, 2, 3, 5, 7, 97, 98, 99, 100, 101, len(wire)):
        fed = reader()
        for start in range(0, len(wire), size):
            fed.feed(wire[start : start + size])
        assert fed.faults == fault, size


def test_a_faulty_content_is_not_kept() -> None:
    fed = reader(max_octets=1000)
    for _ in range(100):
        fed.feed(b"x" * 97 + b"\r\n")
    assert fed.content() == b""
    assert fed.octets > 9000
    assert fed.feed(b".\r\nNOOP\r\n") == b"NOOP\r\n"


LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\r", b".").replace(b"\n", b".")), max_size=20)


@given(LINES, st.lists(st.integers(0, 1000), max_size=20), st.binary(max_size=10))
def test_what_is_stuffed_comes_out_again(lines: list[bytes], cuts: list[int], behind: bytes) -> None:
    content = b"".join(line.replace(b"\0", b".") + b"\r\n" for line in lines)
    fed = reader()
    wire = stuff(content)
    *rests, last = [fed.feed(piece) for piece in [*chunked(wire[:-1], cuts), wire[-1:] + behind]]
    assert all(rest is None for rest in rests)
    assert last == behind
    assert (fed.content(), fed.faults, fed.octets) == (content, Fault.NONE, len(content))


@given(st.text(alphabet="\r\n.x\0", max_size=60), st.lists(st.integers(0, 60), max_size=20))
def test_any_chunking_gives_the_same_content_and_faults(text: str, cuts: list[int]) -> None:
    wire = text.encode() + b"\r\n.\r\n"
    whole, pieces = reader(30, 8), reader(30, 8)
    end = (b"\r\n" + wire).index(b"\r\n.\r\n") + 3
    assert whole.feed(wire[:end]) == b""
    rests = [pieces.feed(piece) for piece in chunked(wire[:end], cuts)]
    assert rests[-1] == b""
    assert pieces.faults == whole.faults
    assert pieces.content() == whole.content()
