"""Messages of the DNS: whatever a server sends is an answer."""

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.lookup import Answer, RecordType, Status
from postroad.net.dns.response import answer_of, question

RECORDS = {
    RecordType.A: "192.0.2.1",
    RecordType.MX: "10 mail.acme.example.",
    RecordType.TXT: '"v=spf1 -all"',
    RecordType.TLSA: "3 1 1 " + "00" * 32,
}


def response(kind: RecordType, *records: str) -> dns.message.QueryMessage:
    """A response to a question for ``acme.example``; ``records`` are lines of a zone file."""
    message = dns.message.make_response(question("acme.example", kind))
    assert isinstance(message, dns.message.QueryMessage)
    for line in records:
        owner, ttl, class_, type_, data = line.split(" ", 4)
        message.answer.append(dns.rrset.from_text(dns.name.from_text(owner), int(ttl), class_, type_, data))
    return message


def answered(message: dns.message.Message, kind: RecordType) -> Answer:
    """As it is read from the wire."""
    return answer_of(dns.message.from_wire(message.to_wire()), "acme.example", kind, trusted=True)


@given(st.sampled_from(list(RECORDS)), st.data())
def test_a_mutated_message_is_an_answer_or_no_message(kind: RecordType, data: st.DataObject) -> None:
    wire = bytearray(response(kind, f"acme.example. 300 IN {kind} {RECORDS[kind]}").to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = dns.message.from_wire(bytes(wire))
    except (dns.exception.DNSException, ValueError):
        return  # as if nothing had come
    if message.opcode() == 0:  # what else is a response to no question of ours, and is never looked at
        answer = answer_of(message, "acme.example", kind, trusted=True)
        assert answer.status is not Status.FOUND or answer.records


def test_a_ring_of_aliases_is_no_answer() -> None:
    ring = ("acme.example. 300 IN CNAME b.example.", "b.example. 300 IN CNAME acme.example.")
    answer = answered(response(RecordType.A, *ring), RecordType.A)
    assert (answer.status, answer.reason) == (Status.FAILED, "a malformed answer: ChainTooLong")


def test_a_failure_tells_what_the_server_adds() -> None:
    message = response(RecordType.A)
    message.set_rcode(dns.rcode.SERVFAIL)
    message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "no signatures")])
    answer = answered(message, RecordType.A)
    assert answer.status is Status.FAILED
    assert answer.reason.startswith("SERVFAIL: EDE 6")
    assert "no signatures" in answer.reason


@pytest.mark.parametrize("flag", [0, dns.flags.AD])
def test_a_lie_about_a_name_that_does_not_exist_is_no_answer(flag: int) -> None:
    message = response(RecordType.A, "acme.example. 300 IN A 192.0.2.1")
    message.set_rcode(dns.rcode.NXDOMAIN)
    message.flags |= flag
    assert answered(message, RecordType.A).status is Status.FAILED
