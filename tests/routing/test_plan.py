"""The way to a domain: which hosts, in which order, under which requirement; or why there is none."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.lookup import Mx
from postroad.net.dns.zone import Zone
from postroad.routing.mta_sts import Mode, Policy
from postroad.routing.plan import End, Hop, Plan, hop, plan
from postroad.routing.tls_requirement import Level, PolicyType, Wish

Zoned = Mapping[str, object]
NOTHING: Zoned = {}
HOSTS: Zoned = {
    "b.example": [{"MX": [20, "mx2.b.example"]}, {"MX": [10, "mx1.b.example"]}, {"MX": [10, "mx0.b.example"]}],
    "mx1.b.example": [{"A": "192.0.2.1"}, {"AAAA": "2001:db8::1"}, {"A": "192.0.2.2"}],
    "mx2.b.example": [{"A": "192.0.2.3"}],
    "mx0.b.example": ["SERVFAIL"],
    "null.example": [{"MX": [0, "."]}],
    "bare.example": [{"A": "192.0.2.9"}],
    "empty.example": [{"TXT": "x"}],
    "silent.example": ["TIMEOUT"],
}
ENFORCED = Policy(Mode.ENFORCE, 86400, ("mx1.b.example",))


def planned(domain: str, policy: Policy | None = None, own: Iterable[str] = (), more: Zoned = NOTHING) -> Plan:
    async def policy_of(asked: str) -> Policy | None:
        assert asked == domain
        return policy

    return asyncio.run(plan(domain, Zone({**HOSTS, **more}), policy_of, own))


def hop_to(host: str, plan: Plan, *, wish: Wish = Wish.NOTHING, dane: bool = True, more: Zoned = NOTHING) -> Hop:
    return asyncio.run(hop(host, plan, Zone({**HOSTS, **more}), wish=wish, dane=dane))


def test_the_lowest_preference_goes_first_and_equals_are_shuffled() -> None:
    found = planned("b.example")
    assert found.order(lambda: 0.0) == ("mx0.b.example", "mx1.b.example", "mx2.b.example")
    assert found.order(lambda: 0.9) == ("mx1.b.example", "mx0.b.example", "mx2.b.example")


@pytest.mark.parametrize(
    ("domain", "end", "code"),
    [
        ("null.example", End.NULL_MX, "5.1.10"),
        ("gone.example", End.NO_DOMAIN, "5.1.2"),
        ("empty.example", End.NO_HOST, "5.4.4"),
        ("silent.example", End.DNS, "4.4.3"),
        ("[no address]", End.NO_DOMAIN, "5.1.2"),
    ],
)
def test_why_there_is_no_host(domain: str, end: End, code: str) -> None:
    found = planned(domain)
    assert (found.end, found.hosts, str(end.value)) == (end, (), code)
    assert found.reason
    assert end.permanent is code.startswith("5")


def test_hosts_that_would_send_it_back_are_left_out() -> None:
    assert {one.host for one in planned("b.example", own=["mx2.b.example"]).hosts} == {"mx0.b.example", "mx1.b.example"}
    assert planned("b.example", own=["MX1.b.example."]).end is End.LOOP


def test_this_machine_is_nobodys_exchanger() -> None:
    more: dict[str, object] = {
        "c.example": [{"MX": [10, "LOCALHOST"]}, {"MX": [5, "mx1.b.example"]}],
        "d.example": [{"MX": [10, "localhost"]}, {"MX": [20, "mx1.b.example"]}],
        "localhost": [{"A": "127.0.0.1"}],
    }
    assert planned("c.example", more=more).hosts == (Mx(5, "mx1.b.example"),)
    assert planned("d.example", more=more).end is End.LOOP
    assert planned("localhost", more=more).hosts == (Mx(0, "localhost"),)  # but for itself


def test_the_domain_itself_is_its_host_without_exchangers() -> None:
    assert planned("bare.example").hosts == (Mx(0, "bare.example"),)


@pytest.mark.parametrize(("literal", "address"), [("[192.0.2.7]", "192.0.2.7"), ("[IPv6:2001:db8::7]", "2001:db8::7")])
def test_an_address_literal_is_its_own_host(literal: str, address: str) -> None:
    (host,) = planned(literal).order(lambda: 0.0)
    found = hop_to(host, planned(literal))
    assert (found.host, found.addresses, found.usable) == (address, (address,), True)


def test_families_take_turns() -> None:
    found = hop_to("mx1.b.example", planned("b.example"))
    assert found.addresses == ("2001:db8::1", "192.0.2.1", "192.0.2.2")
    assert found.requirement.level is Level.OPPORTUNISTIC
    assert found.usable


def test_a_host_without_addresses_says_whether_that_may_pass() -> None:
    failed, missing = (hop_to(host, planned("b.example")) for host in ("mx0.b.example", "mx9.b.example"))
    assert (failed.usable, failed.temporary, missing.usable, missing.temporary) == (False, True, False, False)
    assert "AAAA of mx0.b.example" in failed.reason


def test_a_policy_says_which_hosts_and_which_certificates() -> None:
    found = planned("b.example", ENFORCED)
    first, second = (hop_to(host, found) for host in ("mx1.b.example", "mx2.b.example"))
    assert (first.requirement.level, first.requirement.enforced, first.usable) == (Level.AUTHORITY, True, True)
    assert (second.requirement.level, second.usable) == (Level.REFUSED, False)
    assert second.reason == second.requirement.reason


def test_records_in_a_signed_zone_go_before_a_policy() -> None:
    tlsa: dict[str, object] = {
        "_25._tcp.mx1.b.example": [{"TLSA": f"3 1 1 {'ab' * 32}"}],
        "example": [{"DS": "1 13 2 00"}],
    }
    found = planned("b.example", ENFORCED, more=tlsa)
    assert found.authentic
    first = hop_to("mx1.b.example", found, more=tlsa)
    assert (first.requirement.level, first.requirement.policy) == (Level.DANE, PolicyType.TLSA)
    assert first.tls_name == "mx1.b.example"
    assert hop_to("mx1.b.example", found, dane=False, more=tlsa).requirement.level is Level.AUTHORITY


def test_a_sender_may_ask_for_more() -> None:
    assert hop_to("mx2.b.example", planned("b.example"), wish=Wish.VERIFIED).requirement.level is Level.AUTHORITY


def test_recipients_share_a_way_if_hosts_and_policy_are_the_same() -> None:
    same: dict[str, object] = {
        "c.example": [{"MX": [10, "MX1.b.example"]}, {"MX": [10, "mx0.b.example"]}, {"MX": [20, "mx2.b.example"]}],
        "d.example": [{"MX": [10, "mx1.b.example"]}],
    }
    ways = [planned(domain, more=same).way for domain in ("b.example", "c.example", "d.example")]
    assert ways[0] == ways[1] != ways[2]
    assert planned("b.example", ENFORCED).way != ways[0]


NAMES = st.sampled_from(["b.example", "mx1.b.example", "a", "", ".", "x" * 64, "[1.2.3.4]", "\u00fc.example", "a..b"])
ENTRIES = st.one_of(
    st.sampled_from(["TIMEOUT", "SERVFAIL", {"A": "192.0.2.1"}, {"AAAA": "2001:db8::1"}, {"CNAME": "mx1.b.example"}]),
    st.tuples(st.integers(0, 65535), NAMES).map(lambda one: {"MX": list(one)}),
    st.sampled_from([{"TLSA": "3 1 1 00"}, {"TLSA": f"3 1 1 {'00' * 32}"}, {"DS": "1 13 2 00"}]),
)
RECORDS = st.dictionaries(st.one_of(NAMES, NAMES.map("_25._tcp.{}".format)), st.lists(ENTRIES, max_size=4), max_size=6)


@given(RECORDS, NAMES, st.floats(0, 1, exclude_max=True))
def test_whatever_the_dns_says_there_is_a_way_or_a_reason(
    records: dict[str, list[object]], domain: str, chance: float
) -> None:
    async def policy_of(_: str) -> Policy | None:
        return ENFORCED

    zone = Zone(records)
    found = asyncio.run(plan(domain, zone, policy_of))
    assert bool(found.hosts) is (found.end is None)
    assert bool(found.reason) is (found.end is not None)
    for host in found.order(lambda: chance):
        there = asyncio.run(hop(host, found, zone))
        assert there.usable or there.reason
