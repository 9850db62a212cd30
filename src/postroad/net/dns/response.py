"""A message of the DNS as an ``Answer``: the only place that knows how dnspython writes records."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

from postroad.lookup import Answer, Mx, Record, RecordType, Status, Tlsa

_PAYLOAD: Final = 1232  # octets that a UDP answer may have without being cut into fragments (DNS flag day 2020)
_MAX_REASON: Final = 200  # characters of what a server says about its failure


def question(name: str, kind: RecordType) -> dns.message.QueryMessage:
    """The question for a resolver: recursion, EDNS, and whether the answer is authentic (AD, RFC 6840 §5.7)."""
    # Made of labels, for in the text of a name some characters would have a meaning.
    labels = [label.encode("ascii") for label in name.split(".")] if name else []
    query = dns.message.make_query(dns.name.Name([*labels, b""]), kind.value, use_edns=0, payload=_PAYLOAD)
    query.flags |= dns.flags.AD
    return query


def answer_of(response: dns.message.Message, name: str, kind: RecordType, *, trusted: bool) -> Answer:
    """What the response says; everything that is no answer is ``FAILED``, with the reason."""
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Answer(name, kind, Status.FAILED, reason=_complaint(response))
    assert isinstance(response, dns.message.QueryMessage)
    try:
        chain = response.resolve_chaining()
        records = _records(chain.answer, kind)
        aliases = tuple(_text(one[0].target) for one in chain.cnames)
    except (dns.exception.DNSException, ValueError, AttributeError) as fault:
        return Answer(name, kind, Status.FAILED, reason=f"a malformed answer: {type(fault).__name__}")
    authentic = trusted and bool(response.flags & dns.flags.AD)
    # The code is of the last alias, where there are any (RFC 6604 §3).
    missing = Status.NO_NAME if response.rcode() == dns.rcode.NXDOMAIN else Status.NO_DATA
    status = Status.FOUND if records else missing
    return Answer(name, kind, status, records, float(chain.minimum_ttl), authentic, aliases)


def _records(rrset: dns.rrset.RRset | None, kind: RecordType) -> tuple[Record, ...]:
    return tuple([_READERS[kind](one) for one in rrset]) if rrset is not None else ()


def _text(name: dns.name.Name) -> str:
    """The name as it is asked about, without its final dot. A dot inside a label stays escaped, for it parts none."""
    labels = [label.replace(b".", b"\\046").decode("ascii", "backslashreplace") for label in name.labels]
    return ".".join(labels).removesuffix(".")


def _complaint(response: dns.message.Message) -> str:
    """``SERVFAIL: DNSSEC Bogus (no signatures)``: the response code, and what the server adds (RFC 8914)."""
    told = "; ".join(error.to_text() for error in response.extended_errors())
    code = dns.rcode.to_text(response.rcode())
    return f"{code}: {told}"[:_MAX_REASON] if told else code


_READERS: Final[dict[RecordType, Callable[[Any], Record]]] = {
    RecordType.A: lambda one: IPv4Address(one.address),
    RecordType.AAAA: lambda one: IPv6Address(one.address),
    RecordType.CNAME: lambda one: _text(one.target),
    RecordType.DNSKEY: lambda one: str(one.to_text()),
    RecordType.DS: lambda one: str(one.to_text()),
    RecordType.MX: lambda one: Mx(one.preference, _text(one.exchange)),
    RecordType.NS: lambda one: _text(one.target),
    RecordType.PTR: lambda one: _text(one.target),
    RecordType.SOA: lambda one: str(one.to_text()),
    RecordType.SPF: lambda one: b"".join(one.strings),
    RecordType.TLSA: lambda one: Tlsa(one.usage, one.selector, one.mtype, one.cert),
    RecordType.TXT: lambda one: b"".join(one.strings),
}
