"""Mark certificates: whom they are for, and the logo inside."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.doctor.mark_certificate import PURPOSE, NoMark, read_mark
from tests.doctor.reached import LOGO, mark


def test_what_stands_in_one() -> None:
    read = read_mark(mark(names=["acme.example", "default._bimi.other.example"]))
    assert read.names == ("acme.example", "other.example")
    assert read.purposes == (PURPOSE,)
    assert read.logo == LOGO.encode()
    assert read.covers("acme.example")
    assert read.covers("news.acme.example")
    assert not read.covers("notacme.example")


def test_a_small_logo_stands_behind_a_short_length() -> None:
    for letters in range(1, 120):  # the length octets of DER change with it
        logo = f"<svg>{'x' * letters * 7}</svg>"
        assert read_mark(mark(logo=logo)).logo == logo.encode()


@pytest.mark.parametrize("octets", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_none(octets: bytes) -> None:
    with pytest.raises(NoMark):
        read_mark(octets)


@given(st.data())
def test_any_octets_are_read_or_refused(data: st.DataObject) -> None:
    octets = bytearray(_MARK)
    for _ in range(data.draw(st.integers(1, 5))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NoMark):
        assert read_mark(bytes(octets)).length >= 1


_MARK = mark()
