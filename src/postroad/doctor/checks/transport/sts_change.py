"""STS-05: a policy of MTA-STS that has changed has a new id."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.transport_policy import fresh_sts_record, sts_policy, sts_record
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    before = examination.beyond.policy_before
    if before is None:
        raise NotApplicable("what the policy was the last time is not known")
    record, policy = await sts_record(examination), await sts_policy(examination)
    if policy is None:
        raise NotApplicable("there is no policy to read (STS-02, STS-03)")
    if policy.text != before.policy.text and record.id == before.id:
        seen = f"the policy has changed, and the id is still {before.id}: senders keep the old one until it expires"
        yield Seen(Level.WARN, seen, (fresh_sts_record(examination),))
    else:
        yield Seen(Level.PASS, "the id belongs to the policy")


CHECK: Final = Check(
    "STS-05", Area.TRANSPORT, "Whenever the policy changes, the id in the record does.", "RFC 8461 §3.1", _look
)
