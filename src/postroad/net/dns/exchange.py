"""One question to the name servers, in their order, by UDP and where it must be by TCP."""

import asyncio

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.message

from postroad.lookup import Answer, RecordType, Status
from postroad.net.dns.response import answer_of, question
from postroad.net.dns.settings import Asked, DnsSettings, Nameserver


async def ask(name: str, kind: RecordType, asked: Asked, settings: DnsSettings) -> Answer:
    """The first answer that says something, else the last failure.

    A server that fails is not asked again; one that is silent is, after the others.
    """
    last = Answer(name, kind, Status.TIMEOUT, reason="no name server answered in time")
    silent = list(asked.nameservers)
    try:
        async with asyncio.timeout(settings.total_timeout):
            for _ in range(settings.tries):
                for server in tuple(silent):
                    answer = await _ask_one(name, kind, server, settings.try_timeout, trusted=asked.trusted)
                    if answer is None:
                        continue
                    if not answer.status.temporary:
                        return answer
                    last = answer
                    silent.remove(server)
    except TimeoutError:
        pass
    return last


async def _ask_one(name: str, kind: RecordType, server: Nameserver, seconds: float, *, trusted: bool) -> Answer | None:
    """What this server answers; ``None``: nothing, in time."""
    try:
        response = await _exchange(question(name, kind), server, seconds)
    except (dns.exception.Timeout, TimeoutError):
        return None
    except (dns.exception.DNSException, OSError, EOFError, ValueError) as fault:
        reason = f"{server.address}: {str(fault) or type(fault).__name__}"
        return Answer(name, kind, Status.FAILED, reason=reason)
    return answer_of(response, name, kind, trusted=trusted)


async def _exchange(query: dns.message.QueryMessage, server: Nameserver, seconds: float) -> dns.message.Message:
    backend = dns.asyncbackend.get_backend("asyncio")
    try:
        # What is no answer to this very question, of this very server, is as if it had not come: anybody can send it.
        return await dns.asyncquery.udp(
            query, server.address, seconds, server.port, ignore_unexpected=True, ignore_errors=True,
            raise_on_truncation=True, backend=backend,
        )  # fmt: skip
    except dns.message.Truncated:  # it did not fit (RFC 7766 §5)
        return await dns.asyncquery.tcp(query, server.address, seconds, server.port, backend=backend)
