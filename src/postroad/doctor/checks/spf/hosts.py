"""SPF-11: the policy lets the hosts send that do."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.spf.evaluation import evaluated
from postroad.doctor.checks.spf.policy import Policy, readable
from postroad.doctor.checks.spf.wording import with_addresses
from postroad.doctor.remedy import DnsRecord, txt
from postroad.doctor.subject import Address
from postroad.lint.finding import Level
from postroad.mailauth.spf.verdict import Result, SpfVerdict


async def _look(examination: Examination) -> Sight:
    if not examination.subject.ips:
        raise NotApplicable("no sending address is known (--ip)")
    for policy in await readable(examination):
        verdicts = [(ip, await evaluated(ip, policy.domain, examination)) for ip in examination.subject.ips]
        refused = [ip for ip, verdict in verdicts if verdict.result not in (Result.PASS, Result.PERMERROR)]
        for ip, verdict in verdicts:
            yield _of(ip, verdict, policy, _with(policy, refused))


def _of(ip: Address, verdict: SpfVerdict, policy: Policy, publish: tuple[DnsRecord, ...]) -> Seen:
    if verdict.result is Result.PASS:
        return Seen(Level.PASS, f"{ip} may send for {policy.domain}: {verdict.mechanism}")
    if verdict.result is Result.PERMERROR:  # the policy is no policy, and the check for what makes it so has failed
        return Seen(Level.INFO, f"{ip} gets permerror: {excerpt(verdict.reason)}; the other checks of SPF say more")
    why = f" by {excerpt(verdict.mechanism)}" if verdict.mechanism else ""
    return Seen(Level.FAIL, f"{ip} gets {verdict.result} from {policy.domain}{why}", publish)


def _with(policy: Policy, refused: list[Address]) -> tuple[DnsRecord, ...]:
    assert policy.record is not None
    if policy.aliased:
        return ()  # who has the record that counts has to add them
    return (txt(policy.domain, with_addresses(policy.record.text, refused)),)


CHECK: Final = Check(
    "SPF-11",
    Area.SPF,
    "The policy gives pass for every address that sends.",
    "RFC 7208 §4",
    _look,
)
