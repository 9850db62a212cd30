"""A certificate of our own making: trusted by those who were given it, for its names and its time."""

import socket
import ssl
import threading

import pytest

from postroad.net.self_signed import VALID_DAYS, SelfSigned, self_signed

DAY = 86_400.0


class FixedClock:
    def __init__(self, time: float) -> None:
        self._time = time

    def now(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps over a certificate")


def shake_hands(made: SelfSigned, context: ssl.SSLContext, name: str) -> str | None:
    """The TLS version that client and server agree on, over a socket pair."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with made.server_context.wrap_socket(theirs, server_side=True) as server:
                server.recv(1)
        except ssl.SSLError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with context.wrap_socket(ours, server_hostname=name) as client:
            version = client.version()
            client.sendall(b"x")
            return version
    finally:
        ours.close()
        thread.join()


@pytest.fixture(scope="module")
def made() -> SelfSigned:
    return self_signed()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_whoever_has_the_certificate_trusts_it(made: SelfSigned, name: str) -> None:
    assert shake_hands(made, made.client_context(), name) == "TLSv1.3"


def test_nobody_else_does(made: SelfSigned) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed"):
        shake_hands(made, ssl.create_default_context(), "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(made, self_signed().client_context(), "localhost")


def test_it_is_for_its_names_alone(made: SelfSigned) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="elsewhere"):
        shake_hands(made, made.client_context(), "elsewhere.example")


def test_it_ends() -> None:
    expired = self_signed(clock=FixedClock(1_700_000_000.0 - (VALID_DAYS + 1) * DAY))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(expired, expired.client_context(), "localhost")


def test_a_strict_verifier_takes_it(made: SelfSigned) -> None:
    """As Python 3.13 verifies by default (RFC 5280 §4.2.1)."""
    context = made.client_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    assert shake_hands(made, context, "localhost") == "TLSv1.3"
