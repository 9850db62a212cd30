"""Pins: every spelling of a digest, and the same digest that OpenSSL makes."""

import base64
import hashlib
import subprocess
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from postroad.errors import ConfigurationError, TlsError
from postroad.net.pin import checked_pins, pin_of
from postroad.net.tls import Handshake, TlsSettings
from tests.peers.certificates import Certificates

DIGEST = hashlib.sha256(b"a key").digest()
PIN = "sha256//" + base64.b64encode(DIGEST).decode()
OTHER = "sha256//" + base64.b64encode(hashlib.sha256(b"another").digest()).decode()


@pytest.mark.parametrize(
    "text",
    [
        PIN,
        PIN.removeprefix("sha256//"),
        PIN.rstrip("="),
        PIN.replace("sha256//", "SHA256:"),
        DIGEST.hex(),
        DIGEST.hex().upper(),
        DIGEST.hex(":"),
        f"sha256//{DIGEST.hex()}",
        f" {PIN} ",
        [PIN],
        f"{PIN};{PIN}",
    ],
)
def test_every_spelling(text: str | list[str]) -> None:
    assert checked_pins(text) == (PIN,)


@pytest.mark.parametrize("text", [f"{PIN};{OTHER}", f"{PIN}, {OTHER}", [DIGEST.hex(), OTHER]])
def test_several(text: str | list[str]) -> None:
    assert checked_pins(text) == (PIN, OTHER)


@pytest.mark.parametrize("text", ["", "x", PIN[:-2], PIN + "A", DIGEST.hex()[:-1], "sha1//" + PIN[8:], f"{PIN};", []])
def test_what_is_no_pin(text: str | list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_pins(text)
    assert caught.value.setting == "pin"


def der(certificates: Certificates) -> bytes:
    return x509.load_pem_x509_certificate(certificates.good.certificate.read_bytes()).public_bytes(Encoding.DER)


def test_it_is_the_digest_that_openssl_makes(
    certificates: Certificates, requires_program: Callable[[str], str]
) -> None:
    openssl = requires_program("openssl")
    x = ["x509", "-in", str(certificates.good.certificate), "-pubkey", "-noout"]
    key = subprocess.run([openssl, *x], capture_output=True, check=True, timeout=120).stdout
    spki = subprocess.run(
        [openssl, "pkey", "-pubin", "-outform", "der"], input=key, capture_output=True, check=True, timeout=120
    ).stdout
    assert pin_of(der(certificates)) == "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode()


@pytest.mark.parametrize("wrong", [b"", b"no certificate"])
def test_what_is_no_certificate(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        pin_of(wrong)


def test_a_certificate_of_a_version_that_there_is_not_is_none(certificates: Certificates) -> None:
    good, version = der(certificates), bytes.fromhex("a003020102")  # 3 (RFC 5280 §4.1)
    assert good.count(version) == 1
    with pytest.raises(ValueError, match="version"):
        pin_of(good.replace(version, version[:-1] + b"\x05"))


def test_the_key_that_was_seen_is_named(certificates: Certificates) -> None:
    certificate, context = der(certificates), TlsSettings(ca=str(certificates.ca)).context()
    seen = pin_of(certificate)
    Handshake(context, "localhost", 1.0, (PIN, seen)).check_pin(certificate, "mail.example:587")
    Handshake(context, "localhost", 1.0).check_pin(certificate, "mail.example:587")
    with pytest.raises(TlsError, match=r"mail\.example:587") as caught:
        Handshake(context, "localhost", 1.0, (PIN,)).check_pin(certificate, "mail.example:587")
    assert seen in str(caught.value)
    with pytest.raises(TlsError, match="cannot be compared"):
        Handshake(context, "localhost", 1.0, (PIN,)).check_pin(None, "mail.example:587")
