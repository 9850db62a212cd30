"""Records: which TXT records are some, and what they say or why they say nothing."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from postroad.mailauth.spf.record import Kind, RecordError, read_record, spf_texts
from postroad.mailauth.spf.verdict import Result


def test_a_record_is_told_by_its_first_word() -> None:
    texts = [
        b"v=spf1",
        b"V=SPF1 -all",
        b"v=spf1  a",
        b"v=spf10",
        b"v=spf1\t-all",
        b" v=spf1 -all",
        b"",
        b"v=spf",
        b"\xff",
    ]
    assert spf_texts(texts) == texts[:3]


def test_terms_are_read() -> None:
    record = read_record(
        b"v=spf1 +A ~mx:Mail.acme.example/24//64 ?ip4:192.0.2.0/24 IP6:2001:db8::/32 -include:a.example "
        b"ptr exists:%{i}.x.example redirect=b.example EXP=why.%{d} op=auth  -ALL "
    )
    a, mx, ip4, ip6, include, ptr, exists, all_ = record.mechanisms
    assert (a.kind, a.qualifier, a.prefix4, a.prefix6, a.text) == (Kind.A, Result.PASS, 32, 128, "+A")
    assert (mx.qualifier, mx.prefix4, mx.prefix6) == (Result.SOFTFAIL, 24, 64)
    assert mx.domain is not None
    assert mx.domain.text == "Mail.acme.example"
    assert (ip4.qualifier, ip4.address, ip4.prefix4) == (Result.NEUTRAL, IPv4Address("192.0.2.0"), 24)
    assert (ip6.address, ip6.prefix6) == (IPv6Address("2001:db8::"), 32)
    assert (include.kind, ptr.kind, ptr.domain, exists.kind) == (Kind.INCLUDE, Kind.PTR, None, Kind.EXISTS)
    assert (all_.kind, all_.qualifier) == (Kind.ALL, Result.FAIL)
    assert record.redirect is not None
    assert record.explanation is not None
    assert (record.redirect.text, record.explanation.text) == ("b.example", "why.%{d}")


@pytest.mark.parametrize(
    ("term", "complaint"),
    [
        ("moo", "no mechanism 'moo'"),
        ("-all.", "no mechanism"),
        ("!all", "no mechanism"),
        ("--all", "no mechanism"),
        ("-", "no mechanism"),
        ("=x", "no mechanism"),
        ("1up=x", "no mechanism"),
        ("all:x", "no argument"),
        ("all/24", "no argument"),
        ("include", "wants a colon"),
        ("include:", "domain is missing"),
        ("include:a.example/24", "no top-level domain"),
        ("exists", "wants a colon"),
        ("ptr/24", "wants a colon"),
        ("ptr:", "domain is missing"),
        ("a:", "domain is missing"),
        ("a:192.0.2.1", "no top-level domain"),
        ("a:museum", "dot"),
        ("a/33", "33 is more than 32"),
        ("mx//129", "129 is more than 128"),
        ("a/024", "wants a colon"),
        ("a/24/64", "64 is more than 32"),
        ("a/24/24", "wants a colon"),
        ("a/", "wants a colon"),
        ("mx:a.example//", "no top-level"),
        ("ip4", "colon"),
        ("ip4:", "no IPv4"),
        ("ip4:192.0.2", "no IPv4"),
        ("ip4:192.0.2.01", "no IPv4"),
        ("ip4:192.0.2.1/33", "33 is more"),
        ("ip4:192.0.2.1/032", "no IPv4"),
        ("ip4:192.0.2.1//32", "no IPv4"),
        ("ip4:192.0.2.1:25", "no IPv4"),
        ("ip6:192.0.2.1", "no IPv6"),
        ("ip6:fe80::1%eth0", "no IPv6"),
        ("ip6:::1/129", "129 is more"),
        ("ip6:::1//64", "no IPv6"),
        ("redirect:a.example", "no mechanism 'redirect'"),
        ("redirect=", "domain is missing"),
        ("exp=-all", "dot"),
        ("foo=%abc", "begins no macro"),
        ("foo=%{c}", "may not stand here"),
    ],
)  # fmt: skip
def test_a_term_that_is_wrong_is_named(term: str, complaint: str) -> None:
    with pytest.raises(RecordError, match=complaint) as caught:
        read_record(f"v=spf1 -all {term}".encode())
    assert caught.value.term == term


@pytest.mark.parametrize("modifier", ["redirect", "exp"])
def test_a_modifier_stands_there_once(modifier: str) -> None:
    with pytest.raises(RecordError, match="twice"):
        read_record(f"v=spf1 {modifier}=a.example {modifier.upper()}=b.example".encode())


@pytest.mark.parametrize(
    "content", [b"v=spf1 -all\xff", b"v=spf1 a\ta", b"v=spf1 a:\x00", b"v=spf1 -all\n", b"v=spf1 \x7f"]
)
def test_what_is_no_printable_ascii_is_refused(content: bytes) -> None:
    with pytest.raises(RecordError, match="printable"):
        read_record(content)


def test_a_record_is_no_larger_than_the_dns_can_hold() -> None:
    assert len(read_record(b"v=spf1" + b" ip4:192.0.2.1" * 4000).mechanisms) == 4000
    with pytest.raises(RecordError, match="more than a TXT record"):
        read_record(b"v=spf1" + b" ip4:192.0.2.1" * 5000)
