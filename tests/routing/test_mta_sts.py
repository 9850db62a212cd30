"""MTA-STS: records, policies, and what holds while they change or cannot be had."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.lookup import Fetched, FetchFailed
from postroad.net.dns.zone import Zone
from postroad.routing.mta_sts import (
    MAX_AGE_LIMIT,
    MAX_OCTETS,
    Discovered,
    Kept,
    Mode,
    Policy,
    PolicyError,
    Trouble,
    discover,
    matches,
    policy_url,
    read_policy,
    record_id,
)

# RFC 8461 §3.2, the example of a policy.
POLICY = b"""version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
mx: backupmx.example.com
max_age: 604800
"""


@pytest.mark.parametrize(
    ("texts", "id_"),
    [
        ((), None),
        ((b"v=spf1 -all",), None),
        ((b"v=STSv1; id=20160831085700Z;",), "20160831085700Z"),  # RFC 8461 §3.1
        ((b"v=STSv1;id=a", b"other", b"v=STSv10; id=b"), "a"),
        ((b"v=STSv1 ;\tx=1 ; id=a ; ",), "a"),
        ((b"v=stsv1; id=a",), None),
        ((b" v=STSv1; id=a",), None),
    ],
)
def test_the_record_of_a_domain(texts: tuple[bytes, ...], id_: str | None) -> None:
    assert record_id(texts) == id_


@pytest.mark.parametrize(
    "texts",
    [
        (b"v=STSv1; id=a;", b"v=STSv1; id=b;"),
        (b"v=STSv1;",),
        (b"v=STSv1; id=",),
        (b"v=STSv1; id=a-b",),
        (b"v=STSv1; id=" + b"a" * 33,),
        (b"v=STSv1; id=a; id=b",),
        (b"v=STSv1; ;id=a",),
        (b"v=STSv1; id=a; what",),
        (b"v=STSv1; id=\xe4",),
    ],
)
def test_a_record_that_is_none(texts: tuple[bytes, ...]) -> None:
    with pytest.raises(PolicyError):
        record_id(texts)


def test_a_policy_is_read() -> None:
    policy = read_policy(POLICY)
    assert (policy.mode, policy.max_age) == (Mode.ENFORCE, 604_800)
    assert policy.mx == ("mail.example.com", "*.example.net", "backupmx.example.com")
    windows = POLICY.replace(b"\n", b"\r\n").replace(b": ", b":\t ") + b"mode: none\r\nnew_field: \xc3\xa4 x\r\n\r\n"
    assert read_policy(windows).mode is Mode.ENFORCE
    assert read_policy(b"version: STSv1\nmode: none\nmax_age: 9999999999").max_age == MAX_AGE_LIMIT


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "version"),
        (POLICY.replace(b"STSv1", b"STSv2"), "version"),
        (POLICY.replace(b"enforce", b"Enforce"), "mode is"),
        (POLICY.replace(b"mode: enforce\n", b""), "no mode"),
        (POLICY.replace(b"604800", b"1 day"), "max_age is"),
        (POLICY.replace(b"604800", b"-1"), "max_age is"),
        (POLICY.replace(b"max_age: 604800\n", b""), "no max_age"),
        (b"version: STSv1\nmode: testing\nmax_age: 1\n", "no mx"),
        (POLICY + b"mx: *.*.example\n", "pattern"),
        (POLICY + b"mx: a@b\n", "pattern"),
        (POLICY + b"mx:\n", "pattern"),
        (POLICY + b"what\n", "line 7"),
        (POLICY + b"x" * MAX_OCTETS, "octets"),
        (b"<html>", "line 1"),
    ],
)
def test_a_policy_that_is_none_says_why(content: bytes, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        read_policy(content)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda more: POLICY + more)))
def test_whatever_a_web_server_sends_is_a_policy_or_none(content: bytes) -> None:
    with contextlib.suppress(PolicyError):
        assert read_policy(content).max_age <= MAX_AGE_LIMIT


@given(st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(b"v=STSv1;".__add__)), max_size=3))
def test_whatever_stands_in_the_dns_is_a_record_or_none(texts: list[bytes]) -> None:
    with contextlib.suppress(PolicyError):
        id_ = record_id(tuple(texts))
        assert id_ is None or id_.isalnum()


@pytest.mark.parametrize(
    ("host", "pattern", "matched"),
    [
        ("mail.example.com", "mail.example.com", True),
        ("MAIL.example.com.", "mail.EXAMPLE.com", True),
        ("a.example.net", "*.example.net", True),
        ("a.b.example.net", "*.example.net", False),  # RFC 8461 §4.1
        ("example.net", "*.example.net", False),
        (".example.net", "*.example.net", False),
        ("aexample.net", "*.example.net", False),
        ("x.example.com", "mail.example.com", False),
    ],
)
def test_which_hosts_a_pattern_means(host: str, pattern: str, matched: bool) -> None:
    assert matches(host, pattern) is matched
    assert Policy(Mode.ENFORCE, 1, (pattern,)).allows(host) is matched


@dataclass
class Web:
    """A web server with one answer; ``asked`` holds the URLs."""

    answer: Fetched | FetchFailed
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, *, limit: int, timeout: float) -> Fetched | FetchFailed:
        self.asked.append(url)
        return self.answer


def page(body: bytes = POLICY, code: int = 200, content_type: str = "text/plain; charset=utf-8") -> Fetched:
    return Fetched(policy_url("example.com"), code, content_type, body)


NOW = 1_700_000_000.0
OLD = Kept("example.com", "old", Policy(Mode.TESTING, 10, ("old.example",)), NOW + 1)
EXPIRED = Kept("example.com", "new", Policy(Mode.TESTING, 10, ("old.example",)), NOW - 1)
RECORD: list[object] = [{"TXT": "v=STSv1; id=new;"}]


def discovered(records: list[object] | None, web: Web, kept: Kept | None = None) -> Discovered:
    zone = Zone({} if records is None else {"_mta-sts.example.com": records})
    return asyncio.run(discover("example.com", kept, zone, web, NOW))


def test_a_policy_is_fetched_once_for_each_id() -> None:
    web = Web(page())
    first = discovered(RECORD, web)
    assert first.kept == Kept("example.com", "new", read_policy(POLICY), NOW + 604_800)
    assert first.policy is not None
    assert web.asked == ["https://mta-sts.example.com/.well-known/mta-sts.txt"]
    assert discovered(RECORD, web, first.kept).kept is first.kept
    assert len(web.asked) == 1
    assert discovered(RECORD, web, OLD).kept == first.kept
    assert discovered(RECORD, web, EXPIRED).kept == first.kept


@pytest.mark.parametrize(
    ("records", "answer", "trouble"),
    [
        (None, page(), None),
        (["TIMEOUT"], page(), None),
        ([{"TXT": "v=STSv1; id=a;"}, {"TXT": "v=STSv1; id=b;"}], page(), None),
        (RECORD, FetchFailed("", "nobody listens there"), Trouble.FETCH),
        (RECORD, FetchFailed("", "the certificate is for another name", untrusted=True), Trouble.WEBPKI),
        (RECORD, page(code=404), Trouble.FETCH),
        (RECORD, page(code=301), Trouble.FETCH),  # RFC 8461 §3.3: redirects are not followed
        (RECORD, page(content_type="text/html"), Trouble.INVALID),
        (RECORD, page(b"version: STSv2\n"), Trouble.INVALID),
    ],
)
def test_what_cannot_be_had_leaves_what_was(
    records: list[object] | None, answer: Fetched | FetchFailed, trouble: Trouble | None
) -> None:
    kept = discovered(records, Web(answer), OLD)
    assert (kept.kept, kept.trouble) == (OLD, trouble)  # RFC 8461 §5.1
    assert bool(kept.reason) == (trouble is not None or (records is not None and len(records) > 1))
    assert discovered(records, Web(answer), EXPIRED).kept is None
    assert discovered(records, Web(answer)).policy is None


def test_a_domain_may_take_its_policy_back() -> None:
    gone = discovered(RECORD, Web(page(b"version: STSv1\nmode: none\nmax_age: 86400\n")), OLD)
    assert gone.kept is not None
    assert gone.policy is None
