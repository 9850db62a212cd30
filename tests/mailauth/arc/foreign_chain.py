"""Chains that dkimpy seals, and what it makes of others'."""

from collections.abc import Sequence
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from postroad.testing.fake_dns import FakeDns

MESSAGE = (
    b"From: Ann <ann@d1.example>\r\nTo: list@lists.example\r\nSubject: =?utf-8?q?Caf=C3=A9?= at\r\n noon\r\n"
    b"Date: Mon, 23 Nov 2026 09:00:04 +0000\r\nMessage-ID: <1@d1.example>\r\nMIME-Version: 1.0\r\n\r\n"
    b"Hello  there,\t\r\n\r\nlines.  \r\n\r\n"
)


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=1_024)


def pem() -> bytes:
    return key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def key_record() -> str:
    import base64

    public = key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()


def dns(sets: int) -> FakeDns:
    return FakeDns(
        {f"s{number}._domainkey.f{number}.example": [{"TXT": key_record()}] for number in range(1, sets + 1)}
    )


def sealed(message: bytes, instance: int, *, status: str | None = None) -> bytes:
    """The message as forwarder number ``instance`` passes it on; ``status`` is what it says of the chain so far."""
    status = status or ("none" if instance == 1 else "pass")
    forwarder = f"mx.f{instance}.example"
    findings = f"Authentication-Results: {forwarder}; arc={status}; spf=pass smtp.mailfrom=d1.example\r\n"
    if instance == 1:
        findings = f"Authentication-Results: {forwarder}; spf=pass smtp.mailfrom=d1.example\r\n"
    message = findings.encode() + message
    fields = dkim.arc_sign(message, f"s{instance}".encode(), f"f{instance}.example".encode(), pem(), forwarder.encode())
    assert fields, "dkimpy has sealed"
    return b"".join(field if field.endswith(b"\r\n") else field + b"\r\n" for field in fields) + message


def chain(sets: int, message: bytes = MESSAGE) -> bytes:
    for instance in range(1, sets + 1):
        message = sealed(message, instance)
    return message


def theirs(message: bytes, sets: Sequence[int]) -> str:
    """What dkimpy says: none, pass or fail."""
    known = {f"s{number}._domainkey.f{number}.example.".encode() for number in sets}

    def lookup(name: bytes, timeout: float = 5) -> bytes | None:
        return key_record().encode() if name in known else None

    status, _, _ = dkim.arc_verify(message, dnsfunc=lookup)
    return "fail" if status is None else bytes(status).decode()
