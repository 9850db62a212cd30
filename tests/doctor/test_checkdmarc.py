"""The faults of SPF records, looked for by checkdmarc and by us: what one calls an error, so does the other."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import checkdmarc.spf as theirs
import checkdmarc.utils
import pytest
from dns.message import make_query
from dns.resolver import NXDOMAIN, NoAnswer

from postroad.lookup import Answer, Mx, Record, RecordType, Status
from postroad.net.dns.zone import Zone
from tests.doctor.examined import examine, subject
from tests.doctor.sick import SICK
from tests.doctor.zones import DOMAIN, healthy

ERRORS = ("SPF-01", "SPF-02", "SPF-03", "SPF-04", "SPF-05", "SPF-08", "SPF-09")
CASES = {name: case for name, case in SICK.items() if case.id.startswith("SPF-") and not case.given}
# checkdmarc looks at ten MX records and says nothing of the eleventh, which RFC 7208 §4.6.4 makes an error; nor
# does it count the names of a client, of which all but ten are passed over.
DIFFERENT = {"eleven exchanges", "eleven names of a client"}


class _Shared:
    """The zone that checkdmarc asks."""

    zone = Zone()

    @classmethod
    def ask(cls, name: str, kind: str, **_: object) -> list[str]:
        answer = (
            cls.zone.answer(name, RecordType(kind)) if kind != "SPF" else Answer(name, RecordType.TXT, Status.NO_DATA)
        )
        if answer.status is Status.NO_NAME:
            raise NXDOMAIN
        if answer.status is not Status.FOUND:
            raise NoAnswer(response=make_query(name, "TXT"))  # type: ignore[no-untyped-call]  # dnspython has no type
        return [_written(one) for one in answer.records]


def _written(record: Record) -> str:
    if isinstance(record, Mx):
        return f"{record.preference} {record.host}."
    if isinstance(record, bytes):
        text = record.decode("latin-1")
        return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
    return str(record)


@pytest.fixture(autouse=True, scope="module")
def no_network() -> Iterator[None]:
    with patch.object(theirs, "query_dns", _Shared.ask), patch.object(checkdmarc.utils, "query_dns", _Shared.ask):
        yield


def their_error(zone: dict[str, list[Any]]) -> str | None:
    _Shared.zone = Zone(zone)
    try:
        record = theirs.query_spf_record(DOMAIN)["record"]
        theirs.parse_spf_record(record, DOMAIN)
    except theirs.SPFError as error:
        return type(error).__name__
    return None


def our_errors(zone: dict[str, list[Any]]) -> list[str]:
    found = examine(zone, subject())
    return [id_ for id_ in ERRORS if found[id_].level == "fail"]


def test_both_find_nothing_in_a_healthy_domain() -> None:
    assert their_error(healthy()) is None
    assert our_errors(healthy()) == []


@pytest.mark.parametrize("name", sorted(CASES.keys() - DIFFERENT))
def test_both_find_an_error_or_none(name: str) -> None:
    zone = CASES[name].zone
    assert (their_error(zone) is None) == (our_errors(zone) == []), (their_error(zone), our_errors(zone))
