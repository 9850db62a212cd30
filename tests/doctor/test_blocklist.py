"""Lists as data."""

from ipaddress import ip_address

import pytest

from postroad.doctor.blocklist import Blocklist, Kind, Weight, backwards, read_blocklists, usual_blocklists
from postroad.errors import ConfigurationError

ONE = b'[[list]]\nzone = "bl.example."\nkind = "address"\nweight = "minor"\nerrors = ["127.0.0.1"]\n'


def test_the_usual_lists() -> None:
    lists = usual_blocklists()
    assert {one.kind for one in lists} == {Kind.ADDRESS, Kind.DOMAIN}
    assert len({one.zone for one in lists}) == len(lists)
    assert all(one.about.startswith("https://") for one in lists)


def test_a_file_of_ones_own() -> None:
    (one,) = read_blocklists(ONE)
    assert one == Blocklist("bl.example", Kind.ADDRESS, Weight.MINOR, errors=(ip_address("127.0.0.1"),))  # type: ignore[arg-type]  # it is of the fourth version


def test_addresses_are_asked_about_backwards() -> None:
    assert backwards(ip_address("192.0.2.1")) == "1.2.0.192"
    assert backwards(ip_address("2001:db8::1")) == f"1.{'0.' * 23}8.b.d.0.1.0.0.2"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff", "no TOML"),
        (b"list = 1", r"no \[\[list\]\]"),
        (b"[[list]]\n", "list 1: zone is missing"),
        (ONE.replace(b"minor", b"huge"), "list 1: .*huge"),
        (ONE.replace(b"127.0.0.1", b"localhost"), "list 1: .*localhost"),
        (b"#" * 1_000_001, "octets"),
    ],
)
def test_what_is_no_list(content: bytes, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_blocklists(content)
