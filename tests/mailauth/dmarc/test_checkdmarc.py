"""Generated zones, read by checkdmarc and by us. Where both read RFC 9989, both find the same."""

import asyncio
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import checkdmarc.dmarc as theirs
import pytest
from dns.message import make_query
from dns.resolver import NXDOMAIN, NoAnswer
from hypothesis import assume, given
from hypothesis import strategies as st

from postroad.lookup import RecordType, Status
from postroad.mailauth.dmarc.policy import Discovered, discover
from postroad.mailauth.dmarc.record import DmarcRecord, Oddity, is_dmarc_record, read_record
from postroad.mailauth.dmarc.report_destination import Authorization, authorize
from postroad.mailauth.dmarc.reporting_uri import reporting_uri
from postroad.mailauth.dmarc.tree_walk import Walker
from postroad.testing.fake_dns import FakeDns

Zone = dict[str, list[Any]]


class _Shared:
    """The zone that checkdmarc asks; what it would have sent into the world comes here."""

    zone = FakeDns()

    @classmethod
    def ask(cls, name: str, kind: str, **_: object) -> list[str]:
        answer = cls.zone.answer(name, RecordType(kind))
        if answer.status is Status.NO_NAME:
            raise NXDOMAIN
        if answer.status is not Status.FOUND:
            raise NoAnswer(response=make_query(name, kind))  # type: ignore[no-untyped-call]  # dnspython has no type for it
        return [text.decode() for text in answer.texts] or [str(record) for record in answer.records]


@pytest.fixture(autouse=True, scope="module")
def no_network() -> Iterator[None]:
    with (
        patch.object(theirs, "query_dns", _Shared.ask),
        patch.object(theirs, "get_mx_records", lambda *_, **__: ["mx"]),
    ):
        yield


# ── where a policy is found ───────────────────────────────────────────────────────────────────────────────────────────

LABELS = st.sampled_from(["a", "b", "c"])
NAMES = st.lists(LABELS, min_size=1, max_size=10).map(".".join)
RECORDS = st.sampled_from(
    [
        "v=DMARC1; p=none",
        "v=DMARC1;p=reject; sp=quarantine",
        "v=DMARC1; p=reject; psd=y",
        "v=DMARC1; psd=n; p=quarantine",
        "v=DMARC1 ; p=none ; psd = u",
        "V = DMARC1; psd=Y",
        "v=DMARC1",
        "v=spf1 -all",
        "v=DMARC2; p=reject; psd=n",
        "v=DMARC1p=reject",
        "hello",
    ]
)


@st.composite
def zones(draw: st.DrawFn) -> tuple[str, Zone]:
    """A domain, names above it that have records, with one policy record each at most, and other names that have."""
    domain = draw(st.lists(LABELS, min_size=2, max_size=11).map(".".join))
    labels = domain.split(".")
    above = [".".join(labels[start:]) for start in range(len(labels))]
    names = draw(st.lists(st.sampled_from(above), unique=True, max_size=5)) + draw(st.lists(NAMES, max_size=3))
    zone: Zone = {domain: [{"A": "192.0.2.1"}]}  # checkdmarc does not look for the policy of what does not exist
    for name in dict.fromkeys(names):
        texts = draw(st.lists(RECORDS, min_size=1, max_size=2))
        # RFC 9989 §4.10 step 2 discards several records and walks on; checkdmarc reports them and ends.
        if sum(is_dmarc_record(text.encode()) for text in texts) < 2:
            zone[f"_dmarc.{name}"] = [{"TXT": text} for text in texts]
    return domain, zone


def ours(domain: str, zone: Zone) -> Discovered:
    dns = FakeDns(zone)
    return asyncio.run(discover(domain, Walker(dns), dns))


@given(zones())
def test_the_same_record_holds(case: tuple[str, Zone]) -> None:
    domain, zone = case
    _Shared.zone = FakeDns(zone)
    found = ours(domain, zone)
    try:
        known = theirs.query_dmarc_record(domain, ignore_unrelated_records=True)
    except theirs.DMARCRecordNotFound:
        assert found.record is None
    else:
        assert found.record is not None
        assert (found.domain, found.record.text) == (known["location"], known["record"])


# ── what a record says ────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = {
    "p": ["none", "quarantine", "Reject", "deny"],
    "sp": ["none", "quarantine", "reject", "deny"],
    "np": ["none", "quarantine", "reject"],
    "adkim": ["r", "s", "S", "x"],
    "aspf": ["r", "s", "strict"],
    "psd": ["y", "n", "u"],
    "t": ["y", "n", "Y"],
    "fo": ["0", "1", "d", "s", "0:d", "d:1:s", "0:1", "d:d", "s:d"],
    "rua": ["mailto:a@example.com", "mailto:a@example.com!10m,mailto:b@example.com", "https://example.com/x", "nobody"],
    "ruf": ["mailto:f@example.com"],
    "pct": ["50"],
    "ri": ["3600"],
    "x": ["1"],
}
TAGS = st.sampled_from(sorted(WORDS)).flatmap(lambda tag: st.tuples(st.just(tag), st.sampled_from(WORDS[tag])))
SEPARATORS = st.sampled_from([";", "; ", " ; ", ";\t"])
EQUALS = st.sampled_from(["=", " =", "= ", " = "])


@st.composite
def records(draw: st.DrawFn) -> str:
    tags = draw(st.lists(TAGS, max_size=8, unique_by=lambda tag: tag[0]))  # one that repeats ends checkdmarc's reading
    written = [f"{tag}{draw(EQUALS)}{word}" for tag, word in draw(st.permutations(tags))]
    return draw(SEPARATORS).join(["v=DMARC1", *written]) + draw(st.sampled_from(["", ";", " ", "; "]))


@given(records())
def test_a_record_says_the_same(text: str) -> None:
    mine = read_record(text.encode())
    assert mine is not None
    try:
        tags = theirs.parse_dmarc_record(text, "example.com", ignore_unrelated_records=True)["tags"]
    except theirs.DMARCError:
        # checkdmarc refuses the record; RFC 9989 §4.8 discards what is wrong, so it must be among what we ignore.
        assert {Oddity.INVALID, Oddity.MALFORMED} & {note.oddity for note in mine.notes}
        return
    assert meaning_of(mine) == {tag: tags[tag]["value"] for tag in ("adkim", "aspf", "psd", "t")}
    assert mine.fo == frozenset(tags["fo"]["value"].split(":"))
    for tag, uris in (("rua", mine.rua), ("ruf", mine.ruf)):
        assert (
            [uri.address or uri.uri for uri in uris] == [one["address"] for one in tags[tag]["value"]]
            if tag in tags
            else not uris
        )
    # Without p=, sp= and np= are as good as none, too (RFC 9989 §4.10.1); checkdmarc shows them as they stand.
    if mine.p is not None:
        assert mine.own_policy == tags["p"]["value"]
        assert mine.subdomain_policy == tags["sp"]["value"]
        assert mine.absent_subdomain_policy == tags["np"]["value"]


def meaning_of(record: DmarcRecord) -> dict[str, str]:
    testing = "y" if record.testing else "n"
    return {"adkim": record.adkim, "aspf": record.aspf, "psd": record.psd, "t": testing}


# ── who takes reports ─────────────────────────────────────────────────────────────────────────────────────────────────

CONSENTS = st.sampled_from(["v=DMARC1", "v=DMARC1;", "v=DMARC1; p=none", "v=DMARC2", "hello", " v=DMARC1"])


@given(st.lists(CONSENTS, max_size=2), st.sampled_from(["reports.test", "collector.example.net", "example.com"]))
def test_the_same_destinations_are_allowed(texts: list[str], host: str) -> None:
    zone: Zone = {f"example.com._report._dmarc.{host}": [{"TXT": text} for text in texts]} if texts else {}
    _Shared.zone = FakeDns(zone)
    uri = reporting_uri(f"mailto:a@{host}")
    assert uri is not None
    mine = asyncio.run(authorize("example.com", uri, FakeDns(zone))).authorization
    assume(mine is not Authorization.UNKNOWN)
    try:
        theirs.verify_dmarc_report_destination("example.com", host, ignore_unrelated_records=True)
    except theirs.UnverifiedDMARCURIDestination:
        assert mine is Authorization.REFUSED
    else:
        assert mine in (Authorization.GRANTED, Authorization.INTERNAL)
