"""MX-03: mail exchangers offer TLS, in a version that is good, with the certificate that the domain has promised."""

import asyncio
from datetime import datetime
from typing import Final

from postroad.clock import as_datetime
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.probe.findings import findings_of
from postroad.doctor.probe.server import Probed
from postroad.doctor.probe.tls_findings import OLD
from postroad.doctor.transport_policy import dane_of, exchangers, sts_policy
from postroad.lint.finding import Level
from postroad.routing.mta_sts import Mode

_OF_CERTIFICATES: Final = ("SMTP-07", "SMTP-08", "SMTP-09")


async def _look(examination: Examination) -> Sight:
    visitor = examination.beyond.visitor
    if visitor is None:
        raise NotApplicable("no server is to be visited (--connect)")
    hosts = await exchangers(examination)
    if not hosts:
        raise NotApplicable("there is no mail exchanger (MX-01)")
    policy = await sts_policy(examination)
    now = as_datetime(examination.now)
    for host, probed in zip(hosts, await asyncio.gather(*(visitor(host) for host in hosts)), strict=True):
        enforced = policy is not None and policy.mode is Mode.ENFORCE
        promise = "MTA-STS enforces a valid one" if enforced else ""
        if await dane_of(host, examination) is None:
            yield _judged(host, probed, now, promise)
        else:  # then what the TLSA records say counts (DANE-02), and no authority does
            yield _judged(host, probed, now, "")


def _judged(host: str, probed: Probed, now: datetime, promise: str) -> Seen:
    seen, fault = probed.furthest, probed.strict.fault
    if seen.plain is None and not seen.version:
        reason = excerpt(fault.message) if fault is not None else "it said nothing"
        return Seen(Level.UNKNOWN, f"{host} could not be visited from here: {reason}")
    if seen.plain is not None and not seen.plain.starttls:
        return Seen(Level.FAIL if promise else Level.WARN, f"{host} does not offer STARTTLS")
    if not seen.version:
        reason = excerpt(fault.message) if fault is not None else ""
        return Seen(Level.FAIL if promise else Level.WARN, f"{host} offers STARTTLS, and it fails: {reason}")
    if seen.version in OLD:
        return Seen(Level.FAIL if promise else Level.WARN, f"{host} speaks nothing newer than {seen.version}")
    bad = [one.seen for one in findings_of(probed, now) if one.id in _OF_CERTIFICATES and one.level is Level.FAIL]
    if bad and promise:
        return Seen(Level.FAIL, f"{host}: {bad[0]}, where {promise}")
    if bad:
        return Seen(Level.INFO, f"{host}: {bad[0]}; nobody has promised another one")
    return Seen(Level.PASS, f"{host} speaks {seen.version}, with a valid certificate")


CHECK: Final = Check(
    "MX-03",
    Area.RECEPTION,
    "Mail exchangers offer STARTTLS with TLS 1.2 or newer, and the certificate that MTA-STS or DANE promises.",
    "RFC 3207, RFC 9325 §3.1.1, RFC 8461 §4.1, RFC 7672 §2.2",
    _look,
)
