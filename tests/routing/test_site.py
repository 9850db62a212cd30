"""MX roll-up."""

import pytest

from postroad.routing.site import registered_name, site_of_hosts

PROVIDERS = {"google.com": "google", "googlemail.com": "google", "protection.outlook.com": "microsoft",
             "yahoo.co.jp": "yahoo-japan", "mail.yahoo.co.jp": "yahoo-mail"}  # fmt: skip


@pytest.mark.parametrize(
    ("hosts", "site"),
    [
        (["aspmx.l.google.com.", "ALT1.aspmx.l.GOOGLE.com", "aspmx2.googlemail.com"], "google"),
        (["acme-com.mail.protection.outlook.com"], "microsoft"),
        (["mx1.mail.yahoo.co.jp"], "yahoo-mail"),
        (["mx1.yahoo.co.jp"], "yahoo-japan"),
        (["mx1.acme.example", "mx2.acme.example"], "acme.example"),
        (["mx2.acme.example", "mx1.acme.example"], "acme.example"),
        (["mx.acme.co.uk"], "acme.co.uk"),
        (["mx.acme.de", "mx.backup.example"], "acme.de+backup.example"),
        (["aspmx.l.google.com", "mx.acme.example"], "acme.example+google"),
        (["notgoogle.com"], "notgoogle.com"),
        (["localhost"], "localhost"),
    ],
)
def test_hosts_of_one_owner_are_one_site(hosts: list[str], site: str) -> None:
    assert site_of_hosts(hosts, PROVIDERS) == site


@pytest.mark.parametrize(
    ("host", "name"),
    [("a.b.c.example", "c.example"), ("co.uk", "co.uk"), ("a.co.uk", "a.co.uk"), ("x.a.co.uk", "a.co.uk"),
     ("x.co.example", "co.example"), ("x.y.de", "y.de")],
)  # fmt: skip
def test_what_was_registered(host: str, name: str) -> None:
    assert registered_name(host) == name
