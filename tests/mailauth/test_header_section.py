from hypothesis import given
from hypothesis import strategies as st

from postroad.mailauth.header_section import Field, read, received
from postroad.message.limits import MAX_FIELDS, MAX_HEADER_OCTETS


def test_fields_keep_their_octets() -> None:
    seen = read(b"From : a@b.example\r\nSubject: one\r\n\ttwo\r\n \r\nX:\r\n\r\nbody\r\n")
    assert seen.fields == (
        Field(b"from", b"From : a@b.example\r\n"),
        Field(b"subject", b"Subject: one\r\n\ttwo\r\n \r\n"),
        Field(b"x", b"X:\r\n"),
    )
    assert seen.fields[1].value == b" one\r\n\ttwo\r\n \r\n"
    assert seen.body == b"body\r\n"


def test_a_line_that_is_no_field_has_no_name() -> None:
    seen = read(b" begins with a fold\r\nno colon here\r\nFrom: a@b.example\r\n")
    assert [field.key for field in seen.fields] == [b"", b"", b"from"]
    assert seen.named(b"from") == [Field(b"from", b"From: a@b.example\r\n")]


def test_line_feeds_alone_are_line_ends() -> None:
    assert read(b"A: 1\n 2\n\nb\n").fields == (Field(b"a", b"A: 1\r\n 2\r\n"),)
    assert read(b"A: 1\n\nb\r\nc\n").body == b"b\r\nc\r\n"


def test_a_message_may_end_anywhere() -> None:
    assert read(b"").fields == ()
    assert read(b"A: 1").fields == (Field(b"a", b"A: 1\r\n"),)
    assert read(b"\r\nbody").body == b"body"
    assert read(b"A: 1\r\n\r\n").body == b""


def test_only_so_much_of_a_strangers_header_is_looked_at() -> None:
    short = b"a:\r\n"
    assert received(short * MAX_FIELDS + b"\r\nbody") == read(short * MAX_FIELDS + b"\r\nbody")
    seen = received(short * 2_500_000 + b"\r\nbody")
    assert (len(seen.fields), seen.cut, seen.body) == (MAX_FIELDS, True, b"body")
    seen = received(b"X: 1\nA: " + b"a" * MAX_HEADER_OCTETS + b"\n\nbody")
    assert (seen.fields, seen.cut, seen.body) == ((Field(b"x", b"X: 1\r\n"),), True, b"body")


@given(st.binary(max_size=40) | st.text("A: \r\n\t", max_size=20).map(str.encode))
def test_nothing_is_lost(content: bytes) -> None:
    seen = read(content)
    header = b"".join(field.raw for field in seen.fields)
    canonical = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert canonical in (header + b"\r\n" + seen.body, header, header[:-2])
    assert all(field.raw.endswith(b"\r\n") for field in seen.fields)
