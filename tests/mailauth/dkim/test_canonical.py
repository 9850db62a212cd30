import hashlib
import re
from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad.mailauth.dkim.canonical import (
    BodyHash,
    Canon,
    Canonicalization,
    body_digest,
    canonical_body,
    canonical_field,
)
from postroad.mailauth.header_section import read

SIMPLE, RELAXED = Canonicalization.SIMPLE, Canonicalization.RELAXED

octets = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"\r", b"\n", b"a", b";", b"\xff"]), max_size=14).map(b"".join)


def by_the_letter(body: bytes, how: Canonicalization) -> bytes:
    """RFC 6376 §3.4.3 and §3.4.4, one sentence a line."""
    if how is RELAXED:
        body = re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", body)
        body = re.sub(rb"[ \t]+", b" ", body)
    body = re.sub(rb"(?:\r\n)*\Z", b"", body, count=1)
    if how is SIMPLE or body:
        body += b"\r\n"
    return body


def test_the_example_of_the_standard() -> None:
    # RFC 6376 §3.4.5
    fields, body = read(b"A: X\r\nB : Y\t\r\n\tZ  \r\n").fields, b" C \r\nD \t E\r\n\r\n\r\n"
    assert [canonical_field(field.raw, RELAXED) for field in fields] == [b"a:X\r\n", b"b:Y Z\r\n"]
    assert canonical_body(body, RELAXED) == b" C\r\nD E\r\n"
    assert [canonical_field(field.raw, SIMPLE) for field in fields] == [field.raw for field in fields]
    assert canonical_body(body, SIMPLE) == b" C \r\nD \t E\r\n"


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (SIMPLE, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
        (RELAXED, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ],
)
def test_an_empty_body(how: Canonicalization, expected: str) -> None:
    # RFC 6376 §3.4.3, §3.4.4
    assert b64encode(body_digest(b"", how).digest).decode() == expected


@pytest.mark.parametrize("how", [SIMPLE, RELAXED])
@given(octets)
@example(b"\r\n\r\n")
@example(b"a\r\n\r\n\r\n")
@example(b"a\n\r\n\r\n")
@example(b"a\r\r\n\r\n")
@example(b"a\r\n\r\n\r")
@example(b"a \r\n \r\n")
def test_a_body_is_what_the_letter_says(how: Canonicalization, body: bytes) -> None:
    assert canonical_body(body, how) == by_the_letter(body, how)


@pytest.mark.parametrize("how", [SIMPLE, RELAXED])
@given(st.lists(octets, max_size=6), st.none() | st.integers(0, 30))
@example([b"", b" ", b"\r", b"\n"], None)
@example([b"a \r", b"\n\r\n", b" ", b"b"], 3)
def test_where_a_body_is_cut_makes_no_difference(
    how: Canonicalization, pieces: list[bytes], length: int | None
) -> None:
    hashing = BodyHash(how, length=length)
    for piece in pieces:
        hashing.update(piece)
    whole = canonical_body(b"".join(pieces), how)
    assert hashing.digest() == hashlib.sha256(whole[:length]).digest()
    assert hashing.octets == len(whole)
    assert body_digest(b"".join(pieces), how, length=length) == (hashlib.sha256(whole[:length]).digest(), len(whole))


@pytest.mark.parametrize("how", [SIMPLE, RELAXED])
def test_a_large_body_is_hashed_in_pieces(how: Canonicalization) -> None:
    body = b"some  text \r\n" * 60_000 + b"\r\n" * 300_000
    whole = by_the_letter(body, how)
    assert body_digest(body, how) == (hashlib.sha256(whole).digest(), len(whole))


@pytest.mark.parametrize("filler", [b" ", b"\t", b"\r\n", b" \r\n", b"\r", b"\n"])
def test_white_space_without_end_takes_no_time(filler: bytes) -> None:
    # Seconds would mean that the time grows with the square of the length.
    body = b"a" + filler * 2_000_000
    for how in (SIMPLE, RELAXED):
        body_digest(body, how)
        canonical_body(body, how)


@given(octets)
def test_a_field_is_what_the_letter_says(value: bytes) -> None:
    value = re.sub(rb"[\r\n]+", b"\r\n ", value)
    expected = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    field = b"SubJect \t:" + value + b"\r\n"
    assert canonical_field(field, RELAXED) == b"subject:" + expected + b"\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("relaxed/simple", Canon(RELAXED, SIMPLE)),
        ("relaxed", Canon(RELAXED, SIMPLE)),
        ("simple/relaxed", Canon(SIMPLE, RELAXED)),
    ],
)
def test_c_is_read(text: str, expected: Canon) -> None:
    assert Canon.read(text) == expected
    assert Canon.read(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "nofws", "relaxed/", "relaxed/simple/simple", "Relaxed"])
def test_c_is_no_other_word(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Canonicalization"):
        Canon.read(text)
