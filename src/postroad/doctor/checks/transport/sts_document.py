"""STS-02: the policy of MTA-STS can be fetched."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.transport_policy import sts_document, sts_record
from postroad.doctor.unfetched import why_unfetched
from postroad.lint.finding import Level
from postroad.lookup import FetchFailed
from postroad.routing.mta_sts import policy_url


async def _look(examination: Examination) -> Sight:
    if not (await sts_record(examination)).texts:
        raise NotApplicable("there is no MTA-STS record (STS-01)")
    document = await sts_document(examination)
    url = policy_url(examination.subject.domain)
    if document is None:
        raise NotApplicable("no web server is to be asked (--connect)")
    if isinstance(document, FetchFailed):
        yield Seen(Level.FAIL, f"{url} cannot be fetched: {await why_unfetched(document, examination)}")
        return
    media_type = document.content_type.partition(";")[0].strip().lower()
    if 300 <= document.code < 400:
        yield Seen(Level.FAIL, f"{url} leads elsewhere ({document.code}), and nobody follows")
    elif document.code != 200:
        yield Seen(Level.FAIL, f"{url} answers {document.code}")
    elif media_type != "text/plain":
        yield Seen(Level.FAIL, f"{url} comes as {excerpt(media_type) or 'nothing'}, and not as text/plain")
    else:
        yield Seen(Level.PASS, f"{url} has {len(document.body)} octets")


CHECK: Final = Check(
    "STS-02",
    Area.TRANSPORT,
    "The policy comes by HTTPS with a valid certificate: 200, no redirect, text/plain, at most 64 KB.",
    "RFC 8461 §3.3",
    _look,
)
