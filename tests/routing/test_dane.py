"""DANE: which records can be used, and which certificates satisfy them."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from postroad.lookup import Tlsa
from postroad.net.dns.zone import Zone
from postroad.routing.dane import Finding, associations, is_usable, match
from tests.peers.certificates import WRONG_HOST, Certificates

DIGEST = "00" * 32
NOW = datetime.now(UTC)


def der(path: Path) -> bytes:
    text = path.read_text()
    return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERT") : text.index("-----END CERT") + 25])


def key_of(certificate: bytes) -> bytes:
    key = load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("usage", "selector", "matching", "data", "usable"),
    [
        (3, 1, 1, b"\0" * 32, True),
        (3, 0, 2, b"\0" * 64, True),
        (2, 1, 0, b"\0", True),
        (0, 1, 1, b"\0" * 32, False),  # RFC 7672 §3.1.3
        (1, 1, 1, b"\0" * 32, False),
        (3, 2, 1, b"\0" * 32, False),
        (3, 1, 3, b"\0" * 32, False),
        (3, 1, 1, b"\0" * 31, False),
        (3, 1, 0, b"", False),
    ],
)
def test_which_records_can_be_used(usage: int, selector: int, matching: int, data: bytes, usable: bool) -> None:
    assert is_usable(Tlsa(usage, selector, matching, data)) is usable


ZONE = Zone(
    {
        "signed.example": [{"DS": "1 13 2 00"}],
        "mx.signed.example": [{"A": "192.0.2.1"}],
        "_25._tcp.mx.signed.example": [{"TLSA": f"3 1 1 {DIGEST}"}, {"TLSA": f"0 1 1 {DIGEST}"}],
        "old.signed.example": [{"A": "192.0.2.1"}],
        "_25._tcp.old.signed.example": [{"TLSA": f"1 1 1 {DIGEST}"}],
        "plain.signed.example": [{"AAAA": "2001:db8::1"}],
        "slow.signed.example": [{"A": "192.0.2.1"}],
        "_25._tcp.slow.signed.example": ["TIMEOUT"],
        "gone.signed.example": ["SERVFAIL"],
        "alias.signed.example": [{"CNAME": "mx.signed.example"}],
        "out.signed.example": [{"CNAME": "mx.unsigned.example"}],
        "mx.unsigned.example": [{"A": "192.0.2.1"}],
        "_25._tcp.mx.unsigned.example": [{"TLSA": f"3 1 1 {DIGEST}"}],
    }
)


@pytest.mark.parametrize(
    ("host", "finding", "count"),
    [
        ("mx.signed.example", Finding.USABLE, 1),
        ("old.signed.example", Finding.UNUSABLE, 0),
        ("plain.signed.example", Finding.ABSENT, 0),
        ("slow.signed.example", Finding.UNKNOWN, 0),
        ("gone.signed.example", Finding.UNKNOWN, 0),
        ("mx.unsigned.example", Finding.ABSENT, 0),
        ("out.signed.example", Finding.ABSENT, 0),
        ("nowhere.example", Finding.ABSENT, 0),
    ],
)
def test_what_the_dns_says(host: str, finding: Finding, count: int) -> None:
    found = asyncio.run(associations(host, ZONE))
    assert (found.finding, len(found.records), found.host) == (finding, count, host)
    assert bool(found.reason) == (finding is Finding.UNKNOWN)


def test_the_records_stand_where_an_alias_leads() -> None:
    found = asyncio.run(associations("alias.signed.example", ZONE))
    assert (found.finding, found.host) == (Finding.USABLE, "mx.signed.example")  # RFC 7672 §2.2.3


def test_the_own_key_of_a_host_needs_neither_name_nor_date(certificates: Certificates) -> None:
    for one in (certificates.good, certificates.expired, certificates.wrong_host, certificates.self_signed):
        leaf = der(one.certificate)
        for record in (
            Tlsa(3, 0, 0, leaf),
            Tlsa(3, 1, 0, key_of(leaf)),
            Tlsa(3, 0, 1, sha256(leaf).digest()),
            Tlsa(3, 1, 2, sha512(key_of(leaf)).digest()),
        ):
            others = (Tlsa(3, 1, 1, bytes(32)), record)
            assert match(others, [leaf], ["elsewhere.example"], NOW).record == record  # RFC 7672 §3.1.1
        assert match([Tlsa(3, 1, 1, bytes(32))], [leaf], ["localhost"], NOW).reason


def test_an_authority_vouches_for_names_and_dates(certificates: Certificates) -> None:
    ca = der(certificates.ca)
    records = [Tlsa(2, 1, 1, sha256(key_of(ca)).digest())]

    def matched(leaf: bytes, *names: str, chain: tuple[bytes, ...] = (ca,), now: datetime = NOW) -> bool:
        return match(records, [leaf, *chain], names, now).record is not None

    good = der(certificates.good.certificate)
    assert matched(good, "other.example", "LOCALHOST.")
    assert not matched(good, "other.example")
    assert not matched(good, "localhost", chain=())  # the authority is not shown (RFC 7672 §3.1.2)
    assert not matched(good, "localhost", now=NOW + timedelta(days=36_500))
    assert not matched(der(certificates.expired.certificate), "localhost")
    assert matched(der(certificates.wrong_host.certificate), WRONG_HOST)
    assert not matched(der(certificates.self_signed.certificate), "localhost")  # not issued by it
    # A usage of 2 means no leaf.
    assert match([Tlsa(2, 0, 0, good)], [good, ca], ["localhost"], NOW).record is None


@pytest.mark.parametrize("chain", [[], [b""], [b"\x30\x82"], [b"x", b"y"]])
def test_what_is_no_certificate_matches_nothing(chain: list[bytes]) -> None:
    records = [Tlsa(3, 1, 1, bytes(32)), Tlsa(2, 0, 0, b"y")]
    assert match(records, chain, ["localhost"], NOW).record is None


def test_a_certificate_of_a_version_that_there_is_not_matches_nothing(certificates: Certificates) -> None:
    good, version = der(certificates.good.certificate), bytes.fromhex("a003020102")  # 3 (RFC 5280 §4.1)
    assert good.count(version) == 1
    odd, authority = good.replace(version, version[:-1] + b"\x05"), der(certificates.ca)
    records = [Tlsa(3, 1, 1, bytes(32)), Tlsa(2, 0, 1, sha256(authority).digest())]
    assert match(records, [odd, authority], ["localhost"], NOW).record is None


@given(data=st.data())
def test_any_certificate_before_an_authority_matches_or_not(certificates: Certificates, data: st.DataObject) -> None:
    authority, leaf = der(certificates.ca), bytearray(der(certificates.good.certificate))
    for _ in range(data.draw(st.integers(1, 3))):
        leaf[data.draw(st.integers(0, len(leaf) - 1))] = data.draw(st.integers(0, 255))
    found = match([Tlsa(2, 0, 1, sha256(authority).digest())], [bytes(leaf), authority], ["localhost"], NOW)
    assert found.record is not None or found.reason
