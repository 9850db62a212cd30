"""The DNS Tree Walk and the Organizational Domain (RFC 9989 §4.10, §4.10.2)."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mailauth.dmarc.tree_walk import MAX_QUERIES, Finding, Walk, Walker, targets
from postroad.testing.fake_dns import FakeDns

Zone = dict[str, object]


def zone(**records: str) -> Zone:
    """Policy records by domain, ``_`` for each dot."""
    return {f"_dmarc.{domain.replace('_', '.')}": [{"TXT": text}] for domain, text in records.items()}


def walk(domain: str, records: Zone) -> Walk:
    return asyncio.run(Walker(FakeDns(records)).walk(domain))


def test_the_example_of_a_long_name() -> None:
    assert list(targets("a.b.c.d.e.f.g.h.i.j.mail.example.com")) == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]


@pytest.mark.parametrize("labels", range(1, 30))
def test_a_walk_asks_for_the_domain_and_all_above_it_eight_at_most(labels: int) -> None:
    asked = list(targets(".".join(f"l{number}" for number in range(labels))))
    assert len(asked) == min(labels, MAX_QUERIES)
    assert asked[-1] == f"l{labels - 1}"
    assert [name.count(".") + 1 for name in asked[1:]] == list(range(min(labels - 1, 7), 0, -1))


@pytest.mark.parametrize(
    ("domain", "records", "organization"),
    [
        # The three examples of §4.10.2.
        ("a.mail.example.com", zone(mail_example_com="v=DMARC1", example_com="v=DMARC1"), "example.com"),
        ("a.mail.example.com", zone(mail_example_com="v=DMARC1; psd=n", example_com="v=DMARC1"), "mail.example.com"),
        ("a.mail.example.com", zone(com="v=DMARC1; psd=y"), "example.com"),
        ("mail.example.com", zone(example_com="v=DMARC1; psd=y"), "mail.example.com"),
        ("a.b.example.com", zone(example_com="v=DMARC1; psd=y"), "b.example.com"),
        # Nothing found: the domain stands for itself.
        ("a.mail.example.com", {}, "a.mail.example.com"),
        ("localhost", {}, "localhost"),
        # psd=y where the walk began does not count as a suffix (rule 2), but is a record (rule 3).
        ("example.com", zone(example_com="v=DMARC1; psd=y", com="v=DMARC1; psd=n"), "example.com"),
        # A record of a top-level domain that does not call itself one.
        ("a.example.com", zone(com="v=DMARC1; p=none"), "com"),
        # A record between does not make an organization.
        ("a.b.example.com", zone(b_example_com="v=DMARC1", com="v=DMARC1; psd=y"), "example.com"),
        # psd=n ends the walk at the domain itself.
        ("a.example.com", zone(a_example_com="v=DMARC1; psd=n", example_com="v=DMARC1"), "a.example.com"),
        # psd=u and nonsense say nothing.
        ("a.example.com", zone(a_example_com="v=DMARC1; psd=u", example_com="v=DMARC1; psd=x"), "example.com"),
        # Where the names jump, the label below is taken from the name that the walk is for.
        ("a.b.c.d.e.f.g.h.i.j", zone(d_e_f_g_h_i_j="v=DMARC1; psd=y"), "c.d.e.f.g.h.i.j"),
        # What the jump leaves out is never found (§5.1.8).
        ("m.a.b.c.d.e.f.g.x.com", zone(b_c_d_e_f_g_x_com="v=DMARC1; psd=n", x_com="v=DMARC1"), "x.com"),
    ],
)
def test_organizational_domains(domain: str, records: Zone, organization: str) -> None:
    assert walk(domain, records).organizational_domain == organization


def test_several_records_at_a_name_count_as_none() -> None:
    records: Zone = {"_dmarc.a.example.com": [{"TXT": "v=DMARC1; psd=n"}, {"TXT": "v=DMARC1; p=none"}]}
    found = walk("a.example.com", records | zone(example_com="v=DMARC1"))
    assert [step.finding for step in found.steps] == [Finding.SEVERAL, Finding.RECORD, Finding.NOTHING]
    assert found.organizational_domain == "example.com"


def test_other_records_beside_it_are_discarded() -> None:
    records: Zone = {"_dmarc.example.com": [{"TXT": "v=spf1 -all"}, {"TXT": "v=DMARC1; psd=n"}, {"TXT": "v=DMARC2"}]}
    (step,) = walk("example.com", records).steps
    assert (step.finding, step.texts) == (Finding.RECORD, (b"v=spf1 -all", b"v=DMARC2"))


def test_the_strings_of_a_record_are_joined() -> None:  # §4.5
    (step,) = walk("example.com", {"_dmarc.example.com": [{"TXT": ["v=DMA", "RC1; ps", "d=n"]}]}).steps
    assert step.record is not None


@pytest.mark.parametrize("failure", ["TIMEOUT", "SERVFAIL"])
def test_without_an_answer_nothing_is_concluded(failure: str) -> None:
    records: Zone = zone(com="v=DMARC1; psd=y") | {"_dmarc.example.com": [failure]}
    found = walk("a.example.com", records)
    assert found.uncertain
    assert [step.domain for step in found.steps] == ["a.example.com", "example.com"]
    assert found.steps[-1].reason


def test_no_name_is_asked_for_twice() -> None:
    dns = FakeDns(zone(example_com="v=DMARC1"))
    walker = Walker(dns)

    async def walks() -> None:
        for domain in ("a.example.com", "b.example.com", "a.example.com", "example.com"):
            await walker.walk(domain)

    asyncio.run(walks())
    asked = [name for name, _ in dns.asked]
    assert asked == ["_dmarc.a.example.com", "_dmarc.example.com", "_dmarc.com", "_dmarc.b.example.com"]
    assert [step.name for step in walker.steps] == asked


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12).map(".".join), st.data())
def test_an_organization_is_the_domain_or_above_it(domain: str, data: st.DataObject) -> None:
    texts = st.sampled_from(["v=DMARC1", "v=DMARC1; psd=y", "v=DMARC1; psd=n", "v=spf1", "TIMEOUT"])
    names = st.lists(st.sampled_from("abc"), min_size=1, max_size=12).map(".".join)
    chosen = data.draw(st.dictionaries(names, texts))
    records: Zone = {
        f"_dmarc.{name}": ["TIMEOUT" if text == "TIMEOUT" else {"TXT": text}] for name, text in chosen.items()
    }
    dns = FakeDns(records)
    found = asyncio.run(Walker(dns).walk(domain))
    assert len(dns.asked) <= MAX_QUERIES
    assert f".{domain}".endswith(f".{found.organizational_domain}")
