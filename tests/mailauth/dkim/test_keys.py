import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postroad.errors import ConfigurationError
from postroad.mailauth.dkim.keys import KeyKind, SigningKey, generate, read_key
from postroad.mailauth.dkim.record import (
    MalformedKeyRecord,
    read_record,
    record_name,
    record_text,
    revoked_text,
    txt_strings,
    zone_line,
)
from tests.conftest import RequiresProgram
from tests.mailauth.dkim.examples import ED25519_RECORD, ED25519_SEED, RSA_PEM, RSA_RECORD


def pem(
    private: "rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey",
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    password: bytes | None = None,
) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return private.private_bytes(serialization.Encoding.PEM, form, encryption)


@pytest.mark.parametrize(("kind", "bits"), [(KeyKind.RSA, 2048), (KeyKind.ED25519, 256)])
def test_a_new_key_can_be_kept_and_read_again(kind: KeyKind, bits: int) -> None:
    key = generate(kind)
    again = read_key(key.pem())
    assert (key.kind, key.bits, key.algorithm) == (kind, bits, f"{kind}-sha256")
    assert again.public == key.public
    record = read_record(record_text(key).encode())
    assert record.verifies(again.sign(b"octets"), b"octets")
    assert not record.verifies(again.sign(b"octets"), b"other octets")


def test_keys_are_read_in_every_form_they_are_kept_in() -> None:
    private = rsa.generate_private_key(65537, 1024)
    texts = [pem(private), pem(private, serialization.PrivateFormat.TraditionalOpenSSL)]
    texts.append(pem(private, serialization.PrivateFormat.OpenSSH))
    assert {read_key(text).public for text in texts} == {SigningKey(private).public}
    ed25519 = Ed25519PrivateKey.generate()
    seed = b64encode(ed25519.private_bytes_raw())
    assert read_key(seed.decode() + "\n").public == read_key(pem(ed25519)).public == SigningKey(ed25519).public


def test_the_keys_of_the_standard_make_its_records() -> None:
    # RFC 8463 Appendix A.2
    assert read_record(ED25519_RECORD).public == read_record(record_text(read_key(ED25519_SEED)).encode()).public
    assert read_record(RSA_RECORD).public == read_record(record_text(read_key(RSA_PEM)).encode()).public


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "neither PEM nor"),
        (b"c2hvcnQ=", "neither PEM nor"),
        ("grüße", "neither PEM nor"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key that can be read"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "RSA or Ed25519"),
        (pem(rsa.generate_private_key(65537, 1024), password=b"x"), "encrypted"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "no private key that"),
        (b"x" * 70_000, "more than 65536 octets"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_without_showing_it(text: bytes | str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read_key(text)
    assert caught.value.setting == "key"
    assert caught.value.__cause__ is None


def test_a_short_key_does_not_sign(requires_program: RequiresProgram, tmp_path: Path) -> None:
    # RFC 8301 §3.2; no library of ours makes one any more
    weak = tmp_path / "weak.pem"
    subprocess.run([requires_program("openssl"), "genrsa", "-out", weak, "1023"], check=True, capture_output=True)
    with pytest.raises(ConfigurationError, match="1023 bits; verifiers take 1024 to 4096"):
        read_key(weak.read_bytes())


@pytest.mark.parametrize("bits", [512, 1023, 4097])
def test_no_key_is_made_that_nobody_checks(bits: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{bits} bits"):
        generate(bits=bits)


def test_a_key_shows_nothing_of_itself() -> None:
    assert repr(read_key(ED25519_SEED)) == "SigningKey(ed25519-sha256, 256 bits)"


# ── records ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_ready_to_paste() -> None:
    name = record_name("s2026", "acme.example")
    assert name == "s2026._domainkey.acme.example"
    assert zone_line(name, "v=DKIM1; p=x") == 's2026._domainkey.acme.example. IN TXT "v=DKIM1; p=x"'
    long = "v=DKIM1; p=" + "x" * 400
    strings = txt_strings(long)
    assert [len(string) for string in strings] == [255, 156]
    assert "".join(strings) == long
    assert zone_line(name, long) == f'{name}. IN TXT ( "{strings[0]}" "{strings[1]}" )'


def test_a_revoked_record_says_so() -> None:
    assert read_record(revoked_text(KeyKind.ED25519).encode()).public is None


def test_a_record_of_the_largest_rsa_key_fits() -> None:
    record = read_record(record_text(generate(bits=4096)).encode())
    assert record.bits == 4096


def test_a_key_too_large_to_check_is_refused() -> None:
    numbers = rsa.RSAPublicNumbers(65537, (1 << 9000) + 1).public_key()
    der = numbers.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(MalformedKeyRecord, match="9001 bits; 8192 are checked"):
        read_record(b"p=" + b64encode(der))
