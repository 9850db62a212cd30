"""STS-02: the policy of MTA-STS can be fetched."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.document import document
from postroad.doctor.transport_policy import sts_record
from postroad.lint.finding import Level
from postroad.routing.mta_sts import FETCH_SECONDS, MAX_OCTETS, policy_url


async def _look(examination: Examination) -> Sight:
    if not (await sts_record(examination)).texts:
        raise NotApplicable("there is no MTA-STS record (STS-01)")
    url = policy_url(examination.subject.domain)
    policy = await document(url, examination, limit=MAX_OCTETS, seconds=FETCH_SECONDS)
    if isinstance(policy, Seen):
        yield policy
        return
    media_type = policy.content_type.partition(";")[0].strip().lower()
    if media_type != "text/plain":
        yield Seen(Level.FAIL, f"{url} comes as {excerpt(media_type) or 'nothing'}, and not as text/plain")
    else:
        yield Seen(Level.PASS, f"{url} has {len(policy.body)} octets")


CHECK: Final = Check(
    "STS-02",
    Area.TRANSPORT,
    "The policy comes by HTTPS with a valid certificate: 200, no redirect, text/plain, at most 64 KB.",
    "RFC 8461 §3.3",
    _look,
)
