"""TLS policies as values, the contexts made from them, and what a failed handshake means.

Sources: RFC 8314 (implicit TLS), RFC 3207 (STARTTLS), RFC 9325 (versions), RFC 7469 §2.4 (pins).
"""

import ssl
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Final

from postroad.errors import ConfigurationError, ConnectError, TlsError, TlsModeMismatch
from postroad.net.pin import pin_of
from postroad.reply import Phase
from postroad.secret import Secret


class Tls(Enum):
    """When a connection is encrypted, and who is safe from whom."""

    REQUIRED = "starttls"  # STARTTLS with a verified certificate, or no mail: safe from anybody on the way
    IMPLICIT = "implicit"  # TLS from the first byte, verified: the same, and nothing to strip
    OPPORTUNISTIC = (
        "opportunistic"  # STARTTLS if offered, not verified: safe from listeners, not from a man in the middle
    )
    NONE = "none"  # plain text: safe from nobody


class Trust(Enum):
    """What makes a server's certificate good."""

    AUTHORITY = "authority"  # an issuer that is trusted, for this name, now; pins come on top of that
    PIN_ONLY = "pin-only"  # a pinned key, and nothing else: neither issuer nor name nor dates are looked at


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """``ca`` is a PEM file of trusted issuers instead of the system's; ``server_name`` what the certificate must name,
    where that is not the host connected to. ``pins`` are the keys that the server may have (``sha256//…``).
    ``client_cert`` and ``client_key`` are PEM files, with which we show who we are; the key may stand in the first.
    Verification is off only where the mode, or ``trust``, says so.
    """

    mode: Tls = Tls.REQUIRED
    ca: str | None = None
    server_name: str | None = None
    pins: tuple[str, ...] = ()
    trust: Trust = Trust.AUTHORITY
    client_cert: str | None = None
    client_key: str | None = None

    @property
    def verify(self) -> bool:
        """The certificate must be valid. A CA or a pin that was given is meant to be used, whatever the mode."""
        if self.trust is Trust.PIN_ONLY:
            return False
        return self.mode in (Tls.REQUIRED, Tls.IMPLICIT) or self.ca is not None or bool(self.pins)

    def context(self, key_password: Secret | None = None) -> ssl.SSLContext:
        """The context for this policy; contexts are shared, because loading a trust store costs milliseconds.

        ``key_password`` opens the client's key: a value, not a reference.

        Raises:
            ConfigurationError: a file cannot be read, or the password does not open the key.
        """
        files = (self.ca, self.client_cert, self.client_key)
        changed = tuple(_changed(one) for one in files)
        if self.client_cert is None:
            return _context(self.verify, self.ca, changed)
        return _context_with_certificate(self.verify, *files, key_password, changed)


def web_context(ca: str | None = None) -> ssl.SSLContext:
    """The context for HTTPS, verified; ``ca`` is a PEM file of trusted issuers instead of the system's.

    It is never one of those for mail: httpx writes into it that we speak HTTP (ALPN, RFC 7301 §3.2), and a mail server
    that reads that, as Exim does, ends the handshake.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    return _web_context(ca, _changed(ca))


def _changed(file: str | None) -> int:
    return Path(file).stat().st_mtime_ns if file and Path(file).is_file() else 0


@lru_cache(maxsize=32)
def _context(verify: bool, ca: str | None, _changed: tuple[int, ...]) -> ssl.SSLContext:
    return _new_context(verify, ca)


@lru_cache(maxsize=8)
def _web_context(ca: str | None, _changed: int) -> ssl.SSLContext:
    return _new_context(True, ca)


@lru_cache(maxsize=32)
def _context_with_certificate(
    verify: bool,
    ca: str | None,
    certificate: str,
    key: str | None,
    key_password: Secret | None,
    _changed: tuple[int, ...],
) -> ssl.SSLContext:
    context = _new_context(verify, ca)
    _load_certificate(context, certificate, key, key_password)
    return context


def _new_context(verify: bool, ca: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as fault:
        raise ConfigurationError(
            f"ca: cannot use {ca!r} as a file of trusted certificates: {fault}", setting="ca"
        ) from fault
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9325 §3.1.1
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_certificate(context: ssl.SSLContext, certificate: str, key: str | None, password: Secret | None) -> None:
    opened = _KeyPassword(password)
    try:
        context.load_cert_chain(certificate, key, password=opened)
    except OSError as fault:  # ssl.SSLError among them
        if opened.asked and password is None:
            setting, reason = "client_key_password", f"the key in {key or certificate!r} needs a password"
        elif opened.asked:
            setting, reason = "client_key_password", f"it does not open the key in {key or certificate!r}"
        elif key is None and _lacks_key(certificate):
            raise ConfigurationError(
                f"client_cert: no private key in {certificate!r}", setting="client_cert",
                advice="Give the file that holds the key: ?client_key=FILE, or client_key=.",
            ) from None  # fmt: skip
        else:
            files = f"{certificate!r} with the key in {key!r}" if key else f"{certificate!r}"
            setting, reason = "client_cert", f"cannot use {files} as certificate and key: {fault}"
        raise ConfigurationError(f"{setting}: {reason}", setting=setting) from None


def _lacks_key(certificate: str) -> bool:
    try:
        text = Path(certificate).read_bytes()
    except OSError:
        return False
    return b"-----BEGIN CERTIFICATE-----" in text and b"PRIVATE KEY-----" not in text


class _KeyPassword:
    """Given whether there is one or not: without it OpenSSL asks the terminal."""

    def __init__(self, password: Secret | None) -> None:
        self._password = password
        self.asked = False

    def __call__(self) -> str:
        self.asked = True
        return self._password.reveal() if self._password is not None else ""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a handshake needs: the context, the name to ask for, how long to wait (seconds), and the keys expected."""

    context: ssl.SSLContext
    server_name: str
    seconds: float
    pins: tuple[str, ...] = ()

    def check_pin(self, certificate: bytes | None, where: str) -> None:
        """Compare the server's key (its certificate in DER) with those that are pinned.

        Raises:
            TlsError: it is none of them.
        """
        if not self.pins:
            return
        try:
            seen = pin_of(certificate or b"")
        except ValueError as fault:
            raise TlsError(f"the key of {where} cannot be compared with the pin: {fault}", phase=Phase.TLS) from fault
        if seen not in self.pins:
            raise TlsError(
                f"the key of {where} is not the pinned one: it is {seen}",
                phase=Phase.TLS,
                advice="If the server's key was changed on purpose, pin the new one with ?pin=; else somebody stands "
                "in between.",
            )


# How OpenSSL's versions name "these bytes are no TLS record".
_NOT_TLS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}
)
_EXPIRED, _SELF_SIGNED, _SELF_SIGNED_CHAIN, _NO_ISSUER, _WRONG_HOST, _WRONG_ADDRESS = (
    10,
    18,
    19,
    20,
    62,
    64,
)  # X509_V_ERR_*

_ADVICE: Final = {
    _EXPIRED: "Renew the server's certificate; until then no client that checks will send.",
    _SELF_SIGNED: "If the server is yours, give its certificate with ?ca=FILE; otherwise do not send to it.",
    _SELF_SIGNED_CHAIN: "If the issuer is your own CA, give its certificate with ?ca=FILE.",
    _NO_ISSUER: "The server left out an intermediate certificate, or its CA is not known here: give it with ?ca=FILE.",
    _WRONG_HOST: "Use the name that stands in the certificate as host, or give it with ?server_name=NAME.",
    _WRONG_ADDRESS: "Use the name that stands in the certificate as host, or give it with ?server_name=NAME.",
}


_SHOW: Final = "give one that it trusts with ?client_cert=FILE and ?client_key=FILE."
# What a server says of our certificate, by the alert's name behind "…_ALERT_" (RFC 8446 §6.2).
_ON_OURS: Final = {
    "CERTIFICATE_REQUIRED": f"The server wants to see a certificate of ours: {_SHOW}",
    "HANDSHAKE_FAILURE": f"There is no TLS version or cipher in common, or the server wants a certificate: {_SHOW}",
    **dict.fromkeys(
        (
            "UNKNOWN_CA",
            "BAD_CERTIFICATE",
            "CERTIFICATE_UNKNOWN",
            "UNSUPPORTED_CERTIFICATE",
            "CERTIFICATE_EXPIRED",
            "CERTIFICATE_REVOKED",
            "ACCESS_DENIED",
        ),
        f"The server does not take our certificate: {_SHOW}",
    ),
}


def refusal_of_ours(fault: Exception | None, where: str) -> TlsError | None:
    """The error that an alert about our certificate means, or the lack of one; ``None`` for any other fault.

    With TLS 1.3 it comes when our side of the handshake is long done, with the first read (RFC 8446 §4.4.2.4).
    """
    if not isinstance(fault, ssl.SSLError):
        return None
    reason = fault.reason or ""
    advice = _ON_OURS.get(reason.partition("_ALERT_")[2])
    return TlsError(f"{where} refused the TLS handshake: {reason}", phase=Phase.TLS, advice=advice) if advice else None


def handshake_error(fault: OSError, where: str, *, implicit: bool) -> ConnectError:
    """What a failed handshake means; ``where`` is host:port. Only what would fail again is a ``TlsError``."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        message = f"the certificate of {where} is not trusted: {fault.verify_message}"
        return TlsError(message, phase=Phase.TLS, advice=_ADVICE.get(fault.verify_code))
    if isinstance(fault, ssl.SSLError) and not isinstance(fault, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        if implicit and fault.reason in _NOT_TLS:
            return plain_text_on_implicit_port(where)
        if refusal := refusal_of_ours(fault, where):
            return refusal
        return TlsError(f"TLS handshake with {where} failed: {fault.reason or fault}", phase=Phase.TLS)
    reason = f": {fault}" if str(fault) else ""
    return ConnectError(f"the connection to {where} was lost during the TLS handshake{reason}", phase=Phase.TLS)


def plain_text_on_implicit_port(where: str) -> TlsModeMismatch:
    """We spoke TLS, the server answered in plain text."""
    return TlsModeMismatch(
        f"{where} speaks plain text where TLS was expected from the first byte",
        phase=Phase.TLS,
        advice=f"This port speaks STARTTLS: use smtp://{where}",
    )


def tls_on_plain_port(where: str) -> TlsModeMismatch:
    """We waited for a greeting, the server for a TLS handshake."""
    return TlsModeMismatch(
        f"{where} expects TLS from the first byte, where a plain-text greeting was expected",
        phase=Phase.GREETING,
        advice=f"This port speaks implicit TLS: use smtps://{where}",
    )
