"""Verdicts: discovery, alignment and policy together (RFC 9989 §4.4, §4.10.1, §5.3)."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mailauth.dmarc.alignment import Identifier, Mechanism
from postroad.mailauth.dmarc.author import MAX_AUTHOR_DOMAINS, evaluate_from
from postroad.mailauth.dmarc.evaluate import MAX_IDENTIFIERS, DmarcOutcome, DmarcResult, evaluate
from postroad.mailauth.dmarc.record import Policy
from postroad.testing.fake_dns import FakeDns

Zone = dict[str, object]
PASS, FAIL, NONE, PERMERROR, TEMPERROR = DmarcOutcome


def records(*pairs: tuple[str, str]) -> Zone:
    return {f"_dmarc.{domain}": [text if text in ("TIMEOUT", "SERVFAIL") else {"TXT": text}] for domain, text in pairs}


def spf(domain: str, result: str = "pass") -> Identifier:
    return Identifier(Mechanism.SPF, domain, result)


def dkim(domain: str, result: str = "pass") -> Identifier:
    return Identifier(Mechanism.DKIM, domain, result)


def judged(author: str, zone: Zone, *identifiers: Identifier) -> DmarcResult:
    return asyncio.run(evaluate(author, identifiers, FakeDns(zone)))


RELAXED = records(("example.com", "v=DMARC1; p=reject"))
STRICT = records(
    ("example.com", "v=DMARC1; p=reject; adkim=s; aspf=s"), ("news.example.com", "v=DMARC1; p=reject; adkim=s; aspf=s")
)


@pytest.mark.parametrize(
    ("author", "zone", "identifiers", "outcome"),
    [
        # The table of §4.4.
        ("news.example.com", RELAXED, [dkim("foo.example.com")], PASS),
        ("news.example.com", RELAXED, [dkim("news.example.com")], PASS),
        ("news.example.com", RELAXED, [dkim("foo.example.net")], FAIL),
        ("news.example.com", STRICT, [dkim("foo.example.com")], FAIL),
        ("news.example.com", STRICT, [spf("example.com")], FAIL),
        ("news.example.com", STRICT, [dkim("NEWS.Example.Com.")], PASS),
        # Either mechanism is enough, any signature (§4.4.1, §5.3.5).
        ("example.com", RELAXED, [spf("bounces.example.com")], PASS),
        ("example.com", RELAXED, [spf("example.net"), dkim("example.com")], PASS),
        ("example.com", RELAXED, [dkim("example.net"), dkim("mail.example.com")], PASS),
        # Only pass authenticates.
        ("example.com", RELAXED, [], FAIL),
        ("example.com", RELAXED, [spf("example.com", "softfail"), dkim("example.com", "fail")], FAIL),
        ("example.com", RELAXED, [spf("example.com", "neutral"), dkim("example.com", "permerror")], FAIL),
        # Names that only look alike.
        ("example.com", RELAXED, [dkim("notexample.com"), dkim("com"), dkim("")], FAIL),
        # A subdomain that is an organization of its own.
        ("example.com", RELAXED | records(("x.example.com", "v=DMARC1; psd=n")), [dkim("a.x.example.com")], FAIL),
        # Both below a public suffix.
        ("a.gov.example", records(("gov.example", "v=DMARC1; p=reject; psd=y")), [dkim("b.gov.example")], FAIL),
        ("m.a.gov.example", records(("gov.example", "v=DMARC1; p=reject; psd=y")), [dkim("a.gov.example")], PASS),
        # No record, nothing to fail (§4.10.1).
        ("example.com", {}, [dkim("example.com")], NONE),
        ("example.com", records(("example.com", "v=DMARC1")), [dkim("example.com")], NONE),
        ("example.com", records(("example.com", "v=DMARC1; p=what")), [dkim("example.com")], PERMERROR),
        ("example.com", {"_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}] * 2}, [], NONE),
        ("bad name", {}, [], PERMERROR),
        ("", {}, [], PERMERROR),
    ],
)
def test_outcomes(author: str, zone: Zone, identifiers: list[Identifier], outcome: DmarcOutcome) -> None:
    result = judged(author, zone, *identifiers)
    assert result.outcome is outcome, result.reason
    assert result.disposition is (Policy.REJECT if outcome is FAIL else Policy.NONE)


@pytest.mark.parametrize(
    ("zone", "tag", "where", "policy"),
    [
        (
            [("a.example.com", "v=DMARC1; p=quarantine; sp=reject"), ("example.com", "v=DMARC1; p=reject")],
            "p",
            "a.example.com",
            "quarantine",
        ),
        ([("example.com", "v=DMARC1; p=reject")], "p", "example.com", "reject"),
        ([("example.com", "v=DMARC1; p=reject; sp=none")], "sp", "example.com", "none"),
        ([("example.com", "v=DMARC1; p=none; np=reject")], "p", "example.com", "none"),
        # The organization's before the public suffix's, which must be content with those that say nothing.
        ([("example.com", "v=DMARC1; p=none"), ("com", "v=DMARC1; p=reject; psd=y")], "p", "example.com", "none"),
        ([("com", "v=DMARC1; p=none; sp=quarantine; psd=y")], "sp", "com", "quarantine"),
        # Without p, and reports asked for (§4.10.1).
        ([("example.com", "v=DMARC1; sp=reject; rua=mailto:r@example.com")], "sp", "example.com", "none"),
        # Testing: one level down (§4.7).
        ([("example.com", "v=DMARC1; p=reject; t=y")], "p", "example.com", "quarantine"),
        ([("example.com", "v=DMARC1; p=reject; sp=quarantine; t=y")], "sp", "example.com", "none"),
        ([("example.com", "v=DMARC1; p=none; t=y")], "p", "example.com", "none"),
        ([("example.com", "v=DMARC1; p=reject; pct=0")], "p", "example.com", "reject"),
    ],
)
def test_policies(zone: list[tuple[str, str]], tag: str, where: str, policy: str) -> None:
    result = judged("a.example.com", records(*zone) | {"a.example.com": [{"A": "192.0.2.1"}]})
    assert result.outcome is FAIL
    assert (result.tag, result.policy_domain, result.disposition, result.policy) == (tag, where, policy, policy)


@pytest.mark.parametrize(
    ("there", "tag", "policy"),
    [([{"MX": [0, "mx.example.com"]}], "sp", "none"), (None, "np", "reject")],
)
def test_np_is_for_names_that_do_not_exist(there: object, tag: str, policy: str) -> None:  # §3.2.13
    zone = records(("example.com", "v=DMARC1; p=quarantine; sp=none; np=reject"))
    result = judged("a.example.com", zone | ({"a.example.com": there} if there else {}))
    assert (result.tag, result.disposition) == (tag, policy)


def test_a_name_with_names_below_it_exists() -> None:  # RFC 8020
    zone = records(("example.com", "v=DMARC1; p=none; np=reject")) | {"x.a.example.com": [{"A": "192.0.2.1"}]}
    assert judged("a.example.com", zone).disposition is Policy.NONE


def test_a_message_that_passes_keeps_its_policy_for_the_record() -> None:  # §9.1, policy.dmarc
    result = judged("example.com", records(("example.com", "v=DMARC1; p=reject; t=y")), dkim("example.com"))
    assert (result.outcome, result.disposition, result.policy, result.published) == (
        PASS,
        "none",
        "quarantine",
        "reject",
    )


@pytest.mark.parametrize("failure", ["TIMEOUT", "SERVFAIL"])
@pytest.mark.parametrize(
    ("zone", "identifiers", "outcome"),
    [
        ([("example.com", "FAILS")], [dkim("example.com")], TEMPERROR),
        ([("a.example.com", "FAILS"), ("example.com", "v=DMARC1; p=reject")], [], TEMPERROR),
        ([("com", "FAILS"), ("example.com", "v=DMARC1; p=reject")], [], TEMPERROR),
        # What is proved without the answer is proved.
        ([("a.example.com", "v=DMARC1; p=reject"), ("example.com", "FAILS")], [dkim("a.example.com")], PASS),
        ([("a.example.com", "v=DMARC1; p=reject"), ("example.com", "FAILS")], [dkim("example.com")], TEMPERROR),
        ([("a.example.com", "v=DMARC1; p=reject"), ("example.com", "FAILS")], [dkim("other.test")], FAIL),
        # Another identifier's organization cannot be found out.
        ([("example.com", "v=DMARC1; p=reject"), ("x.example.com", "FAILS")], [dkim("x.example.com")], TEMPERROR),
        (
            [("example.com", "v=DMARC1; p=reject"), ("x.example.com", "FAILS")],
            [dkim("x.example.com"), spf("example.com")],
            PASS,
        ),
    ],
)
def test_without_an_answer_there_is_no_verdict(
    failure: str, zone: list[tuple[str, str]], identifiers: list[Identifier], outcome: DmarcOutcome
) -> None:  # §5.3.6
    failing = [(domain, failure if text == "FAILS" else text) for domain, text in zone]
    result = judged("a.example.com", records(*failing), *identifiers)
    assert result.outcome is outcome
    assert result.reason
    assert result.disposition is (Policy.REJECT if outcome is FAIL else Policy.NONE)


@pytest.mark.parametrize(
    ("identifiers", "outcome"),
    [
        ([dkim("example.com", "temperror")], TEMPERROR),
        ([dkim("example.com", "temperror"), spf("example.com")], PASS),
        ([dkim("example.net", "temperror")], FAIL),
        ([spf("b.example.com", "temperror"), dkim("example.net")], TEMPERROR),
    ],
)
def test_an_identifier_without_a_result_may_still_pass_later(
    identifiers: list[Identifier], outcome: DmarcOutcome
) -> None:
    assert judged("example.com", RELAXED, *identifiers).outcome is outcome


def test_whether_a_name_exists_must_be_known_before_np_is_applied() -> None:
    zone = records(("example.com", "v=DMARC1; p=none; np=reject")) | {"a.example.com": ["TIMEOUT"]}
    assert judged("a.example.com", zone).outcome is TEMPERROR
    assert judged("a.example.com", zone, dkim("example.com")).outcome is PASS


def test_international_domains_are_compared_in_a_labels() -> None:  # §5.3.1
    zone = records(("xn--bcher-kva.example", "v=DMARC1; p=reject"))
    assert judged("Bücher.example", zone, dkim("xn--bcher-kva.example")).outcome is PASS
    assert judged("xn--bcher-kva.example", zone, dkim("mail.bücher.example")).outcome is PASS


def test_an_aligned_pass_costs_one_query() -> None:
    dns = FakeDns(RELAXED)
    others = [dkim(f"s{number}.example.com") for number in range(5)]
    result = asyncio.run(evaluate("example.com", [*others, spf("example.com")], dns))
    assert result.outcome is PASS
    assert result.alignments[0].identifier == spf("example.com")


def test_many_signatures_cost_no_more_than_a_few_walks() -> None:
    dns = FakeDns(RELAXED)
    many = [dkim(f"{number}.a.b.c.d.e.f.g.h.i.example.com") for number in range(1000)]
    result = asyncio.run(evaluate("x.a.b.c.d.e.f.g.h.j.example.com", many, dns))
    assert len(result.alignments) == MAX_IDENTIFIERS
    assert len(dns.asked) <= 8 + MAX_IDENTIFIERS + 8


LOOP: Zone = {
    "_dmarc.example.com": [{"CNAME": "_dmarc.a.example.com"}],
    "_dmarc.a.example.com": [{"CNAME": "_dmarc.example.com"}],
}
CHAIN: Zone = {f"_dmarc.{n}.example.com": [{"CNAME": f"_dmarc.{n + 1}.example.com"}] for n in range(1_000)}


@pytest.mark.parametrize(
    ("zone", "outcome"),
    [
        pytest.param({"_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}] * 10_000}, NONE, id="many records"),
        pytest.param({"_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject" + ";" * 60_000}]}, PASS, id="long record"),
        pytest.param({"_dmarc.example.com": [{"TXT": ["x" * 255] * 1_000}]}, NONE, id="many strings"),
        pytest.param(LOOP, TEMPERROR, id="loop"),
        pytest.param(CHAIN | {"_dmarc.example.com": [{"CNAME": "_dmarc.0.example.com"}]}, TEMPERROR, id="long chain"),
    ],
)
def test_hostile_zones_cost_few_questions(zone: Zone, outcome: DmarcOutcome) -> None:
    dns = FakeDns(zone)
    result = asyncio.run(evaluate("a.b.c.d.e.f.g.h.i.j.example.com", [dkim("evil.example.com")], dns))
    assert result.outcome is outcome
    assert len(dns.asked) <= 9 + 8


# ── the From field ────────────────────────────────────────────────────────────────────────────────────────────────────

BOTH = records(("example.com", "v=DMARC1; p=quarantine"), ("example.net", "v=DMARC1; p=reject"))


@pytest.mark.parametrize(
    ("fields", "identifiers", "outcome", "disposition"),
    [
        (["Ann <ann@example.com>"], [dkim("example.com")], PASS, "none"),
        (["Ann <ann@example.com>, bob@EXAMPLE.com"], [dkim("example.com")], PASS, "none"),
        (["ann@example.com"], [], FAIL, "quarantine"),
        # Several domains: each is judged, and the strictest policy of those that fail applies (§11.5).
        (["ann@example.com, bob@example.net"], [dkim("example.com")], FAIL, "reject"),
        (["ann@example.com, bob@example.net"], [], FAIL, "reject"),
        (["ann@example.com, bob@example.net"], [dkim("example.com"), dkim("example.net")], PASS, "none"),
        (["eve@evil.example, bob@example.net"], [dkim("evil.example"), dkim("example.net")], NONE, "none"),
        (["Authors: ann@example.com;"], [dkim("example.com")], PASS, "none"),
        (['"bob@example.net" <ann@example.com>'], [dkim("example.com")], PASS, "none"),
        # No single author (§4.4, §5.3.1).
        ([], [dkim("example.com")], PERMERROR, "none"),
        (["ann@example.com", "ann@example.com"], [dkim("example.com")], PERMERROR, "none"),
        (["nobody:;"], [dkim("example.com")], PERMERROR, "none"),
        (["ann"], [dkim("example.com")], PERMERROR, "none"),
        (["ann@example.com(x)evil.example"], [dkim("example.com")], PERMERROR, "none"),
        ([", ".join(f"a@d{n}.example" for n in range(MAX_AUTHOR_DOMAINS + 1))], [], PERMERROR, "none"),
        # None of that switches off a policy that is known to fail.
        (["ann@example.com <bob@example.net> <eve@evil.example>"], [], FAIL, "reject"),
        (["eve@evil.example", "bob@example.net"], [dkim("evil.example")], FAIL, "reject"),
        (["bob@example.net" + "".join(f", a@d{n}.example" for n in range(MAX_AUTHOR_DOMAINS))], [], FAIL, "reject"),
        (["bob@example.net, eve@evil.example(x)y"], [dkim("evil.example")], FAIL, "reject"),
        (["bob@example.net\x00.evil.example"], [dkim("evil.example")], FAIL, "reject"),
        (["bob@evil.example\rx"], [dkim("evil.example")], PERMERROR, "none"),
    ],
)
def test_authors(fields: list[str], identifiers: list[Identifier], outcome: DmarcOutcome, disposition: str) -> None:
    result = asyncio.run(evaluate_from(fields, identifiers, FakeDns(BOTH)))
    assert (result.outcome, result.disposition) == (outcome, disposition), result.reason


@pytest.mark.parametrize(
    "sender",
    [
        "CEO <ceo@pay_roll.example.net>",
        "ceo@-x.example.net",
        "ceo@x\u200b.\u3002.example.net",
        "ceo@example.net.",
        "ceo.@example.net",
        ".a@example.net",
        "a..b@example.net",
        "x" * 65 + "@example.net",
        "<@relay.example:a@example.net>",
        "<@relay.example,@other.example:a@example.net>",
        "a @ example.net",
        "Ann <a@example . net>",
        "a(c)@example.net",
        "Ann <a@example.net(c)>",
        "Ann <a@example.net>, broken",
        "Smith, Ann <a@example.net>",
        "Ann (x <a@example.net>",
        "Ann <a@example.net",
        'Ann "the\\"" Smith <a@example.net>',
        '=?utf-8?q?"?= Ann <a@example.net>, "Bob" <bob@example.net>',
    ],
)
def test_only_the_domain_of_an_author_counts(sender: str) -> None:  # §5.3.1
    spoofed = asyncio.run(evaluate_from([sender], [dkim("evil.example")], FakeDns(BOTH)))
    assert (spoofed.outcome, spoofed.disposition) == (FAIL, "reject"), spoofed.reason
    own = asyncio.run(evaluate_from([sender], [dkim("example.net")], FakeDns(BOTH)))
    assert own.outcome is PASS, own.reason


@pytest.mark.parametrize("piece", ["(", "@", "a@b.", "<", '"', "=?", "\\", "(a)", ", a@b.c", " .", ":", "ü."])
def test_a_long_from_is_read_in_time_that_grows_with_it(piece: str) -> None:
    field = "a@b.example " + piece * 20_000
    dns = FakeDns(BOTH)
    assert asyncio.run(evaluate_from([field], [], dns)).outcome in DmarcOutcome
    assert len(dns.asked) <= 9 * MAX_AUTHOR_DOMAINS


# ── whatever a stranger says ──────────────────────────────────────────────────────────────────────────────────────────

NAMES = st.lists(st.sampled_from(["a", "b", "example", "com", "x" * 63, "x" * 64, "", "-", "_", "é"]), max_size=10).map(
    ".".join
)
TEXTS = st.sampled_from(
    [
        "v=DMARC1",
        "v=DMARC1; p=reject",
        "v=DMARC1; p=none; sp=reject; np=quarantine",
        "v=DMARC1; psd=y; p=reject",
        "TIMEOUT",
        "SERVFAIL",
        "v=DMARC1; psd=n; p=x",
        "v=DMARC1; rua=mailto:a@b.example; adkim=s",
        "\x00",
        "v=DMARC1; p=reject; t=y",
    ]
)


@given(
    st.lists(st.text(max_size=60) | NAMES.map("a@".__add__), max_size=2),
    st.lists(
        st.builds(
            Identifier,
            st.sampled_from(Mechanism),
            NAMES | st.text(max_size=20),
            st.sampled_from(["pass", "fail", "temperror", ""]),
        )
    ),
    st.dictionaries(NAMES.map("_dmarc.".__add__) | NAMES, TEXTS),
)
def test_whatever_is_said_there_is_a_result(
    fields: list[str], identifiers: list[Identifier], zone: dict[str, str]
) -> None:
    dns = FakeDns({name: [text if text in ("TIMEOUT", "SERVFAIL") else {"TXT": text}] for name, text in zone.items()})
    result = asyncio.run(evaluate_from(fields, identifiers, dns))
    assert result.reason
    assert (result.disposition is Policy.NONE) or (result.outcome is FAIL and result.disposition is result.policy)
    assert len(dns.asked) <= MAX_AUTHOR_DOMAINS * (9 + 8 * MAX_IDENTIFIERS)
    if result.outcome is PASS:
        assert any(one.identifier.result == "pass" for one in result.alignments)
