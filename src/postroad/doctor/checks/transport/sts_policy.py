"""STS-03: the policy of MTA-STS is one, is enforced, and is remembered long enough."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.transport_policy import policy_document, sts_text
from postroad.lint.finding import Level
from postroad.routing.mta_sts import Mode, PolicyError, read_policy

_LEAST: Final = 86_400  # seconds: a shorter one is forgotten between two mails, so that an attacker need only wait


async def _look(examination: Examination) -> Sight:
    text = await sts_text(examination)
    if text is None:
        raise NotApplicable("there is no policy to read (STS-02)")
    try:
        policy = read_policy(text)
    except PolicyError as fault:
        yield Seen(Level.FAIL, str(fault), (await policy_document(examination, Mode.TESTING),))
        return
    if policy.max_age < _LEAST:
        seen = f"max_age is {policy.max_age} seconds, less than a day"
        yield Seen(Level.WARN, seen, (await policy_document(examination, policy.mode),))
    if policy.mode is Mode.TESTING:
        seen = "the mode is testing: mail goes out even where the policy fails"
        yield Seen(Level.WARN, seen, (await policy_document(examination, Mode.ENFORCE),))
    elif policy.mode is Mode.NONE:
        yield Seen(Level.INFO, "the mode is none: the policy is taken back")
    else:
        yield Seen(Level.PASS, f"the policy is enforced for {', '.join(policy.mx)}")


CHECK: Final = Check(
    "STS-03",
    Area.TRANSPORT,
    "The policy has version, mode, mx and max_age; it is enforced, and remembered for a day to a year.",
    "RFC 8461 §3.2",
    _look,
)
