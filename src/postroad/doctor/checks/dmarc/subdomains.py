"""DM-05: subdomains are no way around the policy."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.dmarc.published import published
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.record import Policy


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    record = found.record
    own = record.own_policy
    if record.subdomain_policy.strictness < own.strictness:
        sentence = f"{found.name} has sp={record.sp}, which is weaker than p={record.p}"
        yield Seen(Level.WARN, sentence, found.with_tags({"sp": None, "np": None}))
    elif record.absent_subdomain_policy.strictness < own.strictness:
        sentence = f"{found.name} has np={record.np}, which is weaker than p={record.p}"
        yield Seen(Level.WARN, sentence, found.with_tags({"np": "reject"}))
    elif record.p is not None and record.absent_subdomain_policy is not Policy.REJECT:
        sentence = (
            "np=reject would keep others from using subdomains that do not exist; no mail of yours comes from one"
        )
        yield Seen(Level.INFO, sentence, found.with_tags({"np": "reject"}))


CHECK: Final = Check(
    "DM-05",
    Area.DMARC,
    "The policies for subdomains (sp=, np=) are as strict as p=; np=reject costs nothing.",
    "RFC 9989 §4.7",
    _look,
)
