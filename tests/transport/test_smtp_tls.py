"""TLS: what is trusted, what is asked for, and what a wrong mode looks like."""

import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from postroad.errors import (
    ConfigurationError,
    ConnectError,
    PostroadError,
    ProtocolError,
    Timeout,
    TlsError,
    TlsModeMismatch,
    Unsupported,
)
from postroad.net.tls import Tls
from postroad.reply import Phase
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.peers.certificates import WRONG_HOST, Certificates, ServerCertificate
from tests.transport.road import account, deliver_one, impatient, run, verbs

REMOTE = "mail.remote.example"


@pytest.fixture
def remote_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host name that is none of this machine's, though it leads to a server of the test."""
    real: Callable[..., Any] = socket.getaddrinfo

    def resolved(host: str, *rest: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == REMOTE else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return REMOTE


def failure(settings: Smtp) -> PostroadError:
    report = deliver_one(settings, letter())
    assert report.error is not None
    assert not report.accepted
    assert not report.unknown
    return report.error


# ── trusted ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_with_its_own_ca_a_server_is_trusted(certificates: Certificates, implicit: bool, host: str) -> None:
    tls = Tls.IMPLICIT if implicit else Tls.REQUIRED
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=implicit) as server:
        settings = account(server, host=host, tls=tls, ca=str(certificates.ca))
        assert settings.tls_settings.verify
        report = deliver_one(settings, letter())
        seen = str(run(settings, SmtpTransport.check))
    assert report.accepted
    assert server.messages[0].secure
    assert "TLSv1.3" in seen
    assert "certificate for localhost, 127.0.0.1" in seen
    assert "Test authority" in seen


def test_after_starttls_everything_is_said_again(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        deliver_one(account(server), letter())
    assert verbs(server.commands) == ["EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_certificate_for_another_name_is_fine_when_that_name_is_asked_for(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.wrong_host.server_context()) as server:
        report = deliver_one(account(server, ca=str(certificates.ca), server_name=WRONG_HOST), letter())
    assert report.accepted
    assert server.messages[0].secure


# ── not trusted ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
@pytest.mark.parametrize(
    ("fault", "said", "advice"),
    [
        ("expired", "expired", "Renew"),
        ("wrong_host", "not valid for 'localhost'", "server_name="),
        ("self_signed", "self-signed", "?ca="),
    ],
)
def test_a_bad_certificate_stops_everything_and_says_what_to_do(
    certificates: Certificates, implicit: bool, fault: str, said: str, advice: str
) -> None:
    certificate: ServerCertificate = getattr(certificates, fault)
    tls = Tls.IMPLICIT if implicit else Tls.REQUIRED
    with ScriptedServer(tls=certificate.server_context(), implicit_tls=implicit) as server:
        error = failure(account(server, host="localhost", tls=tls, ca=str(certificates.ca)))
    assert type(error) is TlsError
    assert said in str(error)
    assert advice in error.advice
    assert error.permanent, "it would fail again"
    assert error.phase is Phase.TLS
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
    assert "MAIL" not in verbs(server.commands)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_an_unknown_issuer(certificates: Certificates, remote_name: str, implicit: bool) -> None:
    tls = Tls.IMPLICIT if implicit else Tls.REQUIRED
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=implicit) as server:
        error = failure(account(server, host=remote_name, tls=tls))
    assert type(error) is TlsError
    assert "local issuer" in str(error)
    assert "?ca=" in error.advice
    assert error.permanent


def test_an_address_that_is_not_in_the_certificate(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.wrong_host.server_context()) as server:
        error = failure(account(server, ca=str(certificates.ca)))
    assert "127.0.0.1" in str(error)
    assert "server_name=" in error.advice


def test_the_certificate_must_carry_the_name_that_was_asked_for(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        error = failure(account(server, host="localhost", ca=str(certificates.ca), server_name=WRONG_HOST))
    assert type(error) is TlsError
    assert WRONG_HOST in str(error)


@pytest.mark.parametrize("name", [".example", "a..b", "x" * 64])
def test_a_server_name_that_is_none(certificates: Certificates, name: str) -> None:
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        error = failure(account(server, ca=str(certificates.ca), server_name=name))
    assert type(error) is TlsError
    assert name in str(error)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none(certificates: Certificates, tmp_path: Any, content: str | None) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_text(content)
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        error = failure(account(server, ca=str(ca)))
    assert isinstance(error, ConfigurationError)
    assert error.setting == "ca"
    assert str(ca) in str(error)
    assert not server.sessions, "known before any connection"


def test_a_renewed_ca_file_is_read_again(certificates: Certificates, tmp_path: Any) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(certificates.self_signed.certificate.read_text())
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        assert isinstance(failure(account(server, ca=str(ca))), TlsError)
        ca.write_text(certificates.ca.read_text() + "\n")
        assert deliver_one(account(server, ca=str(ca)), letter()).accepted


# ── the rules for a loopback host ─────────────────────────────────────────────────────────────────────────────────────


def test_on_loopback_starttls_is_used_where_offered_and_not_verified(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.self_signed.server_context()) as server:
        settings = account(server)
        assert settings.tls is Tls.REQUIRED
        assert deliver_one(settings, letter()).accepted
        assert "certificate not verified" in str(run(settings, SmtpTransport.check))
    assert server.messages[0].secure


def test_on_loopback_no_starttls_is_no_obstacle() -> None:
    with ScriptedServer() as server:
        assert deliver_one(account(server, host="localhost"), letter()).accepted
    assert not server.messages[0].secure


def test_on_loopback_a_given_ca_is_meant(certificates: Certificates) -> None:
    with ScriptedServer() as server:
        error = failure(account(server, ca=str(certificates.ca)))
    assert type(error) is TlsError
    assert "does not offer STARTTLS" in str(error)


def test_elsewhere_starttls_must_be_offered(remote_name: str) -> None:
    with ScriptedServer(credentials={"ann": "hunter2"}) as server:
        error = failure(account(server, host=remote_name, username="ann", password="hunter2"))
    assert type(error) is TlsError
    assert "does not offer STARTTLS" in str(error)
    assert "587" in error.advice
    assert error.permanent
    assert verbs(server.commands) == ["EHLO"], "neither password nor mail"


def test_opportunistic_elsewhere_takes_what_there_is_but_keeps_the_password(remote_name: str) -> None:
    with ScriptedServer(credentials={"ann": "hunter2"}) as server:
        plain = account(server, host=remote_name, tls=Tls.OPPORTUNISTIC)
        assert deliver_one(plain, letter()).accepted
        secret = account(server, host=remote_name, tls=Tls.OPPORTUNISTIC, username="ann", password="hunter2")
        error = failure(secret)
    assert type(error) is TlsError
    assert "plain text" in str(error)
    assert "AUTH" not in verbs(server.commands)


def test_opportunistic_uses_an_unverified_starttls(certificates: Certificates, remote_name: str) -> None:
    with ScriptedServer(tls=certificates.self_signed.server_context()) as server:
        assert deliver_one(account(server, host=remote_name, tls=Tls.OPPORTUNISTIC), letter()).accepted
    assert server.messages[0].secure


def test_insecure_asks_for_no_tls_even_where_it_is_offered(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        assert deliver_one(account(server, tls=Tls.NONE), letter()).accepted
    assert "STARTTLS" not in verbs(server.commands)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("mail.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost.example.com", False),
        ("mylocalhost", False),
        ("128.0.0.1", False),
        ("10.0.0.1", False),
        ("::2", False),
        ("mail.example.com", False),
    ],
)
def test_what_a_loopback_host_is(host: str, loopback: bool) -> None:
    settings = Smtp(host)
    assert settings.loopback is loopback
    assert settings.tls_settings.mode is (Tls.OPPORTUNISTIC if loopback else Tls.REQUIRED)
    assert settings.tls_settings.verify is not loopback
    assert Smtp(host, ca="ca.pem").tls_settings.mode is Tls.REQUIRED
    assert Smtp(host, ca="ca.pem").tls_settings.verify
    if loopback:
        assert Smtp(host, tls=Tls.NONE, username="ann", password="hunter2").loopback
    else:
        with pytest.raises(ConfigurationError, match="plain text over the network") as caught:
            Smtp(host, tls=Tls.NONE, username="ann", password="hunter2")
        assert "hunter2" not in str(caught.value)


# ── STARTTLS itself ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("word", "temporary"), [("454 4.7.0 TLS not available", True), ("502 5.5.1 what?", False)])
def test_starttls_refused(certificates: Certificates, word: str, temporary: bool) -> None:
    with ScriptedServer(Step("STARTTLS", word), tls=certificates.good.server_context()) as server:
        error = failure(account(server, ca=str(certificates.ca)))
    assert isinstance(error, ConnectError)
    assert (error.phase, error.temporary, error.code) == (Phase.STARTTLS, temporary, int(word[:3]))
    assert "MAIL" not in verbs(server.commands)


@pytest.mark.parametrize(
    "injected",
    [b"250 injected\r\n", b"250-inj", b"2", b"250 2.0.0 a\r\n250-AUTH PLAIN\r\n250 b\r\n"],
)
def test_what_was_injected_behind_starttls_is_an_attack(certificates: Certificates, injected: bytes) -> None:
    step = Step("STARTTLS", b"220 go\r\n" + injected)
    with ScriptedServer(step, tls=certificates.good.server_context()) as server:
        error = failure(account(server, ca=str(certificates.ca)))
    assert isinstance(error, ProtocolError)
    assert "injected" in str(error)
    assert verbs(server.commands) == ["EHLO", "STARTTLS"]


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_hanging_up_instead_of_a_handshake(certificates: Certificates, then: Then) -> None:
    step = Step("TLS", None, then=then)
    with ScriptedServer(step, tls=certificates.good.server_context()) as server:
        error = failure(account(server, ca=str(certificates.ca)))
    assert type(error) is ConnectError
    assert (error.phase, error.temporary) == (Phase.TLS, True)


def test_silence_instead_of_a_handshake(certificates: Certificates) -> None:
    step = Step("TLS", None, then=Then.STALL)
    with ScriptedServer(step, tls=certificates.good.server_context()) as server:
        error = failure(account(server, ca=str(certificates.ca), timeouts=impatient("tls")))
    assert type(error) is Timeout
    assert (error.phase, error.temporary) == (Phase.TLS, True)


def test_plain_text_instead_of_a_handshake(certificates: Certificates) -> None:
    step = Step("TLS", "220 I did not mean it", then=Then.STALL)
    with ScriptedServer(step, tls=certificates.good.server_context()) as server:
        error = failure(account(server, ca=str(certificates.ca)))
    assert isinstance(error, TlsError | ProtocolError)
    assert error.phase in (Phase.TLS, Phase.STARTTLS)


def test_no_old_tls(certificates: Certificates) -> None:
    context = certificates.good.server_context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with ScriptedServer(tls=context) as server:
        error = failure(account(server, ca=str(certificates.ca)))
    assert isinstance(error, ConnectError)
    assert error.phase is Phase.TLS
    assert verbs(server.commands) == ["EHLO", "STARTTLS"]


# ── a wrong mode ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_smtps_at_a_port_that_greets_in_plain_text(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        error = failure(account(server, tls=Tls.IMPLICIT, ca=str(certificates.ca)))
    assert type(error) is TlsModeMismatch
    assert f"smtp://{server.host}:{server.port}" in error.advice
    assert error.permanent


@pytest.mark.parametrize("tls", [Tls.REQUIRED, Tls.OPPORTUNISTIC, Tls.NONE])
def test_smtp_at_a_port_that_waits_for_tls(certificates: Certificates, tls: Tls) -> None:
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=True) as server:
        error = failure(account(server, tls=tls, timeouts=impatient("greeting")))
    assert type(error) is TlsModeMismatch
    assert f"smtps://{server.host}:{server.port}" in error.advice
    assert error.permanent


def test_smtp_at_a_port_that_answers_with_a_tls_alert() -> None:
    alert = b"\x15\x03\x01\x00\x02\x02\x46"
    with ScriptedServer(Step("GREETING", alert, then=Then.CLOSE)) as server:
        error = failure(account(server))
    assert type(error) is TlsModeMismatch
    assert f"smtps://{server.host}:{server.port}" in error.advice


def test_a_server_that_is_only_slow_is_no_wrong_mode() -> None:
    with ScriptedServer(Step("GREETING", None, then=Then.STALL)) as server:
        error = failure(account(server, timeouts=impatient("greeting")))
    assert type(error) is Timeout


def test_no_tls_needed_no_unsupported_raised() -> None:
    with ScriptedServer() as server:
        error = failure(account(server, username="ann", password="hunter2"))
    assert isinstance(error, Unsupported)
    assert "no authentication" in str(error)
    assert error.phase is Phase.AUTH
