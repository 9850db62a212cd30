"""Macros: the examples of RFC 7208 §7.4, and what is none."""

import pytest

from postroad.mailauth.spf.macro import (
    DOMAIN_LETTERS,
    MAX_TEXT,
    TEXT_LETTERS,
    MacroError,
    read_domain_spec,
    read_macros,
)

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "p": "mx.example.org",
    "h": "mx.example.org",
    "v": "in-addr",
    "c": "192.0.2.3",
    "r": "mx.receiver.example",
    "t": "1700000000",
}
IPV6 = {**VALUES, "v": "ip6", "i": "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("a%%b%_c%-d", "a%b c%20d"),
        ("%{D2}", "example.com"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{s2r}", "example.strong-bad@email"),
        ("%{l999999999999}", "strong-bad"),
        ("%{l0002-}", "strong.bad"),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    assert read_macros(text, DOMAIN_LETTERS).expand(VALUES) == expanded


def test_an_ipv6_address_is_taken_apart_digit_by_digit() -> None:
    name = read_domain_spec("%{ir}.%{v}._spf.%{d2}").name(IPV6)
    assert name == "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com"


def test_delimiters_split_everywhere_and_parts_may_be_empty() -> None:
    values = {**VALUES, "l": "a-+b.c--d"}
    assert read_macros("%{l-+.}", DOMAIN_LETTERS).expand(values) == "a..b.c..d"
    assert read_macros("%{l3r-}", DOMAIN_LETTERS).expand(values) == ".+b.c.a"


def test_text_may_tell_more_than_a_domain() -> None:
    assert read_macros("%{c} at %{r} on %{t}", TEXT_LETTERS).expand(VALUES) == (
        "192.0.2.3 at mx.receiver.example on 1700000000"
    )
    for letter in "crt":
        with pytest.raises(MacroError, match="may not stand here"):
            read_macros(f"%{{{letter}}}", DOMAIN_LETTERS)


@pytest.mark.parametrize("text", ["%", "a%", "%a", "%{", "%{d", "%{x}", "%{}", "%{d-2}", "%{dr2}", "%{d0}", "%{d00r}",
                                  "%(d)", "%{d!}", "100%.example.com"])  # fmt: skip
def test_what_is_no_macro_is_refused(text: str) -> None:
    with pytest.raises(MacroError):
        read_macros(text, DOMAIN_LETTERS)


@pytest.mark.parametrize(
    "text",
    [
        "a.b",
        "a.b.",
        "%{d}",
        "%{d}.com",
        "x%%",
        "x%_",
        "%-",
        "foo:bar/baz.example.com",
        ".b",
        "a..b.c",
        "a.xn--zckzah",
        "a.1-2",
        "a.b2",
        "a.2b",
    ],
)
def test_a_domain_ends_in_a_macro_or_a_top_label(text: str) -> None:
    assert read_domain_spec(text).text == text


@pytest.mark.parametrize("text", ["", "museum", "museum.", "a.123", "a.-b", "a.b-", "a.", "a.b..", "a.b_c", "%{d}com",
                                  "%{d}.", "a.b}", "%%museum", "a.b/24", "a.b:25"])  # fmt: skip
def test_what_ends_otherwise_is_no_domain(text: str) -> None:
    with pytest.raises(MacroError):
        read_domain_spec(text)


def test_a_name_that_is_too_long_loses_labels_on_its_left() -> None:
    long = ".".join(["abcdefghi"] * 40)
    assert read_domain_spec("%{d}.end.example.com.").name({**VALUES, "d": long}) == (
        ".".join(["abcdefghi"] * 23) + ".end.example.com"
    )
    exact = "a" * 241 + ".example.com"
    assert read_domain_spec("%{d}").name({**VALUES, "d": exact}) == exact
    assert read_domain_spec("b.%{d}").name({**VALUES, "d": exact}) == exact
    assert read_domain_spec("%{d}").name({**VALUES, "d": "a" + exact}) == "example.com"
    assert read_domain_spec("%{d}").name({**VALUES, "d": "a" * 300}) == ""


def test_thousands_of_macros_do_not_become_a_large_text() -> None:
    many = read_macros("%{s}" * 16_000, DOMAIN_LETTERS)
    values = {**VALUES, "s": "x" * 1000 + "." + "y" * 20}
    assert many.expand(values) is None
    assert len(many.name(values)) <= 253
    assert len(many.expand({**VALUES, "s": "x"}) or "") <= MAX_TEXT
