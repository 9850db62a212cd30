"""Who receives for a domain, and in which order the hosts are tried."""

import asyncio
from collections.abc import Iterator

import pytest

from postroad.lookup import Mx
from postroad.net.dns.zone import Zone
from postroad.routing.mx import MAX_HOSTS, Reception, before_ourselves, in_order, mail_hosts

ZONE = Zone(
    {
        "acme.example": [{"MX": [20, "mx2.acme.example."]}, {"MX": [10, "MX1.acme.example"]}, {"A": "192.0.2.1"}],
        "null.example": [{"MX": [0, "."]}, {"A": "192.0.2.1"}],
        "odd.example": [{"MX": [0, ""]}, {"MX": [10, "mx.odd.example"]}],
        "own4.example": [{"A": "192.0.2.1"}, {"AAAA": "TIMEOUT"}],
        "own6.example": [{"AAAA": "2001:db8::1"}],
        "alias.example": [{"CNAME": "acme.example"}],
        "text.example": [{"TXT": "hello"}],
        "slow.example": ["TIMEOUT"],
        "broken.example": ["SERVFAIL"],
        "half.example": [{"MX": "NONE"}, {"A": "SERVFAIL"}],
        "signed.example": [{"DS": "1 13 2 00"}, {"MX": [10, "mx.signed.example"]}],
    }
)


@pytest.mark.parametrize(
    ("domain", "reception", "hosts", "reason"),
    [
        ("acme.example", Reception.EXCHANGERS, ["mx2.acme.example", "MX1.acme.example"], ""),
        ("alias.example", Reception.EXCHANGERS, ["mx2.acme.example", "MX1.acme.example"], ""),
        ("null.example", Reception.NULL_MX, [], "says that it receives no mail"),
        ("odd.example", Reception.EXCHANGERS, ["mx.odd.example"], ""),
        ("own4.example", Reception.IMPLICIT, ["own4.example"], ""),
        ("own6.example", Reception.IMPLICIT, ["own6.example"], ""),
        ("text.example", Reception.NOWHERE, [], "neither mail exchangers nor an address"),
        ("nowhere.example", Reception.NOWHERE, [], "does not exist"),
        ("slow.example", Reception.UNKNOWN, [], "MX of slow.example: timeout"),
        ("broken.example", Reception.UNKNOWN, [], "MX of broken.example: server failure"),
        ("half.example", Reception.UNKNOWN, [], "A of half.example: server failure"),
    ],
)
def test_who_receives(domain: str, reception: Reception, hosts: list[str], reason: str) -> None:
    found = asyncio.run(mail_hosts(domain, ZONE))
    assert (found.reception, [one.host for one in found.hosts]) == (reception, hosts)
    assert reason in found.reason
    assert not found.authentic


def test_dnssec_is_told() -> None:
    assert asyncio.run(mail_hosts("signed.example", ZONE)).authentic


def chances(*numbers: float) -> Iterator[float]:
    yield from numbers
    while True:
        yield 0.0


def test_the_lowest_preference_goes_first_and_equal_ones_by_chance() -> None:
    hosts = [Mx(20, "d"), Mx(10, "c"), Mx(10, "a"), Mx(10, "B"), Mx(0, "e"), Mx(30, "A")]
    orders = {
        in_order(hosts, iter(chances(0.0, *numbers)).__next__)
        for numbers in ((0.0, 0.0), (0.0, 0.9), (0.4, 0.0), (0.4, 0.9), (0.99, 0.0), (0.99, 0.9))
    }
    assert len(orders) == 6
    assert all(order[0] == "e" and order[4] == "d" and set(order[1:4]) == {"a", "b", "c"} for order in orders)


def test_only_so_many_hosts_are_tried() -> None:
    assert len(in_order([Mx(number, f"mx{number}") for number in range(1000)], lambda: 0.5)) == MAX_HOSTS


def test_mail_does_not_go_back_to_whom_we_back_up() -> None:
    hosts = [Mx(10, "a"), Mx(20, "Us"), Mx(20, "b"), Mx(30, "c")]
    assert before_ourselves(hosts, ["us."]) == (Mx(10, "a"),)
    assert before_ourselves(hosts, ["other"]) == tuple(hosts)
    assert before_ourselves(hosts, ["A"]) == ()
