"""Names for the hosts that send: which one, and what is to be published."""

from ipaddress import ip_address
from typing import Any

import pytest

from postroad.doctor.checks.hosts.checks import HOST_CHECKS
from postroad.doctor.checks.spf.checks import SPF_CHECKS
from tests.doctor.examined import examine, subject
from tests.doctor.zones import DOMAIN, KEY_NAME, changed, healthy

_SIX = (ip_address("2001:db8::1"), ip_address("2001:db8::2"))
_PTR = "1.2.0.192.in-addr.arpa"
_CHECKS = (*HOST_CHECKS, *SPF_CHECKS)


def found(zone: dict[str, list[Any]], **given: Any) -> dict[str, Any]:
    return examine(zone, subject(**{"helo": None, **given}), _CHECKS)


def named(zone: dict[str, list[Any]], id_: str) -> list[str]:
    return (found(zone)[id_].publish or "").splitlines()


def pointer(name: str) -> str:
    return f"{_PTR}. IN PTR {name}."


def _nameless(*changes: tuple[str, str, list[Any]]) -> dict[str, list[Any]]:
    return changed((_PTR, "PTR", []), *changes)


def test_a_host_keeps_the_name_that_leads_to_it() -> None:
    assert named(_nameless(), "IP-01") == [pointer("mail.acme.example")]
    assert named(_nameless(("mx.acme.example", "A", ["192.0.2.1"])), "IP-01") == [pointer("mx.acme.example")]
    two = changed((_PTR, "PTR", ["a.acme.example", "b.acme.example"]), ("b.acme.example", "A", ["192.0.2.1"]))
    assert named(two, "IP-01") == [pointer("b.acme.example")]


@pytest.mark.parametrize(
    ("id_", "pointers"),
    [("IP-01", []), ("IP-02", ["mx.acme.example"]), ("IP-02", ["host.isp.example"]), ("IP-03", ["dyn7.isp.example"])],
)
def test_names_of_other_hosts_are_left_to_them(id_: str, pointers: list[str]) -> None:
    zone = changed((_PTR, "PTR", pointers), ("mail.acme.example", "A", ["192.0.2.77"]))
    zone["dyn7.isp.example"] = [{"A": "192.0.2.1"}]
    assert named(zone, id_) == [pointer("out.acme.example"), "out.acme.example. IN A 192.0.2.1"]


def test_a_name_without_an_address_gets_it() -> None:
    zone = changed((_PTR, "PTR", ["new.acme.example"]))
    assert named(zone, "IP-02") == ["new.acme.example. IN A 192.0.2.1"]


def test_a_policy_in_capitals_is_one() -> None:
    zone = changed(("mail.acme.example", "TXT", ["V=SPF1 a -all"]))
    assert found(zone, helo="mail.acme.example")["IP-04"].level == "pass"


def _six(*texts: str) -> dict[str, list[Any]]:
    zone = changed((DOMAIN, "TXT", list(texts)))
    return {**zone, **{ip.reverse_pointer: [{"PTR": "mail.acme.example"}] for ip in _SIX}}


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (["V=SPF1 include:esp.example -all"], "v=spf1 ip6:2001:db8::1 ip6:2001:db8::2 include:esp.example -all"),
        (["v=spf1 ip6:2001:db8::1 -all"], "v=spf1 ip6:2001:db8::2 ip6:2001:db8::1 -all"),
        ([], "v=spf1 ip6:2001:db8::1 ip6:2001:db8::2 ~all"),
    ],
)
def test_addresses_of_ipv6_come_into_the_one_policy(texts: list[str], text: str) -> None:
    one = found(_six(*texts), ips=_SIX, selectors=())
    assert one["IP-05"].publish == f'{DOMAIN}. IN TXT "{text}"'
    assert one["SPF-01" if not texts else "SPF-11"].publish == one["IP-05"].publish


def test_a_policy_that_cannot_be_read_is_not_for_this_check_to_mend() -> None:
    one = found(_six("v=spf1 foo -all"), ips=_SIX, selectors=())["IP-05"]
    assert (one.level, one.publish) == ("fail", None)


@pytest.mark.parametrize("key", ["v=DKIM1; p=", "v=DKIM1; k=rsa; p=AAAA", "something else"])
def test_a_revoked_key_authenticates_nothing(key: str) -> None:
    zone = {**_six("v=spf1 -all"), KEY_NAME: [{"TXT": key}]}
    assert found(zone, ips=_SIX, selectors=("s1",))["IP-05"].level == "fail"
    zone[KEY_NAME] = healthy()[KEY_NAME]
    assert found(zone, ips=_SIX, selectors=("s1",))["IP-05"].level == "info"
