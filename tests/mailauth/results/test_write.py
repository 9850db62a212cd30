"""Authentication-Results written: folded, readable for others, and safe against what is in the values."""

import re

import pytest
from authres import AuthenticationResultsHeader
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.mailauth.results.read import read_results
from postroad.mailauth.results.value import AuthenticationResults, MethodResult, Property
from postroad.mailauth.results.write import MAX_VALUE, header_field

EXAMPLE = AuthenticationResults(
    "mx.example.com",
    (
        MethodResult("spf", "pass", (Property("smtp", "mailfrom", "ann@example.net"),)),
        MethodResult(
            "dkim",
            "pass",
            (Property("header", "d", "example.net"), Property("header", "s", "s1")),
            comment="2048-bit key",
        ),
        MethodResult(
            "dmarc",
            "fail",
            (Property("header", "from", "example.org"), Property("policy", "dmarc", "reject")),
            reason="what passes is not aligned",
        ),
    ),
)


def value_of(field: bytes) -> str:
    return field.decode("ascii").partition(":")[2]


def test_a_field() -> None:
    assert header_field(EXAMPLE) == (
        b"Authentication-Results: mx.example.com;\r\n"
        b"\tspf=pass smtp.mailfrom=ann@example.net;\r\n"
        b"\tdkim=pass (2048-bit key) header.d=example.net header.s=s1;\r\n"
        b'\tdmarc=fail reason="what passes is not aligned" header.from=example.org\r\n'
        b"\tpolicy.dmarc=reject\r\n"
    )


def test_nothing_was_tried() -> None:
    assert header_field(AuthenticationResults("mx.example.com")) == b"Authentication-Results: mx.example.com; none\r\n"


def test_what_is_written_is_read_back() -> None:
    assert read_results(value_of(header_field(EXAMPLE))) == EXAMPLE


def test_others_read_it() -> None:
    theirs = AuthenticationResultsHeader.parse(header_field(EXAMPLE).decode().strip())
    assert theirs.authserv_id == "mx.example.com"
    assert [(one.method, one.result) for one in theirs.results] == [
        ("spf", "pass"),
        ("dkim", "pass"),
        ("dmarc", "fail"),
    ]


EVIL = [
    "a\r\nBcc: eve@evil.example",
    "a; dkim=pass",
    'a" ; dkim=pass header.d="x',
    "a\\",
    "(",
    ")",
    "\x00\x1f\x7f",
    "é\u2028\udcff",
    "a b@c.example",
    '"a b"@c.example',
    "<>",
    "",
    " ",
    "=?utf-8?q?=0A?=",
    "x" * 5_000,
    "a@b.example; dmarc=pass",
]


@pytest.mark.parametrize("evil", EVIL)
def test_no_value_adds_a_result_or_a_line(evil: str) -> None:
    check(evil)


@given(st.text(max_size=100) | st.lists(st.sampled_from(list(';="()\\\r\n\t a@.')), max_size=30).map("".join))
def test_whatever_is_in_a_value_stays_in_it(evil: str) -> None:
    check(evil)


def check(evil: str) -> None:
    given_ = AuthenticationResults(
        evil if evil.strip() else "mx",
        (
            MethodResult(
                "spf", "fail", (Property("smtp", "mailfrom", evil), Property("smtp", "helo", "h.example")), evil, evil
            ),
            MethodResult("dkim", "none"),
        ),
    )
    field = header_field(given_)
    assert all(re.fullmatch(rb"[\t\x20-\x7e]{1,998}", line) for line in field.removesuffix(b"\r\n").split(b"\r\n"))
    assert all(line.startswith(b"\t") for line in field.removesuffix(b"\r\n").split(b"\r\n")[1:])
    found = read_results(value_of(field))
    assert isinstance(found, AuthenticationResults)
    assert [(one.method, one.result) for one in found.results] == [("spf", "fail"), ("dkim", "none")]
    assert found.unread == ()
    expected = re.sub("[^ -~]", "?", evil[:MAX_VALUE])
    assert found.results[0].value_of("smtp", "mailfrom") == expected
    assert found.results[0].value_of("smtp", "helo") == "h.example"
    assert found.results[0].reason == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: MethodResult("spf; dkim", "pass"),
        lambda: MethodResult("spf", "pass\r\n"),
        lambda: MethodResult("SPF", "pass"),
        lambda: MethodResult("", "pass"),
        lambda: MethodResult("x" * 65, "pass"),
        lambda: Property("smtp.x", "mailfrom", "a"),
        lambda: Property("smtp", "mail from", "a"),
        lambda: AuthenticationResults(" "),
    ],
)
def test_what_is_not_said_by_strangers_must_be_right(make: type) -> None:
    with pytest.raises(MessageError):
        make()
