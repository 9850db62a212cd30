"""TLS policies as values, and what a failed handshake means."""

import ssl
from collections.abc import Callable

import pytest

from postroad.errors import ConfigurationError, ConnectError, TlsError, TlsModeMismatch
from postroad.net.tls import (
    Tls,
    TlsSettings,
    handshake_error,
    plain_text_on_implicit_port,
    tls_on_plain_port,
    web_context,
)
from postroad.reply import Phase
from tests.peers.certificates import Certificates

WHERE = "mail.example:587"


@pytest.mark.parametrize(
    ("mode", "ca", "verify"),
    [
        (Tls.REQUIRED, None, True),
        (Tls.IMPLICIT, None, True),
        (Tls.OPPORTUNISTIC, None, False),
        (Tls.NONE, None, False),
        (Tls.OPPORTUNISTIC, "given", True),  # a CA that was given is meant to be used
        (Tls.REQUIRED, "given", True),
    ],
)
def test_what_is_verified(certificates: Certificates, mode: Tls, ca: str | None, verify: bool) -> None:
    settings = TlsSettings(mode, ca=str(certificates.ca) if ca else None)
    context = settings.context()
    assert settings.verify is verify
    assert context.check_hostname is verify
    assert (context.verify_mode is ssl.CERT_REQUIRED) is verify
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2  # RFC 9325 §3.1.1


def test_secure_is_the_default() -> None:
    assert TlsSettings().mode is Tls.REQUIRED
    assert TlsSettings().verify


def test_a_given_ca_replaces_the_systems(certificates: Certificates) -> None:
    context = TlsSettings(ca=str(certificates.ca)).context()
    assert [one["subject"] for one in context.get_ca_certs()] == [((("commonName", "Test authority"),),)]


def test_contexts_are_shared(certificates: Certificates) -> None:
    ca = str(certificates.ca)
    assert TlsSettings(Tls.REQUIRED, ca=ca).context() is TlsSettings(Tls.IMPLICIT, ca=ca, server_name="x").context()
    assert TlsSettings().context() is not TlsSettings(Tls.OPPORTUNISTIC).context()


def test_https_has_contexts_of_its_own(certificates: Certificates) -> None:
    ca = str(certificates.ca)
    context = web_context(ca)
    assert context is web_context(ca)  # shared among themselves
    assert context not in (web_context(), TlsSettings(Tls.IMPLICIT, ca=ca).context())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("context", [lambda ca: TlsSettings(ca=ca).context(), web_context])
def test_a_ca_that_is_none(context: Callable[[str], ssl.SSLContext]) -> None:
    with pytest.raises(ConfigurationError, match=r"no/such/ca\.pem") as caught:
        context("no/such/ca.pem")
    assert caught.value.setting == "ca"


def refused(verify_code: int, message: str = "reason") -> ssl.SSLCertVerificationError:
    fault = ssl.SSLCertVerificationError(1, "certificate verify failed")
    fault.verify_code, fault.verify_message = verify_code, message
    return fault


def ssl_fault(reason: str) -> ssl.SSLError:
    fault = ssl.SSLError(1, f"[SSL: {reason}]")
    fault.reason = reason
    return fault


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (10, "Renew"),
        (18, "?ca="),
        (19, "?ca="),
        (20, "intermediate"),
        (62, "?server_name="),
        (64, "?server_name="),
        (99, "?ca="),  # whatever else
    ],
)
def test_each_fault_of_a_certificate_has_its_advice(code: int, advice: str) -> None:
    error = handshake_error(refused(code, "it says why"), WHERE, implicit=False)
    assert type(error) is TlsError
    assert advice in error.advice
    assert f"the certificate of {WHERE} is not trusted: it says why" in str(error)
    assert error.permanent
    assert error.phase is Phase.TLS


@pytest.mark.parametrize(
    ("fault", "implicit", "kind", "permanent"),
    [
        (ssl_fault("WRONG_VERSION_NUMBER"), True, TlsModeMismatch, True),
        (ssl_fault("RECORD_LAYER_FAILURE"), True, TlsModeMismatch, True),
        (ssl_fault("PACKET_LENGTH_TOO_LONG"), True, TlsModeMismatch, True),
        (ssl_fault("WRONG_VERSION_NUMBER"), False, TlsError, True),
        (ssl_fault("SSLV3_ALERT_HANDSHAKE_FAILURE"), True, TlsError, True),
        (ssl_fault("NO_SHARED_CIPHER"), False, TlsError, True),
        (ssl.SSLEOFError(8, "EOF occurred"), True, ConnectError, False),
        (ssl.SSLZeroReturnError(6, "closed"), False, ConnectError, False),
        (ConnectionResetError(104, "Connection reset by peer"), True, ConnectError, False),
        (ConnectionResetError(), True, ConnectError, False),
    ],
)
def test_only_what_would_fail_again_is_a_tls_error(
    fault: OSError, implicit: bool, kind: type[ConnectError], permanent: bool
) -> None:
    error = handshake_error(fault, WHERE, implicit=implicit)
    assert type(error) is kind
    assert error.permanent is permanent
    assert WHERE in str(error)
    assert not str(error).endswith((": ", ":"))


def test_a_wrong_mode_names_the_right_url() -> None:
    assert f"smtp://{WHERE}" in plain_text_on_implicit_port(WHERE).advice
    assert f"smtps://{WHERE}" in tls_on_plain_port(WHERE).advice
