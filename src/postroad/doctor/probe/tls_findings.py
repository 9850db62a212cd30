"""SMTP-05 and SMTP-06: TLS is offered, in a version that is still good."""

from collections.abc import Iterator
from typing import Final

from postroad.doctor.probe.reach_findings import told
from postroad.doctor.probe.server import Probed
from postroad.doctor.probe.setting import setting
from postroad.doctor.step import Step
from postroad.lint.finding import Finding, Level
from postroad.net.tls import Tls
from postroad.reply import Phase
from postroad.transport.smtp.place import DEFAULT_PORT

OFFERED: Final = Step(
    "SMTP-05",
    "The server offers TLS: else everything, passwords too, goes in plain text. If it has implicit TLS on port 465, "
    "use smtps://; smtp+insecure:// is for servers on this machine alone, and smtp+opportunistic:// for mail to a "
    "stranger's port 25, without a password.",
    "RFC 3207, RFC 8314 §3",
)
VERSION: Final = Step(
    "SMTP-06",
    "The handshake succeeds with TLS 1.2 or newer; older versions are broken, and postroad refuses them. Only the "
    "server's operator can mend it.",
    "RFC 8996, RFC 9325 §3.1.1",
)
OLD: Final = ("SSLv3", "TLSv1", "TLSv1.1")  # as OpenSSL calls them


def about_tls(probed: Probed) -> Iterator[Finding]:
    """Whether mail to this server is encrypted."""
    strict, seen = probed.strict, probed.furthest
    if probed.spoken is Tls.REQUIRED:
        if strict.plain is None:
            return
        yield _offered(probed)
        if not strict.plain.starttls or _fault_in(probed, Phase.STARTTLS):
            return
    elif seen.version or _fault_in(probed, Phase.TLS):
        yield OFFERED.finding(Level.PASS, f"{probed.account.where} speaks TLS from the first byte")
    if seen.version or strict.fault is not None:
        yield _version(probed)


def _offered(probed: Probed) -> Finding:
    account, strict = probed.account, probed.strict
    if _fault_in(probed, Phase.STARTTLS) and strict.fault is not None:
        passing = strict.fault.code is not None and strict.fault.code.temporary  # RFC 3207 §4: 454
        return OFFERED.finding(Level.UNKNOWN if passing else Level.FAIL, told(strict.fault))
    if strict.plain is not None and strict.plain.starttls:
        return OFFERED.finding(Level.PASS, f"{account.where} offers STARTTLS")
    seen = f"{account.where} does not offer STARTTLS"
    if account.port == DEFAULT_PORT[Tls.OPPORTUNISTIC]:
        return OFFERED.finding(Level.WARN, seen, setting(account, Tls.OPPORTUNISTIC))
    if account.loopback:
        return OFFERED.finding(Level.FAIL, seen, setting(account, Tls.NONE))
    return OFFERED.finding(Level.FAIL, seen, setting(account, Tls.IMPLICIT, port=DEFAULT_PORT[Tls.IMPLICIT]))


def _version(probed: Probed) -> Finding:
    strict, seen = probed.strict, probed.furthest
    if not seen.version:
        assert strict.fault is not None
        return VERSION.finding(Level.FAIL, told(strict.fault))
    if seen.version in OLD:
        return VERSION.finding(Level.FAIL, f"the newest version that {probed.account.where} speaks is {seen.version}")
    return VERSION.finding(Level.PASS, f"{seen.version} with {seen.cipher}")


def _fault_in(probed: Probed, phase: Phase) -> bool:
    fault = probed.strict.fault
    return fault is not None and fault.phase is phase
