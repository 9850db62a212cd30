"""A connection to a mail exchanger, with the TLS that is asked of it; each session is counted.

What is enforced is tried in one way. What is not falls back, one step at a time: from a certificate that is verified to
one that is not, from TLS to none; a listener less is better than no mail at all (RFC 7435 §1, RFC 8461 §5).
"""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from postroad.clock import Clock, as_datetime
from postroad.errors import ConnectError, Disconnected, PostroadError, ProtocolError, Timeout, TlsError
from postroad.net.tls import Tls, TlsSettings
from postroad.reply import Phase
from postroad.routing.dane import Match, match
from postroad.routing.plan import Hop
from postroad.routing.tls_requirement import Level
from postroad.routing.tls_results import ResultType
from postroad.transport.direct.settings import Direct
from postroad.transport.direct.tls_counts import TlsResults
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.reach import Judge, Reach
from postroad.transport.smtp.settings import Smtp

_SECURING: Final = (Phase.STARTTLS, Phase.TLS)
_FALLBACKS: Final = (Tls.OPPORTUNISTIC, Tls.NONE)


class Opening:
    """Opens connections to one host under one requirement; ``hop`` may be replaced by what was found out later."""

    def __init__(self, settings: Direct, account: Smtp, hop: Hop, results: TlsResults, clock: Clock) -> None:
        self.hop = hop
        self._settings = settings
        self._account = account
        self._results = results
        self._clock = clock

    async def connection(self, domains: frozenset[str]) -> SmtpConnection:
        """The first that comes about; ``domains`` are those of the recipients that wait for it.

        Raises:
            PostroadError: as ``SmtpConnection.establish``; a ``TlsError`` where what is enforced was not met.
        """
        trouble: TlsTrouble | None = None
        *others, last = self._reaches(domains)
        for reach in others:
            try:
                opened = await SmtpConnection.establish(self._account, reach)
            except (ConnectError, Disconnected, ProtocolError, Timeout) as fault:
                if fault.phase not in _SECURING:
                    raise
                trouble = trouble or TlsTrouble.of(fault)
            else:
                self._count(domains, opened, trouble)
                return opened
        try:
            opened = await SmtpConnection.establish(self._account, last)
        except PostroadError as fault:
            if fault.phase in _SECURING:
                self._count(domains, None, TlsTrouble.of(fault))
            raise
        self._count(domains, opened, trouble)
        return opened

    # ── the ways ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _reaches(self, domains: frozenset[str]) -> Iterator[Reach]:
        required = self.hop.requirement
        opportunistic = self._reach(TlsSettings(Tls.OPPORTUNISTIC))
        if required.level is Level.DANE:
            yield replace(opportunistic, required=True, judge=self._judge(domains))
        elif required.level is Level.ENCRYPTED:
            yield replace(opportunistic, required=True)
        elif required.level is Level.AUTHORITY:
            yield self._reach(TlsSettings(Tls.REQUIRED, self._settings.ca, self.hop.tls_name))
        if not required.enforced:
            yield from [replace(opportunistic, tls=TlsSettings(mode)) for mode in _FALLBACKS]

    def _reach(self, tls: TlsSettings) -> Reach:
        named = replace(tls, server_name=self.hop.tls_name)
        return Reach(self.hop.addresses, named, self._settings.source)

    def _judge(self, domains: frozenset[str]) -> Judge:
        hop = self.hop

        def judge(chain: tuple[bytes, ...], where: str) -> None:
            now: datetime = as_datetime(self._clock.now())

            def matched(name: str) -> Match:
                return match(hop.requirement.associations, chain, (name,), now)

            # For the host, or else for each of the domains whose mail goes there (RFC 7672 §3.2.2).
            as_host = matched(hop.tls_name)
            if as_host.record is None and not (domains and all(matched(one).record for one in domains)):
                raise TlsError(f"DANE: {where}: {as_host.reason}", phase=Phase.TLS, advice=_DANE_ADVICE)

        return judge

    # ── counting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _count(self, domains: frozenset[str], opened: SmtpConnection | None, trouble: "TlsTrouble | None") -> None:
        required = self.hop.requirement
        if trouble is None and required.level is Level.REFUSED:  # by a policy that is being tested
            trouble = TlsTrouble(ResultType.VALIDATION_FAILURE, required.reason)
        if trouble is None and opened is not None and not opened.stream.tls:
            trouble = TlsTrouble(ResultType.STARTTLS_NOT_SUPPORTED, "STARTTLS is not offered")
        strings = self.hop.published
        for domain in domains:
            if trouble is None:
                self._results.succeeded(domain, required.policy, strings)
                continue
            address = opened.stream.peer.rpartition(":")[0].strip("[]") if opened is not None else ""
            self._results.failed(
                domain, required.policy, trouble.result, host=self.hop.host, address=address, reason=trouble.reason,
                strings=strings,
            )  # fmt: skip


class TlsTrouble:
    """What went wrong with TLS, in the words of reports."""

    __slots__ = ("reason", "result")

    def __init__(self, result: ResultType, reason: str) -> None:
        self.result = result
        self.reason = reason

    @classmethod
    def of(cls, fault: PostroadError) -> "TlsTrouble":
        """What a failed opening means."""
        if fault.phase is Phase.STARTTLS and fault.reply is None and isinstance(fault, TlsError):
            return cls(ResultType.STARTTLS_NOT_SUPPORTED, fault.message)
        cause = fault.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cls(_VERIFY_RESULTS.get(cause.verify_code, ResultType.VALIDATION_FAILURE), fault.message)
        return cls(ResultType.VALIDATION_FAILURE, fault.message)


_DANE_ADVICE: Final = "The host's operator has to publish a TLSA record of the certificate that it shows."
# X509_V_ERR_*, as OpenSSL numbers them.
_VERIFY_RESULTS: Final = {
    10: ResultType.CERTIFICATE_EXPIRED,
    18: ResultType.CERTIFICATE_NOT_TRUSTED,
    19: ResultType.CERTIFICATE_NOT_TRUSTED,
    20: ResultType.CERTIFICATE_NOT_TRUSTED,
    21: ResultType.CERTIFICATE_NOT_TRUSTED,
    62: ResultType.CERTIFICATE_HOST_MISMATCH,
    64: ResultType.CERTIFICATE_HOST_MISMATCH,
}
