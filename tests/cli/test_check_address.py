"""``postroad check address``: people, programs, standard input, and how it ends."""

import pytest

from tests.cli.command import run_inside

ZONE = """
acme.example:
  - MX: [10, mail.acme.example]
gmail.com:
  - MX: [5, mx.google.example]
slow.example:
  - TIMEOUT
"""


def test_each_on_its_line_in_the_order_given(zone: str) -> None:
    addresses = ("ann@acme.example", "ann", "ann@nowhere.example", "ann@slow.example")
    ended = run_inside("check", "address", *addresses, "--dns", zone, "--jsonl")
    assert ended.code == 0
    assert [one["address"] for one in ended.lines] == list(addresses)
    levels = [{one["id"]: one["level"] for one in line["findings"]} for line in ended.lines]
    assert [one.get("ADDR-02") for one in levels] == ["pass", None, "fail", "unknown"]
    assert levels[1] == {"ADDR-01": "fail"}
    assert set(ended.lines[0]["findings"][0]) == {"id", "level", "seen", "rule", "rfc", "publish"}


@pytest.mark.parametrize(
    ("address", "code"), [("ann@acme.example", 0), ("ann@nowhere.example", 3), ("ann@slow.example", 75), ("ann", 3)]
)
def test_how_it_ends(zone: str, address: str, code: int) -> None:
    assert run_inside("check", "address", address, "--dns", zone).code == code
    assert run_inside("check", "address", address, "--dns", zone, "--json").code == code


def test_what_was_meant(zone: str) -> None:
    ended = run_inside("check", "address", "ann@gmal.com", "--dns", zone)
    assert "ann@gmail.com" in ended.stdout


def test_addresses_on_standard_input(zone: str) -> None:
    given = "ann@acme.example\n\nbob@acme.example\n"
    ended = run_inside("check", "address", "-", "--dns", zone, "--jsonl", given=given)
    assert [one["normalized"] for one in ended.lines] == ["ann@acme.example", "bob@acme.example"]


def test_several_in_one_document(zone: str) -> None:
    ended = run_inside("check", "address", "ann@acme.example", "bob@acme.example", "--dns", zone, "--json")
    assert [one["address"] for one in ended.json["addresses"]] == ["ann@acme.example", "bob@acme.example"]
