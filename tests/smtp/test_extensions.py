"""EHLO's keywords, as servers really write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.smtp.extensions import Extensions, parse_cached


def test_a_real_servers_offer() -> None:
    offer = Extensions.parse(
        ("PIPELINING", "SIZE 35882577", "8bitmime", "STARTTLS", "AUTH plain LOGIN", "SMTPUTF8", "X-Own thing", "")
    )
    assert offer.pipelining
    assert offer.starttls
    assert offer.eight_bit_mime
    assert offer.smtputf8
    assert offer.size_offered
    assert offer.size_limit == 35882577
    assert offer.auth_mechanisms == {"PLAIN", "LOGIN"}
    assert "X-OWN" in offer
    assert "DSN" not in offer
    assert "SIZE 35882577" in str(offer)


def test_nothing_offered_is_nothing() -> None:
    nothing = Extensions()
    assert not any((nothing.pipelining, nothing.starttls, nothing.eight_bit_mime, nothing.smtputf8))
    assert not nothing.size_offered
    assert nothing.size_limit is None
    assert nothing.auth_mechanisms == frozenset()
    assert str(nothing) == ""


@pytest.mark.parametrize(
    ("line", "offered", "limit"),
    [
        ("SIZE", True, None),
        ("SIZE 0", True, None),  # RFC 1870 §4: no fixed maximum
        ("SIZE 1000", True, 1000),
        ("SIZE x", True, None),
        ("SIZE -1", True, None),
        ("SIZE ١٢", True, None),
        ("SIZE " + "9" * 30, True, None),
        ("SIZES 5", False, None),
    ],
)
def test_the_size_limit(line: str, offered: bool, limit: int | None) -> None:
    offer = Extensions.parse((line,))
    assert (offer.size_offered, offer.size_limit) == (offered, limit)


@pytest.mark.parametrize(
    ("lines", "mechanisms"),
    [
        (("AUTH=PLAIN LOGIN",), {"PLAIN", "LOGIN"}),
        (("AUTH PLAIN", "AUTH=LOGIN"), {"PLAIN", "LOGIN"}),
        (("AUTH",), set()),
        (("AUTH SCRAM-SHA-256 xoauth2",), {"SCRAM-SHA-256", "XOAUTH2"}),
    ],
)
def test_mechanisms_in_every_spelling(lines: tuple[str, ...], mechanisms: set[str]) -> None:
    assert Extensions.parse(lines).auth_mechanisms == mechanisms


@given(st.lists(st.text(max_size=30), max_size=10).map(tuple))
def test_no_offer_breaks_the_reading(lines: tuple[str, ...]) -> None:
    offer = parse_cached(lines)
    assert offer == Extensions.parse(lines)
    assert offer.size_limit is None or offer.size_limit > 0
    str(offer)
