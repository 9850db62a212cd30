"""A server looked at: first as a client that verifies, and where that ends early, once more to see what is there."""

import ssl
from dataclasses import dataclass
from typing import Final

from postroad.doctor.certificate import Certificate, read_certificate
from postroad.doctor.probe.visit import Eye, Visit, visit
from postroad.errors import TlsError, TlsModeMismatch
from postroad.net.tls import Tls
from postroad.reply import Phase
from postroad.transport.smtp.settings import Smtp

_OTHER: Final = {Tls.REQUIRED: Tls.IMPLICIT, Tls.IMPLICIT: Tls.REQUIRED}


@dataclass(frozen=True, slots=True)
class Probed:
    """What was seen of the server that ``account`` names.

    ``expected`` is how TLS was to begin there, ``spoken`` how it does: ``REQUIRED`` for STARTTLS, or ``IMPLICIT``.
    ``forgiving`` is the second visit, in which any certificate and any version was fine.
    """

    account: Smtp
    expected: Tls
    spoken: Tls
    strict: Visit
    forgiving: Visit | None = None

    @property
    def furthest(self) -> Visit:
        """The visit that saw most."""
        return self.strict if self.forgiving is None else self.forgiving

    @property
    def certificate(self) -> Certificate | None:
        """What the server showed, if it can be read."""
        chain = self.furthest.chain
        return read_certificate(chain[0]) if chain else None

    @property
    def verification(self) -> ssl.SSLCertVerificationError | None:
        """What OpenSSL had against the certificate; it names the first thing only."""
        fault = self.strict.fault
        cause = fault.__cause__ if fault is not None else None
        return cause if isinstance(cause, ssl.SSLCertVerificationError) else None


async def probe(account: Smtp) -> Probed:
    """Look at a server. It raises nothing that a server or a network does, logs in nowhere, and sends nothing.

    Raises:
        ConfigurationError: a certificate or a key of the account's cannot be read; nothing was connected.
    """
    expected = Tls.IMPLICIT if account.tls is Tls.IMPLICIT else Tls.REQUIRED
    probed = await _looked_at(account, expected, expected)
    if not _may_speak_otherwise(probed.furthest):
        return probed
    other = await _looked_at(account, expected, _OTHER[expected])
    return other if other.furthest.greeting is not None or other.furthest.version else probed


async def _looked_at(account: Smtp, expected: Tls, mode: Tls) -> Probed:
    strict = await visit(account, mode, Eye.STRICT)
    if strict.fault is None or strict.fault.phase is not Phase.TLS or isinstance(strict.fault, TlsModeMismatch):
        return Probed(account, expected, mode, strict)
    return Probed(account, expected, mode, strict, await visit(account, mode, Eye.FORGIVING))


def _may_speak_otherwise(seen: Visit) -> bool:
    """The wrong mode looks like silence, or like an end without a word, as often as it shows itself."""
    if isinstance(seen.fault, TlsModeMismatch):
        return True
    no_word = seen.greeting is None and not seen.version and bool(seen.peer)
    return no_word and seen.fault is not None and not isinstance(seen.fault, TlsError) and seen.fault.reply is None
