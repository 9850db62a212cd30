"""Pinned keys and client certificates: what is accepted, what is refused, and what is shown of it."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from postroad.errors import ConfigurationError, PostroadError, TlsError
from postroad.net.pin import pin_of
from postroad.net.tls import Tls, Trust
from postroad.reply import Phase
from postroad.secret import Secret
from postroad.testing import ScriptedServer
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.peers.certificates import Certificates, ServerCertificate
from tests.peers.fixtures import RequiresProgram
from tests.transport.road import account, deliver_one, run

OTHER_PIN = "sha256//" + "A" * 43 + "="
KEY_PASSWORD = "key-hunter2"

both_ways = pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])


def pin(server: ServerCertificate) -> str:
    certificate = x509.load_pem_x509_certificate(server.certificate.read_bytes())
    return pin_of(certificate.public_bytes(serialization.Encoding.DER))


def serving(server: ServerCertificate, *, implicit: bool) -> ScriptedServer:
    return ScriptedServer(tls=server.server_context(), implicit_tls=implicit)


def mode(*, implicit: bool) -> Tls:
    return Tls.IMPLICIT if implicit else Tls.REQUIRED


def failure(settings: Smtp) -> PostroadError:
    report = deliver_one(settings, letter())
    assert report.error is not None
    assert not report.accepted
    return report.error


# ── pins ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@both_ways
def test_a_pinned_key_that_is_the_servers(certificates: Certificates, implicit: bool) -> None:
    with serving(certificates.good, implicit=implicit) as server:
        pins = (OTHER_PIN, pin(certificates.good))
        settings = account(server, tls=mode(implicit=implicit), ca=str(certificates.ca), pin=pins)
        assert deliver_one(settings, letter()).accepted
        seen = str(run(settings, SmtpTransport.check))
    assert "its key is pinned" in seen
    assert "certificate for localhost" in seen


@both_ways
@pytest.mark.parametrize("trust", Trust)
def test_another_key_is_refused_before_anything_is_said(
    certificates: Certificates, implicit: bool, trust: Trust
) -> None:
    ca = str(certificates.ca) if trust is Trust.AUTHORITY else None
    with serving(certificates.good, implicit=implicit) as server:
        settings = account(server, tls=mode(implicit=implicit), ca=ca, pin=OTHER_PIN, trust=trust)
        error = failure(settings)
    assert type(error) is TlsError
    assert error.permanent
    assert pin(certificates.good) in str(error)
    assert server.commands == ([] if implicit else ["EHLO " + server.commands[0][5:], "STARTTLS"])


@pytest.mark.parametrize("fault", ["expired", "wrong_host", "self_signed"])
def test_a_pin_comes_on_top_of_the_certificate_unless_it_stands_alone(certificates: Certificates, fault: str) -> None:
    wrong: ServerCertificate = getattr(certificates, fault)
    with serving(wrong, implicit=False) as server:
        on_top = account(server, ca=str(certificates.ca), pin=pin(wrong))
        assert "not trusted" in str(failure(on_top))
        alone = account(server, pin=pin(wrong), trust=Trust.PIN_ONLY)
        assert deliver_one(alone, letter()).accepted
        assert "certificate not verified, its key is pinned" in str(run(alone, SmtpTransport.check))


def test_with_a_pin_tls_is_required_on_loopback_too() -> None:
    with ScriptedServer() as server:
        error = failure(account(server, pin=OTHER_PIN, trust=Trust.PIN_ONLY))
    assert "does not offer STARTTLS" in str(error)
    assert not server.messages


# ── client certificates ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """A client's certificate and key: apart, the key locked, and both in one."""

    certificate: Path
    key: Path
    locked_key: Path
    both: Path


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> ClientFiles:
    folder = tmp_path_factory.mktemp("client")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "our relay")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    files = ClientFiles(*(folder / name for name in ("client.pem", "client.key", "locked.key", "both.pem")))
    files.certificate.write_bytes(pem)
    files.key.write_bytes(_written(key, serialization.NoEncryption()))
    files.locked_key.write_bytes(_written(key, serialization.BestAvailableEncryption(KEY_PASSWORD.encode())))
    files.both.write_bytes(pem + files.key.read_bytes())
    return files


def _written(key: ec.EllipticCurvePrivateKey, lock: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def asking(certificates: Certificates, client: ClientFiles) -> ssl.SSLContext:
    """A server's context that lets in nobody else."""
    context = certificates.good.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client.certificate)
    return context


@both_ways
def test_we_show_who_we_are(certificates: Certificates, client: ClientFiles, implicit: bool) -> None:
    context = asking(certificates, client)
    shown: list[dict[str, Any]] = [
        {"client_cert": str(client.certificate), "client_key": str(client.key)},
        {"client_cert": str(client.both)},
        {
            "client_cert": str(client.certificate),
            "client_key": str(client.locked_key),
            "client_key_password": KEY_PASSWORD,
        },
    ]
    with ScriptedServer(tls=context, implicit_tls=implicit) as server:
        for files in shown:
            settings = account(server, tls=mode(implicit=implicit), ca=str(certificates.ca), **files)
            assert deliver_one(settings, letter()).accepted
            assert KEY_PASSWORD not in repr(settings)
        assert len(server.messages) == len(shown)
        assert not deliver_one(account(server, tls=mode(implicit=implicit), ca=str(certificates.ca)), letter()).accepted


@pytest.mark.system
@pytest.mark.parametrize(("version", "alert"), [("1_2", "HANDSHAKE_FAILURE"), ("1_3", "CERTIFICATE_REQUIRED")])
def test_a_certificate_of_ours_that_openssl_misses(
    certificates: Certificates, version: str, alert: str, requires_program: RequiresProgram
) -> None:
    openssl = requires_program("openssl")
    with openssl_server(openssl, certificates.good, f"-tls{version}", "-Verify", "1", "-verify_return_error") as port:
        error = failure(Smtp("127.0.0.1", port, tls=Tls.IMPLICIT, ca=str(certificates.ca)))
    assert type(error) is TlsError
    assert f"_ALERT_{alert}" in str(error)
    assert "?client_cert=" in error.advice
    assert error.phase is Phase.TLS


def test_a_certificate_of_ours_that_is_missed_after_starttls(certificates: Certificates, client: ClientFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(refuse_after_starttls, listener, asking(certificates, client))
        error = failure(Smtp("127.0.0.1", listener.getsockname()[1], ca=str(certificates.ca)))
        ended.result()
    assert type(error) is TlsError
    assert "CERTIFICATE_REQUIRED" in str(error)
    assert "?client_cert=" in error.advice
    assert [line.text for line in error.transcript if line.text.startswith("EHLO")]


def refuse_after_starttls(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Let nobody in. A server of asyncio would hang up without sending its alert."""
    connection = listener.accept()[0]
    for reply in (b"220 mail.example", b"250-mail.example\r\n250 STARTTLS", b"220 go ahead"):
        connection.sendall(reply + b"\r\n")
        if not reply.endswith(b"ahead"):
            connection.recv(1000)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    with connection, suppress(ConnectionError):
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(100_000))
            except ssl.SSLError:
                break
        connection.sendall(outgoing.read())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(100_000):  # else the system would send RST, and the alert might be lost
            pass


@contextmanager
def openssl_server(program: str, server: ServerCertificate, *options: str) -> Iterator[int]:
    """The port of an ``openssl s_server``, which never greets."""
    own = ["-accept", "127.0.0.1:0", "-cert", str(server.certificate), "-key", str(server.key)]
    process = subprocess.Popen(
        [program, "s_server", *own, *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        try:
            yield next(int(line.rpartition(":")[2]) for line in process.stdout if line.startswith("ACCEPT"))
        finally:
            process.kill()


def test_the_keys_password_by_reference(
    certificates: Certificates, client: ClientFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_PASSWORD", KEY_PASSWORD)
    with ScriptedServer(tls=asking(certificates, client)) as server:
        settings = account(
            server,
            ca=str(certificates.ca),
            client_cert=str(client.certificate),
            client_key=str(client.locked_key),
            client_key_password=Secret.ref("env:KEY_PASSWORD"),
        )
        assert deliver_one(settings, letter()).accepted


@pytest.mark.parametrize(
    ("files", "setting", "what"),
    [
        ({"client_cert": "no/such.pem"}, "client_cert", "cannot use 'no/such.pem'"),
        ({"client_cert": "{certificate}"}, "client_cert", "no private key in "),
        ({"client_cert": "{key}"}, "client_cert", "as certificate and key"),
        ({"client_cert": "{certificate}", "client_key": "no/such.key"}, "client_cert", "no/such.key"),
        ({"client_cert": "{certificate}", "client_key": "{locked_key}"}, "client_key_password", "needs a password"),
        (
            {"client_cert": "{certificate}", "client_key": "{locked_key}", "client_key_password": "hunter3"},
            "client_key_password",
            "does not open",
        ),
    ],
)
def test_files_that_cannot_be_used_are_named_before_anything_is_connected(
    client: ClientFiles, files: dict[str, str], setting: str, what: str
) -> None:
    real: dict[str, Any] = {
        name: value.format(certificate=client.certificate, key=client.key, locked_key=client.locked_key)
        for name, value in files.items()
    }
    with ScriptedServer() as server:
        error = failure(account(server, **real))
        assert not server.sessions
    assert isinstance(error, ConfigurationError)
    assert error.setting == setting
    assert what in str(error)
    assert "hunter3" not in f"{error} {error!r}"
