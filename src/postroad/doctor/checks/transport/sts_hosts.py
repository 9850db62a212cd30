"""STS-04: every mail exchanger is named by the policy of MTA-STS, and has the certificate that it asks for."""

from typing import Final

from postroad.clock import as_datetime
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.probe.findings import findings_of
from postroad.doctor.transport_policy import exchangers, policy_document, sts_policy
from postroad.lint.finding import Level
from postroad.routing.mta_sts import Mode

_NEEDED: Final = ("SMTP-05", "SMTP-06", "SMTP-07", "SMTP-08", "SMTP-09")


async def _look(examination: Examination) -> Sight:
    policy = await sts_policy(examination)
    if policy is None:
        raise NotApplicable("there is no policy to hold hosts against (STS-02, STS-03)")
    bad = Level.FAIL if policy.mode is Mode.ENFORCE else Level.WARN
    for host in await exchangers(examination):
        if not policy.allows(host):
            seen = f"{host} is none of those that the policy names, {', '.join(policy.mx)}"
            yield Seen(bad, seen, (await policy_document(examination, policy.mode),))
        elif (fault := await _fault(host, examination)) is not None:
            yield Seen(bad, f"{host}: {fault}")
        else:
            yield Seen(Level.PASS, f"{host} is named by the policy")


async def _fault(host: str, examination: Examination) -> str | None:
    """What stands against the host's TLS, where it may be visited and can be."""
    if examination.beyond.visitor is None:
        return None
    findings = findings_of(await examination.beyond.visitor(host), as_datetime(examination.now))
    return next((one.seen for one in findings if one.id in _NEEDED and one.level in (Level.FAIL, Level.WARN)), None)


CHECK: Final = Check(
    "STS-04",
    Area.TRANSPORT,
    "The policy names every mail exchanger, and each has a certificate that is valid for its name.",
    "RFC 8461 §4.1, §4.2",
    _look,
)
