"""Dot-stuffing: what comes out is what went in, and nothing in it ends the message."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.smtp.body import END, stuff

lines = st.lists(
    st.one_of(
        st.sampled_from([b"", b".", b"..", b".\x00", b"From here", b"a.", b"..a"]),
        st.binary(max_size=20).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b"")),
    ),
    max_size=8,
)


@given(lines)
def test_taken_apart_as_the_rfc_says_it_is_the_content_again(parts: list[bytes]) -> None:
    content = b"".join(part + b"\r\n" for part in parts)
    wire = stuff(content)
    read = []
    *received, rest = wire.split(b"\r\n")
    assert rest == b""
    for number, line in enumerate(received):
        if line == b".":  # RFC 5321 §4.5.2
            assert number == len(received) - 1, "the message ended early"
            break
        read.append(line.removeprefix(b"."))
    assert b"".join(line + b"\r\n" for line in read) == content


@given(st.binary(max_size=200))
def test_no_content_puts_a_bare_line_end_on_the_wire(content: bytes) -> None:
    if re.search(rb"(?<!\r)\n|\r(?!\n)", content):
        with pytest.raises(MessageError, match="bare"):
            stuff(content)
        return
    wire = stuff(content)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire)
    assert wire.count(b"\r\n.\r\n") + wire.startswith(b".\r\n") == 1
    assert wire.endswith(END)


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b".\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"no end", b"no end\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.b\r\n..\r\n", b"a\r\n..b\r\n...\r\n.\r\n"),
    ],
)
def test_dots_at_their_places(content: bytes, wire: bytes) -> None:
    assert stuff(content) == wire


@pytest.mark.parametrize(
    "content", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\nb", b"a\n\r\nb", b"x\r\n.\n", b"\n.\r\n", b"\r"]
)
def test_bare_line_ends_never_leave(content: bytes) -> None:
    with pytest.raises(MessageError, match="bare"):
        stuff(content)
