"""What is to be published instead of an SPF record, word by word."""

from ipaddress import ip_address
from typing import Any

import pytest

from postroad.doctor.remedy import read_line
from tests.doctor.examined import examine, faults, subject
from tests.doctor.sick import SICK
from tests.doctor.zones import DOMAIN, healthy, publish, with_spf

_HERE = (ip_address("192.0.2.1"),)


def remedy(id_: str, *texts: str, ips: tuple[Any, ...] = (), **given: Any) -> str | None:
    """The text of the record that this finding has for the domain."""
    line = examine(with_spf(*texts), subject(ips=ips, **given))[id_].publish
    record = read_line(line) if line is not None else None
    return record.text if record is not None else None


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("v=spf1 ip4:192.0.2.10/33 -all", "v=spf1 ip4:192.0.2.10 -all"),
        ("v=spf1 ipv4:192.0.2.0/24 -all", "v=spf1 ip4:192.0.2.0/24 -all"),
        ("v=spf1 ip4:2001:db8::/32 -all", "v=spf1 ip6:2001:db8::/32 -all"),
        ("v=spf1 ip4: 192.0.2.1 - all", "v=spf1 ip4:192.0.2.1 -all"),
        ("v=spf1 inlcude:esp.example -all", "v=spf1 include:esp.example -all"),
        ("v=spf1 ip4:192.0.2.1; include:esp.example; -all;", "v=spf1 ip4:192.0.2.1 include:esp.example -all"),
        ("v=spf1 ip4:192.0.2.1 -al", "v=spf1 ip4:192.0.2.1 -all"),
        ("v=spf1 ip4:192.0.2.1 ~alll", "v=spf1 ip4:192.0.2.1 ~all"),
        ("v=spf1 ip4:192.0.2.1 all.", "v=spf1 ip4:192.0.2.1 ~all"),
        ("v=spf1 ip4:192.0.2.1 foo:bar", "v=spf1 ip4:192.0.2.1 ~all"),
        ("v=spf1 IP4=192.0.2.1 include=esp.example -all", "v=spf1 IP4:192.0.2.1 include:esp.example -all"),
        ("v=spf1 redirect:esp.example", "v=spf1 redirect=esp.example"),
        ("v=spf1 redirect=esp.example redirect=two.example", "v=spf1 redirect=esp.example"),
        ("v=spf1 ip4:192.0.2.1 -all redirect:esp.example", "v=spf1 ip4:192.0.2.1 -all"),
        ("v=spf1 foo -all", "v=spf1 mx ~all"),
    ],
)
def test_slips_are_put_right(text: str, mended: str) -> None:
    assert remedy("SPF-02", text) == mended


@pytest.mark.parametrize(
    ("id_", "texts"),
    [
        ("SPF-01", ["v=spf1 ip4:192.0.2.1 -all", "v=spf1 a -all"]),
        ("SPF-02", ["v=spf1 ip4:192.0.2.1 foo -all"]),
        ("SPF-06", ["v=spf1 ip4:192.0.2.1 ?all"]),
        ("SPF-07", ["v=spf1 ip4:192.0.2.1 ptr -all"]),
        ("SPF-11", ["v=spf1 ip4:192.0.2.2 -all"]),
    ],
)
def test_beside_an_alias_nothing_can_be_published(id_: str, texts: list[str]) -> None:
    zone: dict[str, list[Any]] = {**healthy(), "bounce.acme.example": [{"CNAME": "u1.relay.example"}]}
    zone["u1.relay.example"] = [{"MX": [10, "mx.acme.example"]}, *({"TXT": text} for text in texts)]
    found = examine(zone, subject(mail_from="bounce.acme.example", ips=_HERE))[id_]
    assert found.level in ("warn", "fail")
    assert found.publish is None


@pytest.mark.parametrize(
    "text",
    [
        " v=spf1 include:esp.example -all",
        '"v=spf1 include:esp.example -all"',
        "v=spf1; include:esp.example; -all",
        "V = SPF1 include:esp.example -all",
        "v=spf1, include:esp.example, -all",
    ],
)
def test_a_version_with_a_slip_keeps_who_may_send(text: str) -> None:
    assert remedy("SPF-01", text) == "v=spf1 include:esp.example -all"


def test_a_mechanism_that_is_passed_over_is_told() -> None:
    found = examine(with_spf("v=spf1 a mx=mail.acme.example v1=x -all"), subject(ips=()))["SPF-02"]
    assert (found.level, found.seen) == (
        "warn", "acme.example: receivers pass over mx=mail.acme.example; a colon belongs there",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "one"),
    [
        (["v=spf1 redirect=esp.example", "v=spf1 mx -all"], "v=spf1 include:esp.example mx ~all"),
        (["v=spf1 mx -all redirect=esp.example", "v=spf1 a -all"], "v=spf1 mx a -all"),
        (["v=spf1 redirect=acme.example", "v=spf1 mx -all"], "v=spf1 mx ~all"),
        (
            ["v=spf1 include:esp.the-all -all", "v=spf1 include:the.mall -all"],
            "v=spf1 include:esp.the-all include:the.mall -all",
        ),
        (["v=spf1 mx ?all", "v=spf1 a -all"], "v=spf1 mx a ~all"),
        (["v=spf1 mx", "v=spf1 a -ALL"], "v=spf1 mx a ~all"),
        (["v=spf1 mx -all", "v=spf1 a -ALL"], "v=spf1 mx a -all"),
        (["v=spf1 mx exp=a.example -all", "v=spf1 exp=b.example -all"], "v=spf1 mx exp=a.example -all"),
        (["v=spf1 -all", "v=spf1 -all"], "v=spf1 -all"),
        (["v=spf1 foo -all", "v=spf1 -all"], "v=spf1 mx ~all"),
    ],
)
def test_two_records_become_one_that_allows_what_either_did(texts: list[str], one: str) -> None:
    assert remedy("SPF-01", *texts) == one


def test_an_address_that_was_behind_what_is_taken_away_stands_in_front() -> None:
    assert remedy("SPF-08", "v=spf1 include:gone.example -all", ips=_HERE) == "v=spf1 ip4:192.0.2.1 -all"
    kept = "v=spf1 ip4:192.0.2.0/24 include:gone.example -all"
    assert remedy("SPF-08", kept, ips=_HERE) == "v=spf1 ip4:192.0.2.0/24 -all"  # it is in there already


def test_who_sends_no_mail_keeps_refusing_all() -> None:
    assert remedy("SPF-08", "v=spf1 include:gone.example -all", parked=True) == "v=spf1 -all"


def test_where_nobody_knows_who_sends_nothing_is_guessed() -> None:
    zone = with_spf("v=spf1 include:gone.example -all")
    zone[DOMAIN] = [one for one in zone[DOMAIN] if "MX" not in one]
    found = examine(zone, subject(ips=()))["SPF-08"]
    assert (found.level, found.publish) == ("fail", None)


_OF_SPF = [pytest.param(case, id=name) for name, case in SICK.items() if case.id.startswith("SPF-") and case.remedy]


@pytest.mark.parametrize("case", _OF_SPF)
def test_no_remedy_shuts_out_who_sends(case: Any) -> None:
    lines = examine(case.zone, case.subject())[case.id].publish
    assert lines is not None
    mended = examine(publish(case.zone, lines), case.subject())
    assert "SPF-11" not in faults(mended)
    for text in [one["TXT"] for one in publish(case.zone, lines)[DOMAIN] if "TXT" in one]:
        assert text != "v=spf1 -all"
