"""Why a document could not be fetched: the web server's fault, a missing address, or a DNS that does not answer."""

from urllib.parse import urlsplit

from postroad.doctor.check import Examination, excerpt
from postroad.lookup import FetchFailed, RecordType


async def why_unfetched(failed: FetchFailed, examination: Examination) -> str:
    """The reason, for people.

    Raises:
        Unanswered: the DNS does not answer for the host, so that nothing can be said.
    """
    host = urlsplit(failed.url).hostname or ""
    kinds = (RecordType.A, RecordType.AAAA)
    has_address = any([(await examination.ask(host, kind)).addresses for kind in kinds])
    return excerpt(failed.reason) if has_address else f"{excerpt(host)} has no address"
