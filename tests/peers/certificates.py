"""A certificate authority for one test run, and server certificates that are right or wrong in one way each."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

WRONG_HOST = "elsewhere.example"


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, slots=True)
class Certificates:
    """What ``write_certificates`` wrote. All but ``self_signed`` come from the authority in ``ca``."""

    ca: Path
    good: ServerCertificate  # for localhost and 127.0.0.1
    expired: ServerCertificate  # the same names, until yesterday
    wrong_host: ServerCertificate  # for WRONG_HOST alone
    self_signed: ServerCertificate  # for localhost and 127.0.0.1, trusted by nobody
    issuer: "_Issuer"
    current: "_Validity"
    past: "_Validity"

    def for_names(self, *names: str, expired: bool = False) -> ServerCertificate:
        """Another one for these host names, good or expired."""
        wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        stem = self.ca.parent / f"{names[0].replace('*', 'any')}{'-expired' if expired else ''}"
        return _issue(stem, wanted, self.past if expired else self.current, self.issuer)

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.ca)


@dataclass(frozen=True, slots=True)
class _Issuer:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class _Validity:
    start: datetime
    end: datetime


LOCAL_NAMES = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
OTHER_NAMES = x509.SubjectAlternativeName([x509.DNSName(WRONG_HOST)])


def write_certificates(folder: Path) -> Certificates:
    """Make a fresh authority and its certificates in ``folder``."""
    now = datetime.now(UTC)
    current = _Validity(now - timedelta(days=1), now + timedelta(days=1))
    past = _Validity(now - timedelta(days=2), now - timedelta(days=1))
    issuer = _Issuer(_common_name("Test authority"), ec.generate_private_key(ec.SECP256R1()))
    ca = folder / "ca.pem"
    ca.write_bytes(_pem(_authority(issuer, current)))
    return Certificates(
        ca=ca,
        good=_issue(folder / "good", LOCAL_NAMES, current, issuer),
        expired=_issue(folder / "expired", LOCAL_NAMES, past, issuer),
        wrong_host=_issue(folder / "wrong-host", OTHER_NAMES, current, issuer),
        self_signed=_issue(folder / "self-signed", LOCAL_NAMES, current, None),
        issuer=issuer,
        current=current,
        past=past,
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _authority(issuer: _Issuer, validity: _Validity) -> x509.Certificate:
    # RFC 5280 §4.2.1: what a strict verifier (Python 3.13) asks of an authority.
    builder = _builder(issuer.name, issuer.key, validity, issuer)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(_key_usage(signs_certificates=True), critical=True).sign(issuer.key, hashes.SHA256())


def _issue(
    stem: Path, names: x509.SubjectAlternativeName, validity: _Validity, issuer: _Issuer | None
) -> ServerCertificate:
    """Without an issuer the certificate signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _common_name(stem.name)
    issuer = issuer or _Issuer(subject, key)
    builder = _builder(subject, key, validity, issuer)
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    written = ServerCertificate(stem.with_name(f"{stem.name}.pem"), stem.with_name(f"{stem.name}.key"))
    written.certificate.write_bytes(_pem(builder.sign(issuer.key, hashes.SHA256())))
    written.key.touch(mode=0o600)
    written.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return written


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, validity: _Validity, issuer: _Issuer
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
