"""A certificate made on the spot, for servers on this machine: it proves nothing to those who were not given it."""

import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from postroad.clock import SYSTEM_CLOCK, Clock, as_datetime

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

VALID_DAYS: Final = 30  # longer than any process that makes one for itself is meant to live
SKEW: Final = timedelta(hours=1)  # between the clocks of two machines


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """``server_context`` presents the certificate; ``pem`` is the certificate, for clients that are to trust it."""

    server_context: ssl.SSLContext
    pem: str

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this certificate and nothing else."""
        return ssl.create_default_context(cadata=self.pem)


def self_signed(names: Sequence[str] = ("localhost", "127.0.0.1"), *, clock: Clock = SYSTEM_CLOCK) -> SelfSigned:
    """A certificate for these host names and addresses, with a new P-256 key that exists in this process alone."""
    # Loaded late: no other part of sending or receiving mail needs the library, and it takes 50 ms.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = _certificate(key, tuple(dict.fromkeys(names)), clock).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SelfSigned(_server_context(pem + private), pem.decode())


def _server_context(chain: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9325 §3.1.1
    # OpenSSL's interface reads keys from files only. The folder is ours alone (mode 0700) and is gone at once.
    with tempfile.TemporaryDirectory(prefix="postroad-") as folder:
        path = Path(folder) / "chain.pem"
        path.write_bytes(chain)
        context.load_cert_chain(path)
    return context


def _certificate(key: "ec.EllipticCurvePrivateKey", names: tuple[str, ...], clock: Clock) -> "x509.Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = as_datetime(clock.now())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _general_name(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
