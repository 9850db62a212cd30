"""Logos for BIMI: each rule of SVG Tiny PS, and documents that are meant to do harm."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.doctor.svg import MAX_UNFOLDED, NoSvg, faults_of
from tests.doctor.reached import LOGO


def test_a_logo_that_is_fine() -> None:
    assert faults_of(LOGO.encode()) == ()
    assert faults_of(gzip.compress(LOGO.encode())) == ()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('version="1.2"', 'version="1.1"', "version"),
        (' baseProfile="tiny-ps"', "", "baseProfile"),
        ("<title>Acme</title>", "", "<title>"),
        ("Acme", " ", "<title>"),
        ("0 0 64 64", "0 0 64 32", "not square: 64 by 32"),
        ("0 0 64 64", "none", "no viewBox"),
        ("<svg ", '<svg x="0" ', "x="),
        ("<svg ", '<svg y="0" ', "y="),
        ("http://www.w3.org/2000/svg", "http://example.com/", "its root"),
        ("<defs>", "<script>alert(1)</script><defs>", "<script> runs"),
        ("<defs>", "<animate/><defs>", "<animate> moves"),
        ("<defs>", '<image href="#p"/><defs>', "<image>"),
        ("<defs>", "<foreignObject/><defs>", "<foreignObject>"),
        ('href="#p"', 'href="https://example.com/#p"', "outside"),
        ('fill="#c00"', 'fill="url(https://example.com/#p)"', "outside"),
        ('fill="#c00"', 'onclick="alert(1)"', "onclick"),
        ("<defs>", f"<!--{'x' * 33_000}--><defs>", "octets"),
    ],
)
def test_one_fault(before: str, after: str, words: str) -> None:
    (fault,) = faults_of(LOGO.replace(before, after, 1).encode()) or ("nothing",)
    assert words in fault


def test_a_reference_inside_is_fine() -> None:
    assert faults_of(LOGO.replace('fill="#c00"', "fill=\"url('#p')\"").encode()) == ()


_BOMB = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + LOGO.replace("Acme", "&b;")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (_BOMB.encode(), "document type definition"),
        (b"<!DOCTYPE svg SYSTEM 'file:///etc/passwd'><svg/>", "document type definition"),
        (b"", "well-formed"),
        (b"<svg>", "well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><svg/>', "encoding"),
        (b'<?xml version="1.0" encoding="euc-jp"?><svg/>', "encoding"),
        (b'<?xml version="1.0" encoding="punycode"?><svg/>', "encoding"),
        (LOGO.replace("<defs>", "<g>" * 200 + "</g>" * 200 + "<defs>").encode(), "nested"),
        (gzip.compress(bytes(MAX_UNFOLDED + 1)), "octets"),
        (b"\x1f\x8b nothing", "gzip"),
        (gzip.compress(LOGO.encode())[:-20], "cut short"),
    ],
)
def test_what_is_refused(document: bytes, words: str) -> None:
    with pytest.raises(NoSvg, match=words):
        faults_of(document)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: LOGO.replace("Acme", text).encode()))
def test_any_octets_have_a_verdict(document: bytes) -> None:
    with suppress(NoSvg):
        assert all(faults_of(document))
