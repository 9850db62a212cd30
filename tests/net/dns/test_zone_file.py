"""A zone in YAML: every scalar is what is written, and every fault has its line."""

import pytest

from postroad.errors import ConfigurationError
from postroad.lookup import Mx, RecordType, Status
from postroad.net.dns import zone_file
from postroad.net.dns.zone_file import read_zone

ZONE = rb"""
# a comment
acme.example:
  - A: 192.0.2.1
  - AAAA: 2001:0:0:0:0:0:0:1   # a number to base 60, if YAML 1.1 has its way
  - MX: [010, mail.acme.example]
  - TXT: "v=spf1 -all"
  - TXT: yes
  - TXT: [ "one ", 'two' ]
  - TXT: 1
null.example: [{MX: [0, ""]}]
late.example:
  - TIMEOUT
one.example: {TXT: alone}
there.example:
octets.example:
  - TXT: !!binary gA==
shared.example: &shared
  - A: 192.0.2.7
also.example: *shared
"""


def test_a_zone_is_read() -> None:
    zone = read_zone(ZONE)
    assert str(zone.answer("acme.example", RecordType.AAAA).addresses[0]) == "2001::1"
    assert zone.answer("acme.example", RecordType.MX).exchanges == (Mx(10, "mail.acme.example"),)
    assert zone.answer("acme.example", RecordType.TXT).texts == (b"v=spf1 -all", b"yes", b"one two", b"1")
    assert zone.answer("null.example", RecordType.MX).exchanges == (Mx(0, ""),)
    assert zone.answer("late.example", RecordType.A).status is Status.TIMEOUT
    assert zone.answer("one.example", RecordType.TXT).texts == (b"alone",)
    assert zone.answer("there.example", RecordType.TXT).status is Status.NO_DATA
    assert zone.answer("octets.example", RecordType.TXT).texts == (b"\x80",)
    assert zone.answer("also.example", RecordType.A).addresses == zone.answer("shared.example", RecordType.A).addresses


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"{}", b"---\n"])
def test_an_empty_zone_is_a_zone(content: bytes) -> None:
    assert read_zone(content).answer("acme.example", RecordType.A).status is Status.NO_NAME


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a.example:\n  - A: 192.0.2.1\n  - A: here\n", "line 3: 'a.example': 'here' is no value of type A"),
        (b"a.example:\n  - TX: x\n", "line 2: 'a.example': 'TX' is no type"),
        (b"- a.example\n", "line 1: a mapping of names"),
        (b"a.example:\n\t- A: x\n", "line 2: no YAML"),
        (b"a.example: [\n", "no YAML"),
        (b"a.example: *b\n", "line 1: nothing is called 'b'"),
        (b"a.example: &b [*b]\n", "line 1: nothing is called 'b'"),
        (b"---\na.example:\n---\nb.example:\n", "line 3: a second document"),
        (b"a.example:\n - TXT: !!binary x\n", "line 2: !!binary"),
        (b"? [a]\n: b\n", "line 1: a name is missing"),
        (b"[" * 100_000, "line 1: this is nested deeper"),
        (b"- " * 100_000, "line 1: this is nested deeper"),
        (b"a: \xff\xfe", "no YAML|not UTF-8"),
    ],
)
def test_a_fault_has_its_line(content: bytes, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        read_zone(content)


def test_a_zone_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_file, "MAX_RECORDS", 3)
    with pytest.raises(ConfigurationError, match="more than 3 records"):
        read_zone(b"a: &a [{A: 192.0.2.1}, {A: 192.0.2.1}]\nb: *a\n")
    monkeypatch.setattr(zone_file, "MAX_OCTETS", 10)
    with pytest.raises(ConfigurationError, match="10 are the limit"):
        read_zone(b"acme.example: []")
