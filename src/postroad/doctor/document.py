"""A document from a web server, or why it cannot be had."""

from urllib.parse import urlsplit

from postroad.doctor.check import Examination, NotApplicable, Seen, excerpt
from postroad.lint.finding import Level
from postroad.lookup import Fetched, FetchFailed

_OK = 200


async def document(url: str, examination: Examination, *, limit: int, seconds: float) -> Fetched | Seen:
    """The document, of at most ``limit`` octets; or what is to be told where it does not come as it should.

    Raises:
        NotApplicable: no web server is to be asked.
        Unanswered: the DNS does not answer for the host, so that nothing can be said.
    """
    if examination.fetcher is None:
        raise NotApplicable("no web server is to be asked (--connect)")
    answer = await examination.fetcher.get(url, limit=limit, timeout=seconds)
    if isinstance(answer, FetchFailed):
        return Seen(Level.FAIL, f"{excerpt(url)} cannot be fetched: {await _why(answer, examination)}")
    if 300 <= answer.code < 400:
        return Seen(Level.FAIL, f"{excerpt(url)} leads elsewhere ({answer.code}), and nobody follows")
    if answer.code != _OK:
        return Seen(Level.FAIL, f"{excerpt(url)} answers {answer.code}")
    return answer


async def octets_of(url: str, examination: Examination, *, limit: int, seconds: float) -> bytes | None:
    """What stands in the document, for a check of something else; ``None`` where it cannot be had, which another one
    tells."""
    if examination.fetcher is None:
        return None
    answer = await examination.fetcher.get(url, limit=limit, timeout=seconds)
    return answer.body if isinstance(answer, Fetched) and answer.code == _OK else None


async def _why(failed: FetchFailed, examination: Examination) -> str:
    host = urlsplit(failed.url).hostname or ""
    return excerpt(failed.reason) if await examination.addresses(host) else f"{excerpt(host)} has no address"
