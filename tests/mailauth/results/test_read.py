"""Authentication-Results read: the grammar of RFC 8601 §2.2, and what receivers write."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad.mailauth.results.read import Unreadable, claims_to_be_from, read_arc_instance, read_results
from postroad.mailauth.results.value import AuthenticationResults, MethodResult, Property


def read(value: str) -> AuthenticationResults:
    results = read_results(value)
    assert isinstance(results, AuthenticationResults), results
    return results


def prop(text: str) -> Property:
    name, _, value = text.partition("=")
    ptype, _, name = name.partition(".")
    return Property(ptype, name, value)


def result(
    method: str, word: str, *properties: str, reason: str = "", comment: str = "", version: int = 1
) -> MethodResult:
    return MethodResult(method, word, tuple(map(prop, properties)), reason, comment, version)


COMMENTED = """ foo.example.net (foobar) 1 (baz);
    dkim (Because I like it) / 1 (One yay) = (wait for it) fail
      policy (A dot can go here) . (like that) expired
      (this surprised me) = (as I wasn't expecting it) "1362471462"
"""


@pytest.mark.parametrize(
    ("value", "authserv_id", "results"),
    [
        # The forms of RFC 8601, Appendix B.
        (" example.org 1; none", "example.org", []),
        (
            " example.com;\r\n\t spf=pass smtp.mailfrom=example.net",
            "example.com",
            [result("spf", "pass", "smtp.mailfrom=example.net")],
        ),
        (
            " example.com;\r\n auth=pass (cram-md5) smtp.auth=a@example.net;\r\n spf=pass smtp.mailfrom=example.net",
            "example.com",
            [
                result("auth", "pass", "smtp.auth=a@example.net", comment="cram-md5"),
                result("spf", "pass", "smtp.mailfrom=example.net"),
            ],
        ),
        (
            ' example.com; dkim=pass reason="good signature" header.i=@a.example;\r\n\tdkim=fail header.i=@b.example',
            "example.com",
            [
                result("dkim", "pass", "header.i=@a.example", reason="good signature"),
                result("dkim", "fail", "header.i=@b.example"),
            ],
        ),
        (
            COMMENTED,
            "foo.example.net",
            [
                result(
                    "dkim",
                    "fail",
                    "policy.expired=1362471462",
                    comment="Because I like it; One yay; wait for it; A dot can go here; like that; this surprised me;"
                    " as I wasn't expecting it",
                )
            ],
        ),
        # A method of another version; words in capitals.
        ("x; foo/2=pass", "x", [result("foo", "pass", version=2)]),
        ("x; SPF=Pass SMTP.MailFrom=A@B.example", "x", [result("spf", "pass", "smtp.mailfrom=A@B.example")]),
        # Quoting: semicolons and parentheses in quotes are text.
        (
            '"mx;1"; spf=pass smtp.mailfrom="a;b=(c)"@d.example',
            "mx;1",
            [result("spf", "pass", "smtp.mailfrom=a;b=(c)@d.example")],
        ),
        (r'x; spf=fail reason="a \"b\" \\ c"', "x", [result("spf", "fail", reason='a "b" \\ c')]),
        # What is written, though the grammar has it otherwise.
        ("x; spf=none smtp.mailfrom=<>", "x", [result("spf", "none", "smtp.mailfrom=<>")]),
        ("x; iprev=pass policy.iprev=2001:db8::1", "x", [result("iprev", "pass", "policy.iprev=2001:db8::1")]),
        (
            "x; spf=pass smtp.mailfrom=;dkim=none;",
            "x",
            [result("spf", "pass", "smtp.mailfrom="), result("dkim", "none")],
        ),
        ("x; dmarc=pass action=none header.from=b.example", "x", [result("dmarc", "pass", "header.from=b.example")]),
        ("x", "x", []),
        ("x;", "x", []),
    ],
)
def test_forms(value: str, authserv_id: str, results: list[MethodResult]) -> None:
    found = read(value)
    assert found == AuthenticationResults(authserv_id, tuple(results))


@pytest.mark.parametrize(
    ("value", "methods", "unread"),
    [
        ("x; spf=pass; what; dkim=pass", ["spf", "dkim"], ["what"]),
        ("x; spf=; dkim=pass", ["dkim"], ["spf="]),
        ("x; spf=pass smtp.mailfrom; dkim=fail", ["dkim"], ["spf=pass smtp.mailfrom"]),
        ('x; spf=pass reason="not ended; dkim=pass', [], ['spf=pass reason="not ended; dkim=pass']),
        ("x; spf=pass (not ended; dkim=pass", [], ["spf=pass (not ended; dkim=pass"]),
        ('x; =pass "; dkim=pass" (; dkim=pass); dmarc=pass', ["dmarc"], ['=pass "; dkim=pass" (; dkim=pass)']),
    ],
)
def test_a_result_that_cannot_be_read_hides_no_other_and_becomes_none(
    value: str, methods: list[str], unread: list[str]
) -> None:
    found = read(value)
    assert [one.method for one in found.results] == methods
    assert list(found.unread) == unread


@pytest.mark.parametrize(
    "value", ["", " ", ";", "; spf=pass", "(x", "x 2; spf=pass", "spf=pass smtp.mailfrom=a", "a" * 70_000, '" "; none']
)
def test_what_is_no_authentication_results(value: str) -> None:
    found = read_results(value)
    assert isinstance(found, Unreadable)
    assert found.reason


def test_of_a_forwarder() -> None:  # RFC 8617 §4.1.1
    assert read_arc_instance(" i=2; lists.example.org (why); spf=pass smtp.mfrom=a@b.example; dkim=none") == 2
    assert read_arc_instance(" (which)\r\n i = 50 ; what cannot be read (") == 50


@pytest.mark.parametrize("value", ["lists.example.org; i=1; spf=pass", "i=; x; none", "i=x; y", "i=1 x; none", "i=1"])
def test_without_its_place_a_forwarders_has_none(value: str) -> None:
    assert read_arc_instance(value) is None


def test_properties_are_found_by_name() -> None:
    found = read("x; dkim=pass header.d=a.example header.s=s1; dkim=fail header.d=b.example; spf=none")
    assert [one.value_of("header", "d") for one in found.of("dkim")] == ["a.example", "b.example"]
    assert found.of("spf")[0].value_of("smtp", "mailfrom") is None


@pytest.mark.parametrize(
    ("value", "claims"),
    [
        ("mx.example.com; spf=pass", True),
        ("MX.example.com 1; none", True),
        ("mx.example.net; spf=pass", False),
        ('"mx.example.com"; spf=pass', True),
        ("(mx.example.com", True),
        ("mx.example.com 7; spf=pass", True),
        ("mx.example.com.; spf=pass", True),
        ("\u00a0mx.example.com\u2003; spf=pass", True),
        ("mx\uff0eexample\u3002com; spf=pass", True),
        ("mx.example.com.net; spf=pass", False),
    ],
)
def test_who_a_field_claims_to_be_from(value: str, claims: bool) -> None:  # RFC 8601 §5
    assert claims_to_be_from(value, "mx.example.com") is claims


def test_an_international_service_is_known_in_both_spellings() -> None:
    for value in ("mx.bücher.example; spf=pass", "mx.xn--bcher-kva.example; spf=pass", "MX.BÜCHER.example.; none"):
        assert claims_to_be_from(value, "mx.bücher.example")
        assert claims_to_be_from(value, "mx.xn--bcher-kva.example")
    assert claims_to_be_from("Our Own Id; none", "our")
    assert claims_to_be_from("inbound_filter; none", "Inbound_Filter")


@pytest.mark.parametrize(
    "value",
    [
        'mx "; dkim=pass "; spf=fail', 'mx x"; dkim=pass "; spf=fail', "mx(.)example.com; spf=pass",
        "mx .example.com; spf=pass", "mx 1 2; spf=pass",
    ],
)  # fmt: skip
def test_nothing_stands_between_the_service_and_its_results(value: str) -> None:
    found = read_results(value)
    assert isinstance(found, Unreadable)
    assert "something stands between" in found.reason
    assert claims_to_be_from(value, "mx.example.com")


def test_what_cannot_be_read_is_not_cut_open() -> None:
    assert read('mx; x"; dkim=pass "; spf=fail').unread == ('x"; dkim=pass "',)


PIECES = st.sampled_from(
    [
        "x",
        ";",
        "=",
        " ",
        "(",
        ")",
        '"',
        "\\",
        "spf",
        "dkim",
        "pass",
        ".",
        "/",
        "1",
        "i",
        "reason",
        "\r\n ",
        "\x00",
        "é",
        "\udcff",
    ]
)


@given(st.text(max_size=200) | st.lists(PIECES, max_size=60).map("".join))
@example('x; a="\\')
def test_whatever_stands_there_is_read_or_not(value: str) -> None:
    assert isinstance(read_results(value), AuthenticationResults | Unreadable)
    assert isinstance(read_arc_instance(value), int | None)


@pytest.mark.parametrize("piece", ["(", '"', '\\"', ";(", ';"\\', "; spf=pass (", "x;", "()", '""'])
def test_hostile_fields_are_read_in_a_moment(piece: str) -> None:
    read_results("x; spf=" + piece * (65_000 // len(piece)))
