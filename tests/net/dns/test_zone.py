"""A DNS made of a mapping: what is found, what is not, and what only seems not to be."""

import asyncio
from ipaddress import IPv4Address, IPv6Address

import pytest

from postroad.errors import ConfigurationError
from postroad.lookup import Answer, Mx, Record, RecordType, Status, Tlsa
from postroad.net.dns.zone import Zone

ACME = Zone(
    {
        "acme.example": [
            {"A": "192.0.2.1"},
            {"A": "192.0.2.2"},
            {"AAAA": "2001:DB8::1"},
            {"MX": [10, "Mail.acme.example."]},
            {"TXT": ["v=spf1", " -all"]},
            {"NS": "ns.acme.example."},
            {"SOA": "ns.acme.example. hostmaster.acme.example. 1 3600 600 86400 300"},
        ],
        "Deep.Below.acme.example.": [{"A": "192.0.2.3"}],
        "www.acme.example": [{"CNAME": "web.acme.example."}],
        "web.acme.example": [{"CNAME": "acme.example"}],
        "gone.acme.example": {"CNAME": "nowhere.example"},
        "_25._tcp.mail.acme.example": [{"TLSA": "3 1 1 00ff"}, {"TLSA": [2, 0, 0, "00 ff"]}],
        "null.example": [{"MX": [0, ""]}],
        "round.example": [{"CNAME": "ROUND.example"}],
        "bücher.example": [{"TXT": "Bücher"}],
        "both.example": [{"A": "192.0.2.9"}, {"CNAME": "acme.example"}],
        "octets.example": [{"TXT": b"\x80"}, {"TXT": []}],
        "empty.example": None,
    }
)


def asked(name: str, kind: RecordType = RecordType.A, zone: Zone = ACME) -> Answer:
    return asyncio.run(zone.lookup(name, kind))


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("acme.example", RecordType.A, (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))),
        ("ACME.example.", RecordType.AAAA, (IPv6Address("2001:db8::1"),)),
        ("acme.example", RecordType.MX, (Mx(10, "Mail.acme.example"),)),
        ("acme.example", RecordType.TXT, (b"v=spf1 -all",)),
        ("acme.example", RecordType.NS, ("ns.acme.example",)),
        ("acme.example", RecordType.SOA, ("ns.acme.example. hostmaster.acme.example. 1 3600 600 86400 300",)),
        ("_25._tcp.mail.acme.example", RecordType.TLSA, (Tlsa(3, 1, 1, b"\0\xff"), Tlsa(2, 0, 0, b"\0\xff"))),
        ("null.example", RecordType.MX, (Mx(0, ""),)),
        ("xn--bcher-kva.example", RecordType.TXT, ("Bücher".encode(),)),
        ("BÜCHER.example", RecordType.TXT, ("Bücher".encode(),)),
        ("both.example", RecordType.A, (IPv4Address("192.0.2.9"),)),
        ("both.example", RecordType.CNAME, ("acme.example",)),
        ("octets.example", RecordType.TXT, (b"\x80", b"")),
    ],
)
def test_records_are_found(name: str, kind: RecordType, records: tuple[Record, ...]) -> None:
    answer = asked(name, kind)
    assert (answer.status, answer.records) == (Status.FOUND, records)
    assert answer.ttl > 0


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("acme.example", RecordType.DS, Status.NO_DATA),
        ("below.acme.example", RecordType.A, Status.NO_DATA),  # an empty non-terminal exists (RFC 8020)
        ("example", RecordType.A, Status.NO_DATA),
        ("", RecordType.A, Status.NO_DATA),
        ("empty.example", RecordType.A, Status.NO_DATA),
        ("nowhere.example", RecordType.A, Status.NO_NAME),
        ("gone.acme.example", RecordType.A, Status.NO_NAME),
        ("www.acme.example", RecordType.TLSA, Status.NO_DATA),
        ("round.example", RecordType.A, Status.FAILED),
        ("a..example", RecordType.A, Status.NO_NAME),
        (".example", RecordType.A, Status.NO_NAME),
        (f"{'a' * 64}.example", RecordType.A, Status.NO_NAME),
        ("ü" * 60, RecordType.A, Status.NO_NAME),
        ("\udc80.example", RecordType.A, Status.NO_NAME),
    ],
)
def test_what_is_not_there_says_how(name: str, kind: RecordType, status: Status) -> None:
    answer = asked(name, kind)
    assert (answer.status, answer.records) == (status, ())


def test_aliases_are_followed_and_told() -> None:
    answer = asked("www.acme.example")
    assert answer.aliases == ("web.acme.example", "acme.example")
    assert len(answer.addresses) == 2
    assert asked("www.acme.example", RecordType.CNAME).names == ("web.acme.example",)


def test_a_chain_of_aliases_ends_somewhere() -> None:
    zone = Zone({f"a{number}.example": {"CNAME": f"a{number + 1}.example"} for number in range(1000)})
    answer = asked("a0.example", zone=zone)
    assert answer.status is Status.FAILED
    assert "aliases" in answer.reason


def test_failures_are_for_what_has_no_record() -> None:
    zone = Zone(
        {
            "a.example": [{"TXT": "here"}, "TIMEOUT"],
            "b.example": ["SERVFAIL"],
            "c.example": [{"A": "192.0.2.1"}, {"TXT": "SERVFAIL"}, {"MX": "TIMEOUT"}],
        }
    )
    assert asked("a.example", RecordType.TXT, zone).texts == (b"here",)
    assert asked("a.example", RecordType.A, zone).status is Status.TIMEOUT
    assert asked("b.example", RecordType.MX, zone).status is Status.FAILED
    assert asked("c.example", RecordType.A, zone).status is Status.FOUND
    assert asked("c.example", RecordType.TXT, zone).status is Status.FAILED
    assert asked("c.example", RecordType.MX, zone).status is Status.TIMEOUT
    assert asked("c.example", RecordType.AAAA, zone).status is Status.NO_DATA
    assert asked("a.example", RecordType.A, zone).reason


def test_the_retired_type_stands_for_txt_where_none_is_told() -> None:
    zone = Zone(
        {
            "spf.example": [{"SPF": "v=spf1 -all"}],
            "both.example": [{"SPF": "v=spf1 -all"}, {"TXT": "v=spf1 +all"}],
            "none.example": [{"SPF": "v=spf1 -all"}, {"TXT": "NONE"}],
            "late.example": [{"SPF": "v=spf1 -all"}, {"TXT": "NONE"}, "TIMEOUT"],
            "mute.example": [{"TXT": "v=spf1 -all"}, {"SPF": "SERVFAIL"}],
        }
    )
    assert asked("spf.example", RecordType.TXT, zone).texts == (b"v=spf1 -all",)
    assert asked("both.example", RecordType.TXT, zone).texts == (b"v=spf1 +all",)
    assert asked("none.example", RecordType.TXT, zone).status is Status.NO_DATA
    assert asked("late.example", RecordType.TXT, zone).status is Status.TIMEOUT
    assert asked("spf.example", RecordType.SPF, zone).status is Status.NO_DATA
    assert asked("both.example", RecordType.SPF, zone).texts == (b"v=spf1 -all",)
    assert asked("mute.example", RecordType.SPF, zone).status is Status.FAILED
    assert asked("mute.example", RecordType.TXT, zone).texts == (b"v=spf1 -all",)


def test_what_is_below_a_ds_record_is_signed() -> None:
    zone = Zone(
        {
            "signed.example": [{"DS": "1 13 2 00ff"}, {"A": "192.0.2.1"}],
            "www.signed.example": [{"A": "192.0.2.1"}],
            "out.signed.example": [{"CNAME": "plain.example"}],
            "plain.example": [{"A": "192.0.2.1"}],
        }
    )
    signed = {name: asked(name, zone=zone).authentic for name in (
        "signed.example", "www.signed.example", "no.signed.example", "out.signed.example", "plain.example",
    )}  # fmt: skip
    assert list(signed.values()) == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"A": "2001:db8::1"}, "IPv4"),
        ({"AAAA": "192.0.2.1"}, "IPv6"),
        ({"MX": "mail.example"}, "preference"),
        ({"MX": [70000, "mail.example"]}, "preference"),
        ({"TLSA": "3 1 1 xyz"}, "hexadecimal"),
        ({"TLSA": "300 1 1 00"}, "three numbers"),
        ({"TXT": 5}, "text"),
        ({"SPF": 5}, "text"),
        ({"TX": "x"}, "'TX' is no type of record"),
        ({"PTR": ["a", "b"]}, "host name"),
        ("TIMEDOUT", "'TIMEDOUT' is no record"),
        (5, "5 is no record"),
    ],
)
def test_an_entry_that_is_no_record_is_named(entry: object, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        Zone({"acme.example": [entry]})
    assert "'acme.example'" in caught.value.message
    assert caught.value.advice


def test_types_that_mail_does_not_ask_for_may_stand_there() -> None:
    zone = Zone({"acme.example": [{"CAA": '0 issue "ca.example"'}, {"SRV": "0 5 5060 sip.example"}]})
    assert asked("acme.example", RecordType.A, zone).status is Status.NO_DATA


def test_names_that_nobody_can_ask_for_are_told() -> None:
    assert Zone({"a..b": [{"A": "192.0.2.1"}]}).unaskable == ["a..b"]


WILD = Zone(
    {
        "*.acme.example": [{"TXT": "wild"}, {"MX": [10, "mx.acme.example"]}],
        "host.acme.example": [{"A": "192.0.2.1"}],
        "a.deep.acme.example": [{"A": "192.0.2.2"}],
        "*.alias.example": [{"CNAME": "host.acme.example"}],
    }
)


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("new.acme.example", RecordType.TXT, Status.FOUND),
        ("two.new.acme.example", RecordType.TXT, Status.FOUND),  # any number of labels (RFC 4592 §2.1.1)
        ("*.acme.example", RecordType.TXT, Status.FOUND),
        ("new.acme.example", RecordType.A, Status.NO_DATA),
        ("host.acme.example", RecordType.TXT, Status.NO_DATA),  # it exists
        ("below.host.acme.example", RecordType.TXT, Status.NO_NAME),  # RFC 4592 §2.2.1: the nearest above is the host
        ("deep.acme.example", RecordType.TXT, Status.NO_DATA),  # an empty non-terminal exists
        ("b.deep.acme.example", RecordType.TXT, Status.NO_NAME),
        ("acme.example", RecordType.TXT, Status.NO_DATA),
        ("new.alias.example", RecordType.A, Status.FOUND),
        ("new.other.example", RecordType.TXT, Status.NO_NAME),
    ],
)
def test_a_wildcard_stands_for_names_that_do_not_exist(name: str, kind: RecordType, status: Status) -> None:
    answer = asked(name, kind, WILD)
    assert (answer.name, answer.status) == (name, status)


def test_a_wildcard_alias_leads_on() -> None:
    assert asked("new.alias.example", zone=WILD).aliases == ("host.acme.example",)
