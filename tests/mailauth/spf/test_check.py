"""Checks: results, what they tell, and that nobody can make them fail or run for long."""

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.lookup import Answer, Mx, RecordType, Status
from postroad.mailauth.spf.check import MAX_STEPS, check
from postroad.mailauth.spf.questions import Limits
from postroad.mailauth.spf.verdict import Identity, Outcome, Result, SpfVerdict
from postroad.net.dns.zone import Zone
from postroad.testing import FakeDns
from tests.fakes import FakeClock

ACME: Mapping[str, object] = {
    "acme.example": [
        {"TXT": "v=spf1 include:_spf.acme.example mx -all exp=why.acme.example"},
        {"TXT": "other"},
        {"MX": [10, "mail.acme.example"]},
    ],
    "_spf.acme.example": [{"TXT": "v=spf1 ip4:192.0.2.0/24 -all exp=wrong.acme.example"}],
    "mail.acme.example": [{"A": "198.51.100.7"}, {"AAAA": "2001:db8::7"}, {"TXT": "v=spf1 a -all"}],
    "why.acme.example": [{"TXT": "%{i} sends as %{S} to %{r} at %{t}: see %{d}"}],
    "alias.example": [{"TXT": "v=spf1 redirect=acme.example exp=wrong.acme.example"}],
}


def checked(
    zone: Mapping[str, object] | Zone, ip: str = "203.0.113.9", mail_from: str = "ann@acme.example",
    helo: str = "mail.acme.example", **how: Any,
) -> SpfVerdict:  # fmt: skip
    resolver = zone if isinstance(zone, Zone) else Zone(zone)
    return asyncio.run(check(ip_address(ip), helo, mail_from, resolver, **how))


@pytest.mark.parametrize(
    ("ip", "result", "mechanism", "lookups"),
    [
        ("192.0.2.9", Result.PASS, "include:_spf.acme.example", 1),
        ("::ffff:192.0.2.9", Result.PASS, "include:_spf.acme.example", 1),
        ("198.51.100.7", Result.PASS, "mx", 2),
        ("2001:db8::7", Result.PASS, "mx", 2),
        ("203.0.113.9", Result.FAIL, "-all", 2),
        ("fe80::1%eth0", Result.FAIL, "-all", 2),
    ],
)
def test_a_verdict_names_what_decided(ip: str, result: Result, mechanism: str, lookups: int) -> None:
    verdict = checked(ACME, ip)
    assert (verdict.result, verdict.mechanism, verdict.lookups) == (result, mechanism, lookups)
    assert (verdict.identity, verdict.domain) == (Identity.MAIL_FROM, "acme.example")


@pytest.mark.parametrize("helo", ["mail.\r\n250 ok", "mä il", "mail\x1b[2J"])
def test_an_explanation_is_what_a_reply_can_hold(helo: str) -> None:  # RFC 7208 §6.2
    zone = {**ACME, "why.acme.example": [{"TXT": "%{h} may not"}]}
    assert checked(zone).explanation == "mail.acme.example may not"
    assert checked(zone, helo=helo).explanation is None


def test_who_fails_is_told_why() -> None:
    clock = FakeClock()
    verdict = checked(ACME, receiver="mx.b.example", clock=clock, mail_from='"a b"@acme.example')
    assert verdict.explanation == (
        f"203.0.113.9 sends as %22a%20b%22%40acme.example to mx.b.example at {int(clock.at)}: see acme.example"
    )
    assert checked(ACME, "192.0.2.9").explanation is None
    # A redirect takes the explanation of where it leads (RFC 7208 §6.2).
    assert str(checked(ACME, mail_from="a@alias.example").explanation).endswith("see acme.example")


def test_every_term_leaves_a_step() -> None:
    steps = [(step.depth, step.domain, step.term.split()[0], step.outcome) for step in checked(ACME).trace]
    assert steps == [
        (0, "acme.example", "v=spf1", Outcome.RECORD),
        (1, "_spf.acme.example", "v=spf1", Outcome.RECORD),
        (1, "_spf.acme.example", "ip4:192.0.2.0/24", Outcome.NO_MATCH),
        (1, "_spf.acme.example", "-all", Outcome.MATCH),
        (0, "acme.example", "include:_spf.acme.example", Outcome.NO_MATCH),
        (0, "acme.example", "mx", Outcome.NO_MATCH),
        (0, "acme.example", "-all", Outcome.MATCH),
    ]
    mx = checked(ACME).trace[5]
    assert [(one.kind, one.name) for one in mx.answers] == [
        (RecordType.MX, "acme.example"),
        (RecordType.A, "mail.acme.example"),
    ]


@pytest.mark.parametrize(
    ("mail_from", "helo", "domain", "identity"),
    [
        ("", "mail.acme.example", "mail.acme.example", Identity.HELO),
        ("<>", "mail.acme.example.", "mail.acme.example", Identity.HELO),
        ("<ann@acme.example>", "x", "acme.example", Identity.MAIL_FROM),
        ("acme.example", "x", "acme.example", Identity.MAIL_FROM),
        ('"a@b"@acme.example', "x", "acme.example", Identity.MAIL_FROM),
        ("@acme.example.", "x", "acme.example", Identity.MAIL_FROM),
    ],
)
def test_whose_policy_is_asked(mail_from: str, helo: str, domain: str, identity: Identity) -> None:
    verdict = checked(ACME, mail_from=mail_from, helo=helo)
    assert (verdict.domain, verdict.identity, verdict.result) == (domain, identity, Result.FAIL)


@pytest.mark.parametrize(
    "mail_from",
    [
        "a@localhost",
        "a@[192.0.2.1]",
        "a@b..example",
        f"a@{'b' * 64}.example",
        "a@nowhere.example",
        "a@",
        "a@\udc80.example",
        "a@why.acme.example",
    ],
)
def test_without_a_policy_there_is_none(mail_from: str) -> None:
    verdict = checked(ACME, mail_from=mail_from)
    assert verdict.result is Result.NONE
    assert verdict.reason


def test_international_senders() -> None:
    zone = Zone(
        {
            "xn--bcher-kva.example": [
                {"TXT": "v=spf1 exists:%{l}.l.example exists:%{o}.o.example -all exp=why.example"}
            ],
            "xn--bcher-kva.example.o.example": [{"A": "127.0.0.2"}],
            "only.example": [{"TXT": "v=spf1 -exists:%{l}.l.example include:%{s}.x.example +all"}],
        }
    )
    # RFC 8616 §4: U-labels become A-labels; a term with a local part of other letters matches nothing.
    assert checked(zone, mail_from="jörg@bücher.example").mechanism == "exists:%{o}.o.example"
    assert checked(zone, mail_from="jörg@only.example").mechanism == "+all"


def test_a_temporary_failure_is_no_verdict() -> None:
    zone = Zone(
        {
            "slow.example": ["TIMEOUT"],
            "broken.example": ["SERVFAIL"],
            **{f"{name}.example": [{"TXT": f"v=spf1 {term}:slow.example -all"}] for name, term in
               (("a", "a"), ("mx", "mx"), ("exists", "exists"), ("include", "include"))},
            "mxhost.example": [{"TXT": "v=spf1 mx -all"}, {"MX": [1, "broken.example"]}],
            "redirect.example": [{"TXT": "v=spf1 redirect=broken.example"}],
            "ptr.example": [{"TXT": "v=spf1 ptr -all"}],
            "9.113.0.203.in-addr.arpa": ["TIMEOUT"],
        }
    )  # fmt: skip
    for name in ("slow", "broken", "a", "mx", "exists", "include", "mxhost", "redirect"):
        verdict = checked(zone, mail_from=f"x@{name}.example")
        assert verdict.result is Result.TEMPERROR, name
        assert "in time" in verdict.reason or "failed" in verdict.reason
    assert checked(zone, mail_from="x@ptr.example").result is Result.FAIL  # RFC 7208 §5.5


def test_limits_may_be_others() -> None:
    zone = Zone({"acme.example": [{"TXT": "v=spf1 a:x.a.example a:y.a.example a:z.a.example -all"}]})
    assert checked(zone).result is Result.PERMERROR
    assert checked(zone, limits=Limits(void_lookups=3)).result is Result.FAIL
    assert checked(zone, limits=Limits(lookups=1)).reason.startswith("more than 1 terms")


def test_the_whole_check_has_its_time() -> None:
    clock = FakeClock()

    class Slow(FakeDns):
        async def lookup(self, name: str, kind: RecordType) -> Answer:
            clock.at += 6
            return await super().lookup(name, kind)

    slow = Slow({"acme.example": [{"TXT": "v=spf1 a a a a a a -all"}, {"A": "192.0.2.1"}]})
    verdict = checked(slow, clock=clock)
    assert verdict.result is Result.TEMPERROR
    assert "20 s" in verdict.reason
    assert len(slow.asked) == 4


MANY = 10_000
HOSTILE: Mapping[str, Mapping[str, object]] = {
    "a loop": {"acme.example": [{"TXT": "v=spf1 include:acme.example"}]},
    "a redirect loop": {"acme.example": [{"TXT": "v=spf1 redirect=%{d}"}]},
    "a tree": {"acme.example": [{"TXT": "v=spf1 " + "include:acme.example " * 4000}]},
    "many policies": {"acme.example": [{"TXT": "v=spf1 -all"}] * MANY},
    "many texts": {"acme.example": [{"TXT": "x" * 1000}] * MANY},
    "a huge text": {"acme.example": [{"TXT": "v=spf1 " + "ip4:192.0.2.1 " * 500_000}]},
    "a long policy": {"acme.example": [{"TXT": "v=spf1 " + "ip4:192.0.2.1 " * 4600}]},
    "many addresses": {"acme.example": [{"TXT": "v=spf1 " + "a " * 10}, *[{"A": "192.0.2.1"}] * MANY]},
    "many exchanges": {"acme.example": [{"TXT": "v=spf1 mx"}, *[{"MX": [1, "acme.example"]}] * MANY]},
    "many names": {
        "acme.example": [{"TXT": "v=spf1 " + "ptr:b.example " * 10}],
        "9.113.0.203.in-addr.arpa": [{"PTR": f"a{number}.example"} for number in range(MANY)],
    },
    "many aliases": {
        "acme.example": [{"CNAME": "a0.example"}],
        **{f"a{number}.example": [{"CNAME": f"a{number + 1}.example"}] for number in range(MANY)},
    },
    "aliases in a ring": {"acme.example": [{"TXT": "v=spf1 a:b.example"}], "b.example": [{"CNAME": "b.example"}]},
    "many macros": {"acme.example": [{"TXT": "v=spf1 exists:" + "%{sr-+,/_=.}" * 5000}]},
    "a long explanation": {
        "acme.example": [{"TXT": "v=spf1 -all exp=why.example"}],
        "why.example": [{"TXT": "%{s}%{S}%{p}" * 5000}],
    },
    "a long label": {"acme.example": [{"TXT": "v=spf1 a:x." + "a" * 65_000 + "!"}]},
    "many slashes": {"acme.example": [{"TXT": "v=spf1 a:x" + "/1" * 32_000 + "."}]},
    "many percents": {"acme.example": [{"TXT": "v=spf1 a:" + "%{d1" * 16_000}]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zone_ends_within_its_budget(name: str) -> None:
    dns = FakeDns(HOSTILE[name])
    verdict = checked(dns, mail_from=f"{'-.' * 5000}@acme.example")
    assert isinstance(verdict.result, Result)
    assert len(dns.asked) <= 10 * 11 + 22
    assert len(verdict.trace) <= MAX_STEPS + 20


class Anything:
    """A resolver whose answers are of any kind and content."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        assert name.isascii()
        status = self._data.draw(st.sampled_from(list(Status)))
        records = self._data.draw(st.lists(RECORDS, max_size=12)) if status is Status.FOUND else []
        return Answer(name, kind, status, tuple(records))


TERMS = st.sampled_from(
    [
        "a",
        "mx",
        "ptr",
        "all",
        "-all",
        "~all",
        "include:%{d}",
        "include:b.example",
        "exists:%{ir}.%{v}.x.example",
        "a//0",
        "exists:%{l1r-}.%{p}",
        "a:%{H}",
        "redirect=c.example",
        "exp=%{o}",
        "mx:%{S}/0//0",
        "ip4:0.0.0.0/0",
        "ip6:::/0",
        "x=y",
        "ptr:%{h}",
        "%",
        "moo",
        "include:%{l}%{s}%{h}",
    ]
)
POLICY = st.lists(TERMS, max_size=8).map(lambda terms: " ".join(["v=spf1", *terms]).encode())
NAME = st.one_of(st.sampled_from(["a.example", "mx.acme.example", "", "..", "\\046", "x" * 300]), st.text(max_size=20))
RECORDS = st.one_of(
    POLICY, POLICY, st.binary(max_size=40), st.binary(max_size=40).map(b"v=spf1 ".__add__), NAME, st.ip_addresses(),
    st.builds(Mx, st.integers(0, 65535), NAME), st.sampled_from([b"%{p}%{t}%{C}", b"%", b"see %{l}"]),
)  # fmt: skip


@given(
    st.data(),
    st.ip_addresses(),
    st.text(max_size=30),
    st.one_of(st.text(max_size=30), st.text(max_size=20).map(lambda local: f"{local}@acme.example")),
)
def test_nothing_that_strangers_say_raises(data: st.DataObject, ip: Any, helo: str, mail_from: str) -> None:
    verdict = asyncio.run(check(ip, helo, mail_from, Anything(data)))
    assert isinstance(verdict.result, Result)
    assert verdict.lookups <= 11
    assert (verdict.mechanism is None) or verdict.result not in (Result.NONE, Result.TEMPERROR, Result.PERMERROR)
