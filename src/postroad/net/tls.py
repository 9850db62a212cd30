"""TLS policies as values, the contexts made from them, and what a failed handshake means.

Sources: RFC 8314 (implicit TLS), RFC 3207 (STARTTLS), RFC 9325 (versions).
"""

import ssl
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Final

from postroad.errors import ConfigurationError, ConnectError, TlsError, TlsModeMismatch
from postroad.reply import Phase


class Tls(Enum):
    """When a connection is encrypted, and who is safe from whom."""

    REQUIRED = "starttls"  # STARTTLS with a verified certificate, or no mail: safe from anybody on the way
    IMPLICIT = "implicit"  # TLS from the first byte, verified: the same, and nothing to strip
    OPPORTUNISTIC = (
        "opportunistic"  # STARTTLS if offered, not verified: safe from listeners, not from a man in the middle
    )
    NONE = "none"  # plain text: safe from nobody


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """``ca`` is a PEM file of trusted issuers instead of the system's; ``server_name`` what the certificate must name,
    where that is not the host connected to. ``verify`` is off only where the mode says so.
    """

    mode: Tls = Tls.REQUIRED
    ca: str | None = None
    server_name: str | None = None

    @property
    def verify(self) -> bool:
        """The certificate must be valid. A CA that was given is meant to be used, whatever the mode."""
        return self.mode in (Tls.REQUIRED, Tls.IMPLICIT) or self.ca is not None

    def context(self) -> ssl.SSLContext:
        """The context for this policy; contexts are shared, because loading a trust store costs milliseconds.

        Raises:
            ConfigurationError: the CA file cannot be read.
        """
        changed = Path(self.ca).stat().st_mtime_ns if self.ca and Path(self.ca).is_file() else 0
        return _context(self.verify, self.ca, changed)


@lru_cache(maxsize=32)
def _context(verify: bool, ca: str | None, _changed: int) -> ssl.SSLContext:
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


def handshake_error(fault: OSError, where: str, *, implicit: bool) -> ConnectError:
    """What a failed handshake means; ``where`` is host:port. Only what would fail again is a ``TlsError``."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        message = f"the certificate of {where} is not trusted: {fault.verify_message}"
        return TlsError(message, phase=Phase.TLS, advice=_ADVICE.get(fault.verify_code))
    if isinstance(fault, ssl.SSLError) and not isinstance(fault, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        if implicit and fault.reason in _NOT_TLS:
            return plain_text_on_implicit_port(where)
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
