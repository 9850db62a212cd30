"""Certificates of strangers, as they were shown."""

import ssl
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.doctor.certificate import Certificate, read_certificate
from postroad.net.pin import pin_of
from postroad.net.self_signed import VALID_DAYS, self_signed

_NAMES = ("mail.acme.example", "*.mx.acme.example", "192.0.2.1", "2001:db8::1")
_DER = ssl.PEM_cert_to_DER_cert(self_signed(_NAMES).pem)


def _read() -> Certificate:
    certificate = read_certificate(_DER)
    assert certificate is not None
    return certificate


def test_what_stands_in_one() -> None:
    certificate = _read()
    assert certificate.names == _NAMES[:2]
    assert certificate.addresses == (ip_address("192.0.2.1"), ip_address("2001:db8::1"))
    assert certificate.all_names == _NAMES
    assert certificate.self_issued
    assert certificate.pin == pin_of(_DER)
    assert (certificate.not_after - certificate.not_before).days == VALID_DAYS


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("mail.acme.example", True),
        ("MAIL.acme.example.", True),
        ("a.mx.acme.example", True),
        ("a.b.mx.acme.example", False),  # the asterisk is one label (RFC 6125 §6.4.3)
        ("mx.acme.example", False),
        (".mx.acme.example", False),
        ("acme.example", False),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("2001:db8:0::1", True),
    ],
)
def test_whom_it_names(host: str, named: bool) -> None:
    assert _read().is_for(host) is named


def test_one_of_a_version_that_there_is_not_is_none() -> None:
    version = bytes.fromhex("a003020102")  # 3, as [0] EXPLICIT INTEGER (RFC 5280 §4.1)
    assert _DER.count(version) == 1
    assert read_certificate(_DER.replace(version, version[:-1] + b"\x05")) is None


@given(st.binary(max_size=100))
def test_any_octets_are_read_or_not(octets: bytes) -> None:
    assert read_certificate(octets) is None


@given(st.lists(st.tuples(st.integers(0, len(_DER) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_certificate_with_changed_octets_is_read_or_not(changes: list[tuple[int, int]]) -> None:
    octets = bytearray(_DER)
    for at, value in changes:
        octets[at] = value
    certificate = read_certificate(bytes(octets))
    assert certificate is None or isinstance(certificate.is_for("mail.acme.example"), bool)
