"""Looking at addresses before mail goes to them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.doctor.recipient.check import CheckedAddress, check_address, is_role
from postroad.doctor.recipient.spelling import is_one_slip, mailbox_domains, meant_by
from postroad.lint.finding import Level
from postroad.testing.fake_dns import FakeDns

ZONE = {
    "acme.example": [{"MX": [20, "backup.acme.example"]}, {"MX": [10, "mail.acme.example"]}],
    "old.example": [{"A": "192.0.2.1"}],
    "silent.example": [{"MX": [0, ""]}],
    "empty.example": [{"TXT": "nothing"}],
    "slow.example": ["TIMEOUT"],
    "broken.example": ["SERVFAIL"],
    "gmail.com": [{"MX": [5, "gmail-smtp-in.l.google.com"]}],
    "gmial.com": [{"MX": [5, "parked.example"]}],
    "xn--bcher-kva.example": [{"MX": [10, "mail.acme.example"]}],
}


def look(text: str) -> CheckedAddress:
    return asyncio.run(check_address(text, FakeDns(ZONE)))


def faults(checked: CheckedAddress) -> dict[str, Level]:
    return {one.id: one.level for one in checked.findings if one.level is not Level.PASS}


def test_an_address_that_is_fine() -> None:
    checked = look("Ann Example <ann@acme.example>")
    assert faults(checked) == {}
    assert [one.id for one in checked.findings] == ["ADDR-01", "ADDR-02", "ADDR-03", "ADDR-04"]
    document = checked.as_dict()
    assert document["normalized"] == "ann@acme.example"
    assert document["mx"] == ["mail.acme.example", "backup.acme.example"]
    assert document["reception"] == "exchangers"


@pytest.mark.parametrize(
    ("text", "id_", "level", "words"),
    [
        ("ann", "ADDR-01", Level.FAIL, "no @"),
        ("ann@acme..example", "ADDR-01", Level.FAIL, "labels"),
        ("a b@acme.example", "ADDR-01", Level.FAIL, "not allowed"),
        ("änn@acme.example", "ADDR-01", Level.INFO, "SMTPUTF8"),
        ("ann@nowhere.example", "ADDR-02", Level.FAIL, "does not exist"),
        ("ann@empty.example", "ADDR-02", Level.FAIL, "neither mail exchangers nor an address"),
        ("ann@silent.example", "ADDR-02", Level.FAIL, "receives no mail"),
        ("ann@old.example", "ADDR-02", Level.WARN, "no mail exchanger"),
        ("ann@slow.example", "ADDR-02", Level.UNKNOWN, "timeout"),
        ("ann@broken.example", "ADDR-02", Level.UNKNOWN, "server failure"),
        ("ann@[192.0.2.1]", "ADDR-02", Level.WARN, "no domain"),
        ("ann@gmial.com", "ADDR-03", Level.WARN, "gmail.com"),
        ("info@acme.example", "ADDR-04", Level.INFO, "function"),
    ],
)
def test_one_fault(text: str, id_: str, level: Level, words: str) -> None:
    checked = look(text)
    assert faults(checked) == {id_: level}
    assert words in next(one.seen for one in checked.findings if one.id == id_)


def test_a_domain_in_other_letters() -> None:
    checked = look("ann@bücher.example")
    assert checked.as_dict()["domain"] == "xn--bcher-kva.example"
    assert faults(checked) == {}


def test_what_was_meant() -> None:
    checked = look("Ann.Example@gmial.com")
    assert checked.suggestion == "Ann.Example@gmail.com"
    assert next(one.publish for one in checked.findings if one.id == "ADDR-03") == "Ann.Example@gmail.com"
    assert faults(look(checked.suggestion)) == {}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmail.con", "gmail.com"),
        ("gmal.com", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("yahooo.com", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("icloud.co", "icloud.com"),
        ("mail.com", None),  # one letter from gmail.com, and itself well known
        ("gmx.net", None),
        ("acme.example", None),
        ("q.com", None),
    ],
)
def test_spelling(typed: str, meant: str | None) -> None:
    assert meant_by(typed) == meant


def test_the_well_known_domains_are_in_order() -> None:
    domains = mailbox_domains()
    assert list(domains) == sorted(set(domains))


@given(st.text("abc.", min_size=1, max_size=6), st.text("abc.", min_size=1, max_size=6))
def test_a_slip_is_one_step_of_the_usual_distance(one: str, other: str) -> None:
    assert is_one_slip(one, other) == is_one_slip(other, one)
    assert is_one_slip(one, other) == (other in _slips(one))


def _slips(text: str) -> set[str]:
    places = range(len(text) + 1)
    added = {text[:at] + letter + text[at:] for at in places for letter in "abc."}
    less = {text[:at] + text[at + 1 :] for at in places[:-1]}
    wrong = {text[:at] + letter + text[at + 1 :] for at in places[:-1] for letter in "abc."}
    swapped = {text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in range(len(text) - 1)}
    return (added | less | wrong | swapped) - {text}


@pytest.mark.parametrize(("local", "role"), [("Info", True), ("no-reply+x", True), ("no_reply", True), ("ann", False)])
def test_roles(local: str, role: bool) -> None:
    assert is_role(local) is role
