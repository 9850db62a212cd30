"""SMTP-07 to SMTP-09: the server's certificate has an issuer that is trusted, names the host, and is in time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from postroad.doctor.certificate import Certificate
from postroad.doctor.check import excerpt
from postroad.doctor.probe.reach_findings import told
from postroad.doctor.probe.server import Probed
from postroad.doctor.probe.setting import setting
from postroad.doctor.probe.tls_findings import OLD
from postroad.doctor.step import Step
from postroad.lint.finding import Finding, Level
from postroad.net.host_name import as_address

TRUSTED: Final = Step(
    "SMTP-07",
    "The certificate comes from an issuer that is trusted here, with the chain that leads to it. If the server is "
    "yours, give its CA with ?ca=FILE, or pin its key, once you have compared the digest with the server's own.",
    "RFC 8314 §3, RFC 5280 §6",
)
NAMED: Final = Step(
    "SMTP-08",
    "The certificate names the host that is connected to. Use a name that stands in it as the host, or give it with "
    "?server_name=NAME.",
    "RFC 7817 §3, RFC 9525 §6",
)
IN_TIME: Final = Step("SMTP-09", "The certificate is in force, and is renewed in time.", "RFC 5280 §4.1.2.5")

_NOT_YET, _EXPIRED, _WRONG_HOST, _WRONG_ADDRESS = 9, 10, 62, 64  # X509_V_ERR_*
_OF_OTHER_CHECKS: Final = frozenset({_NOT_YET, _EXPIRED, _WRONG_HOST, _WRONG_ADDRESS})
_SOON: Final = timedelta(days=14)  # authorities that renew by themselves do so earlier
_LAST_PART: Final = 3  # of the whole time; certificates for six days exist
MAX_NAMES: Final = 5  # that are told of a certificate


def about_certificate(probed: Probed, now: datetime) -> Iterator[Finding]:
    """What is to be said of the certificate. ``now`` is aware."""
    if not probed.furthest.chain:
        return
    certificate = probed.certificate
    if certificate is None:
        yield TRUSTED.finding(Level.FAIL, "the server's certificate cannot be read")
        return
    yield _trusted(probed, certificate)
    yield _named(probed, certificate)
    yield _in_time(probed, certificate, now)


def _trusted(probed: Probed, certificate: Certificate) -> Finding:
    refusal, fault = probed.verification, probed.strict.fault
    issuer = f"issued by {excerpt(certificate.issuer)}"
    if refusal is not None and refusal.verify_code not in _OF_OTHER_CHECKS:
        kind = "self-signed" if certificate.self_issued else "not trusted"
        alone = len(probed.furthest.chain) == 1 and not certificate.self_issued
        hint = "; the server shows no certificate of the issuer, which it may have forgotten" if alone else ""
        seen = f"the certificate is {kind}: {refusal.verify_message}; {issuer}{hint}"
        return TRUSTED.finding(Level.FAIL, seen, _pinned(probed, certificate))
    if refusal is None and fault is not None and probed.forgiving is not None:
        if probed.forgiving.version in OLD:
            return TRUSTED.finding(Level.UNKNOWN, f"no client that verifies gets as far as the certificate; {issuer}")
        return TRUSTED.finding(Level.FAIL, told(fault))
    return TRUSTED.finding(Level.PASS, f"the issuer is trusted: {excerpt(certificate.issuer)}")


def _pinned(probed: Probed, certificate: Certificate) -> str | None:
    if not certificate.pin:
        return None
    account = probed.account
    return setting(account, probed.spoken, ca="", pin=certificate.pin, trust="pin-only")


def _named(probed: Probed, certificate: Certificate) -> Finding:
    account = probed.account
    wanted = account.server_name or account.host
    names = certificate.all_names
    told_names = ", ".join(excerpt(one) for one in names[:MAX_NAMES]) or "no host at all"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    if certificate.is_for(wanted):
        return NAMED.finding(Level.PASS, f"the certificate names {wanted}")
    seen = f"the certificate is for {told_names}{more}, not for {wanted}"
    return NAMED.finding(Level.FAIL, seen, _renamed(probed, certificate))


def _renamed(probed: Probed, certificate: Certificate) -> str | None:
    """The setting with a name of the certificate: as the host, unless it may lead elsewhere than the address given."""
    account = probed.account
    stays = account.loopback or as_address(account.host) is not None or account.socket_path is not None
    # A single label is a name to compare with, but as a host it leads where the machine's search list does.
    name = next((one for one in certificate.names if not one.startswith("*.") and (stays or "." in one)), None)
    if name is None:
        return None
    if stays:
        return setting(account, probed.spoken, server_name=name)
    return setting(account, probed.spoken, host=name)


def _in_time(probed: Probed, certificate: Certificate, now: datetime) -> Finding:
    until = f"{certificate.not_after:%Y-%m-%d %H:%M} UTC"
    if certificate.not_after < now:
        return IN_TIME.finding(Level.FAIL, f"the certificate expired on {until}; its operator has to renew it")
    if certificate.not_before > now:
        since = f"{certificate.not_before:%Y-%m-%d %H:%M} UTC"
        return IN_TIME.finding(
            Level.FAIL, f"the certificate is valid from {since} on, and not yet; or the clock is wrong"
        )
    if probed.verification is not None and probed.verification.verify_code in (_NOT_YET, _EXPIRED):
        return IN_TIME.finding(Level.FAIL, "a certificate between this one and its authority is out of its time")
    left = certificate.not_after - now
    if left < min(_SOON, (certificate.not_after - certificate.not_before) / _LAST_PART):
        return IN_TIME.finding(Level.WARN, f"the certificate expires on {until}, in {left.days} days")
    return IN_TIME.finding(Level.PASS, f"the certificate is valid until {until}")
