"""Which site receives for which domain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.outbox.destination import Destinations, site_of
from postroad.outbox.shaping.in_force import shipped_rules
from postroad.outbox.shaping.rules import NO_RULES, Rules, Site

OURS = Rules(
    sites={
        "google": Site("google", frozenset({"gmail.com"}), ("google.com",)),
        "books": Site("books", frozenset({"xn--bcher-kva.example"})),
    }
)


@pytest.mark.parametrize(
    ("domain", "site"),
    [
        ("gmail.com", "google"),
        ("GMail.COM", "google"),
        ("gmail.com.", "google"),
        ("bücher.example", "books"),
        ("BÜCHER.example", "books"),
        ("mail.gmail.com", "mail.gmail.com"),
        ("Example.com", "example.com"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("no domain", "no domain"),
    ],
)
def test_the_site_of_a_domain(domain: str, site: str) -> None:
    assert site_of(domain, OURS) == site
    known = Destinations(OURS)
    assert [known.site(domain), known.site(domain)] == [site, site]


def test_what_is_handed_in_has_the_last_word() -> None:
    known = Destinations(OURS, {"Acme.example": "google", "gmail.com": "elsewhere"})
    assert [known.site(domain) for domain in ("acme.example", "ACME.example", "gmail.com")] == [
        "google", "google", "elsewhere",
    ]  # fmt: skip


@given(st.text(max_size=20))
def test_whatever_it_is_it_has_a_site_and_the_site_is_its_own(domain: str) -> None:
    site = site_of(domain, NO_RULES)
    assert site_of(site, NO_RULES) == site


def test_shipped_domains_are_found() -> None:
    known = Destinations(shipped_rules())
    assert [known.site(one) for one in ("googlemail.com", "hotmail.fr", "aol.com", "web.de", "me.com")] == [
        "google", "outlook", "yahoo", "gmx", "apple",
    ]  # fmt: skip
