"""Policy records: what counts as one, what its tags say, and what a syntax error costs (RFC 9989 §4.7, §4.8)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad.mailauth.dmarc.record import Alignment, DmarcRecord, Oddity, Policy, Psd, is_dmarc_record, read_record


def read(text: str) -> DmarcRecord:
    record = read_record(text.encode())
    assert record is not None
    return record


@pytest.mark.parametrize(
    "text",
    [
        "v=DMARC1",
        "v=DMARC1;",
        "v=DMARC1;p=none",
        "V=DMARC1; p=none",
        "v = DMARC1 ; p=none",
        "v\t=\tDMARC1\t;",
        "v=DMARC1  ",
    ],
)
def test_the_version_comes_first_with_white_space_around_its_signs(text: str) -> None:
    assert is_dmarc_record(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=dmarc1; p=none",
        "v=DMARC2; p=none",
        "v=DMARC1x",
        "v=DMARC1 p=none",
        "p=none; v=DMARC1",
        " v=DMARC1;",
        "v=DMARC1,p=none",
        "v=spf1 -all",
        "DMARC1",
    ],
)
def test_what_begins_otherwise_is_no_policy_record(text: str) -> None:
    assert read_record(text.encode()) is None


def test_all_tags_are_read() -> None:
    record = read(
        "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=s; psd=n; t=y; fo=1:d:s; "
        "rua=mailto:a@example.com,https://reports.example.com/in; ruf=mailto:f@example.net"
    )
    assert (record.p, record.sp, record.np) == (Policy.REJECT, Policy.QUARANTINE, Policy.NONE)
    assert (record.adkim, record.aspf, record.psd, record.testing) == (Alignment.STRICT, Alignment.STRICT, Psd.NO, True)
    assert record.fo == {"1", "d", "s"}
    assert [(uri.scheme, uri.host, uri.address) for uri in record.rua] == [
        ("mailto", "example.com", "a@example.com"),
        ("https", "reports.example.com", None),
    ]
    assert [uri.address for uri in record.ruf] == ["f@example.net"]
    assert record.notes == ()


def test_defaults() -> None:
    record = read("v=DMARC1; p=none")
    assert (record.adkim, record.aspf, record.psd, record.testing) == (
        Alignment.RELAXED,
        Alignment.RELAXED,
        Psd.UNKNOWN,
        False,
    )
    assert (record.sp, record.np) == (None, None)
    assert not record.rua
    assert not record.ruf
    assert record.fo == {"0"}


@pytest.mark.parametrize(
    "text", ["v=DMARC1;p=reject", "v=DMARC1; P = Reject ;", "v=DMARC1;; ;p\t=\treject\t", "v=DMARC1;x=1;p=reject"]
)
def test_names_and_words_are_read_in_either_case_wherever_they_stand(text: str) -> None:
    assert read(text).own_policy is Policy.REJECT


def test_unknown_tags_are_ignored_and_told_of() -> None:
    record = read("v=DMARC1; p=reject; bimi=yes; pct=50; ri=3600; rf=afrf")
    assert record.own_policy is Policy.REJECT
    assert [(note.oddity, note.tag, note.text) for note in record.notes] == [
        (Oddity.UNKNOWN, "bimi", "yes"),
        (Oddity.REMOVED, "pct", "50"),
        (Oddity.REMOVED, "ri", "3600"),
        (Oddity.REMOVED, "rf", "afrf"),
    ]


@pytest.mark.parametrize(
    ("tags", "tag"),
    [
        ("adkim=x", "adkim"),
        ("aspf=strict", "aspf"),
        ("psd=maybe", "psd"),
        ("t=yes", "t"),
        ("fo=0:1", "fo"),
        ("fo=d:d", "fo"),
        ("fo=7", "fo"),
        ("rua=nobody", "rua"),
        ("rua=mailto:nobody", "rua"),
        ("ruf=mailto:@x.example", "ruf"),
        ("adkim=\u00e4", "adkim"),
        ("aspf=", "aspf"),
    ],
)
def test_a_syntax_error_costs_its_tag_alone(tags: str, tag: str) -> None:
    record = read(f"v=DMARC1; p=reject; {tags}")
    clean = read("v=DMARC1; p=reject")
    assert [(note.oddity, note.tag) for note in record.notes] == [(Oddity.INVALID, tag)]
    fields = ("p", "adkim", "aspf", "psd", "testing", "rua", "ruf", "fo")
    assert all(getattr(record, name) == getattr(clean, name) for name in fields)


def test_what_is_no_tag_is_ignored() -> None:
    record = read("v=DMARC1; what is this; p=reject; =3; p2=none")
    assert record.own_policy is Policy.REJECT
    assert [note.oddity for note in record.notes] == [Oddity.MALFORMED] * 3


@pytest.mark.parametrize(
    ("tags", "applicable", "own"),
    [
        ("p=none", True, Policy.NONE),
        ("p=reject", True, Policy.REJECT),
        # §4.10.1: without a valid p, reports that are asked for make p=none of it; otherwise nothing is applied.
        ("", False, Policy.NONE),
        ("rua=mailto:r@example.com", True, Policy.NONE),
        ("rua=nonsense", False, Policy.NONE),
        ("ruf=mailto:r@example.com", False, Policy.NONE),
        ("p=deny", False, Policy.NONE),
        ("p=deny; rua=mailto:r@example.com", True, Policy.NONE),
        ("p=reject; sp=deny", False, Policy.NONE),
        ("p=reject; sp=deny; rua=mailto:r@example.com", True, Policy.NONE),
        ("p=reject; np=deny; rua=mailto:r@example.com", True, Policy.NONE),
        ("sp=reject; rua=mailto:r@example.com", True, Policy.NONE),
        ("p=reject; p=none", False, Policy.NONE),
        ("p=reject; p=reject", True, Policy.REJECT),
    ],
)
def test_a_record_without_valid_policies(tags: str, applicable: bool, own: Policy) -> None:
    record = read(f"v=DMARC1; {tags}")
    assert (record.applicable, record.own_policy) == (applicable, own)
    if own is Policy.NONE:
        assert record.subdomain_policy is record.absent_subdomain_policy is Policy.NONE


@pytest.mark.parametrize(
    ("tags", "existing", "absent"),
    [
        ("p=reject", Policy.REJECT, Policy.REJECT),
        ("p=none; sp=reject", Policy.REJECT, Policy.REJECT),
        ("p=none; np=reject", Policy.NONE, Policy.REJECT),
        ("p=reject; sp=none; np=quarantine", Policy.NONE, Policy.QUARANTINE),
    ],
)
def test_subdomains_have_their_own_policies(tags: str, existing: Policy, absent: Policy) -> None:
    record = read(f"v=DMARC1; {tags}")
    assert (record.subdomain_policy, record.absent_subdomain_policy) == (existing, absent)


@pytest.mark.parametrize(
    ("written", "address", "limit"),
    [
        ("mailto:a@example.com!10m", "a@example.com", "10m"),
        ("mailto:a@example.com!500", "a@example.com", "500"),
        ("MAILTO:A@EXAMPLE.COM", "A@example.com", None),
        ("mailto:a%2Bb@example.com", "a+b@example.com", None),
        ("mailto:a@example.com?subject=x", "a@example.com", None),
    ],
)
def test_addresses_of_reports(written: str, address: str, limit: str | None) -> None:
    record = read(f"v=DMARC1; p=none; rua={written}")
    assert [(uri.address, uri.limit) for uri in record.rua] == [(address, limit)]
    assert [note.oddity for note in record.notes] == ([Oddity.SIZE_LIMIT] if limit else [])


@pytest.mark.parametrize(
    "written",
    [
        "example.com",
        "a@example.com",
        "mailto:",
        "mailto:a@",
        "mailto:a@exa mple.com",
        "mailto:a@example.com!10x",
        "mailto:a!b@example.com",
        "mailto:a%2Cb@x.example",
        "mailto:a%0Ab@x.example",
        "https:",
        "https://",
        "://x",
        "mailto:a@-x.example",
    ],
)
def test_what_no_report_can_be_sent_to(written: str) -> None:
    record = read(f"v=DMARC1; p=none; rua={written},mailto:good@example.com")
    assert [uri.address for uri in record.rua] == ["good@example.com"]
    assert [(note.oddity, note.tag) for note in record.notes] == [(Oddity.INVALID, "rua")]


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"v=DMARC1",
                b";",
                b" ",
                b"p=",
                b"reject",
                b"rua=",
                b"mailto:",
                b"a@b.example",
                b",",
                b"!1k",
                b"\xff",
                b"np",
                b"=",
                b"%00",
                b"//",
                b"[",
                b"]",
            ]
        )
    )
    .map(b"".join)
    .map(b"v=DMARC1;".__add__)
)
@example(b"v=DMARC1; rua=https://[::1]/")
@example(b"v=DMARC1; rua=mailto:%FF@x.example")
def test_any_octets_are_a_record_or_none(octets: bytes) -> None:
    record = read_record(octets)
    assert (record is not None) == is_dmarc_record(octets)
    if record is not None:
        assert record.own_policy in Policy
        assert all(uri.host == uri.host.lower() for uri in (*record.rua, *record.ruf))


def test_a_huge_record_is_read_in_a_moment() -> None:
    record = read_record(b"v=DMARC1; p=reject" + b"; rua=mailto:a@x.example!" * 100_000)
    assert record is not None
    assert record.own_policy is Policy.REJECT
