import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mailauth.tag_list import MAX_OCTETS, MalformedTagList, read_tags, without_signature


def test_tags_keep_their_order_and_lose_their_folds() -> None:
    tags = read_tags(b" v=1;\r\n\ta = rsa-sha256; h=from : \r\n to;b=;\r\n ")
    assert list(tags.items()) == [("v", "1"), ("a", "rsa-sha256"), ("h", "from : \r\n to"), ("b", "")]


def test_names_are_case_sensitive_and_values_may_hold_equals_and_utf8() -> None:
    # RFC 6376 §3.2; RFC 8616 §3
    assert read_tags("b=1; B=2==; d=größe.example".encode()) == {"b": "1", "B": "2==", "d": "größe.example"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "'' is not written tag=value"),
        (b"v=1;;a=2", "'' is not written tag=value"),
        (b"v=1; v=1", "v= stands there twice"),
        (b"1v=1", "'1v' is no name of a tag"),
        (b"=1", "'' is no name of a tag"),
        (b"v=\x00", "holds"),
        (b"v=\x7f", "holds"),
        (b"v=\xff", "not UTF-8"),
        (b"v=" + b"x" * MAX_OCTETS, "more than 65536 octets"),
    ],
)
def test_what_is_no_tag_list_says_why(text: bytes, reason: str) -> None:
    with pytest.raises(MalformedTagList, match=reason):
        read_tags(text)


@given(st.binary(max_size=40) | st.text("v=;b \r\n1", max_size=20).map(str.encode))
def test_any_octets_are_tags_or_malformed(octets: bytes) -> None:
    with contextlib.suppress(MalformedTagList):
        assert read_tags(octets)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"DKIM-Signature: v=1; b=abc\r\n def; d=x\r\n", b"DKIM-Signature: v=1; b=; d=x\r\n"),
        (b"DKIM-Signature: v=1; bh=b=; b = abc\r\n\tdef\r\n", b"DKIM-Signature: v=1; bh=b=; b =\r\n"),
        (b"DKIM-Signature:b=x=;\r\n a=1\r\n", b"DKIM-Signature:b=;\r\n a=1\r\n"),
        (b"DKIM-Signature: v=1; bh=x\r\n", b"DKIM-Signature: v=1; bh=x\r\n"),
    ],
)
def test_a_signature_field_without_its_signature(raw: bytes, expected: bytes) -> None:
    assert without_signature(raw) == expected
