"""Transfer encodings: which one is chosen, what it makes, and that it comes back."""

import quopri
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.message.boundary import Boundaries
from postroad.message.encode import (
    LINE,
    Encoded,
    Encoding,
    base64,
    base64_length,
    canonical,
    encode_octets,
    encode_text,
    encode_text_file,
    quoted_printable,
    quoted_printable_exact,
)
from tests.message.strategies import texts

SEVEN, QUOTED, BASE64 = Encoding.SEVEN_BIT, Encoding.QUOTED_PRINTABLE, Encoding.BASE64


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", SEVEN),
        ("Hello,\n\nworld.\n", SEVEN),
        ("tab\tinside", SEVEN),
        ("x" * 78, SEVEN),
        ("x" * 79, QUOTED),  # RFC 5322 §2.1.1: lines should not be longer than 78
        ("trailing \n", QUOTED),
        ("trailing\t", QUOTED),
        ("From me\n", QUOTED),
        ("to\nFrom me", QUOTED),
        ("not From me\n >From", SEVEN),
        (".", QUOTED),
        ("a\n.\nb", QUOTED),
        ("..", SEVEN),
        ("bell \x07 inside a line that is otherwise plain", QUOTED),
        ("é", BASE64),  # six characters escaped, four in base64
        ("Grüße aus der Mitte von Köln", QUOTED),
        ("ご注文ありがとうございます", BASE64),
        ("Ελληνικά", BASE64),
    ],
)
def test_the_choice(text: str, encoding: Encoding) -> None:
    assert encode_text(canonical(text)).encoding is encoding


@given(texts)
def test_the_shorter_of_the_two(text: str) -> None:
    octets = canonical(text)
    encoded = encode_text(octets)
    if encoded.encoding is not SEVEN:
        assert len(encoded.body) <= min(len(quoted_printable(octets)), base64_length(len(octets)))


@given(texts)
def test_text_comes_back(text: str) -> None:
    octets = canonical(text)
    assert octets.replace(b"\r\n", b"").count(b"\r") == octets.replace(b"\r\n", b"").count(b"\n") == 0
    assert decoded(encode_text(octets)) == octets
    assert quopri.decodestring(quoted_printable(octets)) == octets


@given(st.binary(max_size=400))
def test_octets_come_back(octets: bytes) -> None:
    assert decoded(encode_octets(octets)) == octets
    assert decoded(encode_text_file(octets)) == octets
    assert quopri.decodestring(quoted_printable_exact(octets)) == octets
    assert len(base64(octets)) == base64_length(len(octets))


@given(st.one_of(texts.map(canonical), st.binary(max_size=400)))
def test_what_every_line_keeps(octets: bytes) -> None:
    for body in (quoted_printable(canonical(octets.decode("latin-1"))), quoted_printable_exact(octets), base64(octets)):
        assert body.isascii()
        assert body.replace(b"\r\n", b"").count(b"\r") == body.replace(b"\r\n", b"").count(b"\n") == 0
        for line in body.split(b"\r\n"):
            assert len(line) <= LINE
            assert not line.endswith((b" ", b"\t"))
            assert not line.startswith(b"From ")
            assert b"=_" not in line


def test_from_lines_at_the_border_are_split() -> None:
    for length in range(60, 80):
        octets = canonical("From " * 3 + "x" * length)
        body = quoted_printable(octets)
        assert max(map(len, body.split(b"\r\n"))) <= LINE
        assert not any(line.startswith(b"From ") for line in body.split(b"\r\n"))
        assert quopri.decodestring(body) == octets


def decoded(encoded: Encoded) -> bytes:
    if encoded.encoding is BASE64:
        return b64decode(encoded.body)
    return quopri.decodestring(encoded.body) if encoded.encoding is QUOTED else encoded.body


# Boundaries


def test_a_boundary_never_occurs_in_a_part() -> None:
    honest = Boundaries()
    body = b"Hello."
    honest.saw(Encoded(SEVEN, body))
    expected = honest.make()
    # A part that holds the very boundary it would get: both sums depend on it, so it is made for what they come to.
    tricked = Boundaries()
    tricked.saw(Encoded(SEVEN, body))
    tricked._plain.append(b"--" + expected)
    assert tricked.make() != expected


def test_boundaries_differ_and_depend_on_the_content() -> None:
    def made(*bodies: bytes) -> list[bytes]:
        boundaries = Boundaries()
        for body in bodies:
            boundaries.saw(Encoded(BASE64, body))
        return [boundaries.make(), boundaries.make()]

    assert len(set(made(b"a") + made(b"b") + made(b"a", b"b"))) == 6
    assert made(b"a") == made(b"a")
    assert (
        len({len(boundary) for boundary in made(b"a") + made(b"b" * 10_000)}) == 1
    )  # none is the beginning of another
    assert all(len(boundary) <= 70 for boundary in made(b"x" * 100))  # RFC 2046 §5.1.1
