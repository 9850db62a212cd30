"""The checks of records: one fault each, what is to be published, and a DNS that does not answer."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.doctor.check import NOT_CHECKED
from postroad.lookup import Answer, RecordType, Status
from postroad.net.dns.zone import Zone
from tests.doctor.examined import AUTHENTICATION, examine, faults, subject
from tests.doctor.sick import SICK, Sick
from tests.doctor.zones import (
    DMARC,
    DOMAIN,
    KEY_NAME,
    SELECTOR,
    SPF,
    changed,
    healthy,
    other_key,
    publish,
    rsa_key,
    with_spf,
)

_CASES = [pytest.param(case, id=name) for name, case in SICK.items()]
_NO_FAULT = {"DNS-03"}  # it is good to know, and nothing more


def test_nothing_is_wrong_with_a_healthy_domain() -> None:
    found = examine(healthy(), subject(keys={SELECTOR: rsa_key()}))
    assert faults(found) == {}
    assert "unknown" not in {one.level for one in found.values()}
    assert not [one.id for one in found.values() if one.seen.startswith(NOT_CHECKED)]
    assert all(one.rule and one.rfc and one.seen for one in found.values())


@pytest.mark.parametrize("case", _CASES)
def test_a_fault_is_found_by_its_check_alone(case: Sick) -> None:
    found = examine(case.zone, case.subject())
    assert faults(found) == {case.id: case.level, **case.too}
    assert (found[case.id].publish is not None) == case.remedy


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in SICK.items() if case.remedy])
def test_what_is_to_be_published_mends_the_fault(case: Sick) -> None:
    lines = examine(case.zone, case.subject())[case.id].publish
    assert lines is not None
    mended = examine(publish(case.zone, lines), case.subject())
    assert mended[case.id].level in case.after
    assert "fail" not in faults(mended).values()


def test_every_check_has_its_fault() -> None:
    assert {case.id for case in SICK.values()} == {check.id for check in AUTHENTICATION} - _NO_FAULT


def test_the_ids_are_those_of_the_list() -> None:
    numbers = {"DNS": 4, "SPF": 14, "DK": 11, "DM": 13}
    expected = [f"{area}-{n:02}" for area, most in numbers.items() for n in range(1, most + 1)]
    assert [check.id for check in AUTHENTICATION] == expected


def test_the_terms_that_ask_are_shown_as_they_lead_to_each_other() -> None:
    zone = with_spf("v=spf1 include:esp.example mx redirect=more.example")
    zone["esp.example"] = [{"TXT": "v=spf1 ip4:192.0.2.1 a:mx.acme.example include:two.example -all"}]
    zone["two.example"] = [{"TXT": "v=spf1 exists:%{i}.two.example ~all"}]
    zone["more.example"] = [{"TXT": "v=spf1 a:ns1.acme.example -all"}]
    terms = "include:esp.example (a:mx.acme.example, include:two.example (exists:%{i}.two.example))"
    terms += ", mx, redirect=more.example, a:ns1.acme.example"
    seen = examine(zone)["SPF-03"].seen.split("; ")
    assert seen == [f"{DOMAIN}: 7 of 10 terms ask the DNS: {terms}", "mail.acme.example: 1 of 10 terms ask the DNS: a"]
    assert examine(zone)["SPF-04"].level == "pass"  # what is asked about a client is nobody's fault


# ── a DNS that does not answer ──────────────────────────────────────────────────────────────────────────────────────


class Failing:
    """A zone in which some questions get no answer."""

    def __init__(self, zone: dict[str, list[Any]], status: Status, unanswered: Iterable[int] | None = None) -> None:
        self._zone = Zone(zone)
        self._status = status
        self._unanswered = None if unanswered is None else set(unanswered)
        self.asked = 0

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        self.asked += 1
        if self._unanswered is None or self.asked in self._unanswered:
            return Answer(name, kind, self._status)
        return await self._zone.lookup(name, kind)


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.FAILED])
@pytest.mark.parametrize("check", AUTHENTICATION, ids=lambda check: check.id)
def test_without_any_answer_everything_is_unknown(check: Any, status: Status) -> None:
    found = examine(Failing(healthy(), status), subject(keys={SELECTOR: rsa_key()}), [check])[check.id]
    if check.id == "DK-09":  # it looks at how we sign, and asks nobody
        assert found.level == "pass"
        return
    assert found.level == "unknown"
    assert status.value in found.seen
    assert found.publish is None


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.FAILED])
@pytest.mark.parametrize("check", AUTHENTICATION, ids=lambda check: check.id)
def test_a_single_question_without_an_answer_is_never_a_fault(check: Any, status: Status) -> None:
    of = subject(keys={SELECTOR: rsa_key()})
    count = Failing(healthy(), status, ())
    examine(count, of, [check])
    for number in range(1, count.asked + 1):
        found = examine(Failing(healthy(), status, [number]), of, [check])[check.id]
        assert found.level == "unknown", (number, found.seen)


def test_a_fault_of_one_area_is_told_though_another_has_no_answer() -> None:
    zone = changed((DOMAIN, "TXT", ["TIMEOUT"]), (f"_dmarc.{DOMAIN}", "TXT", [DMARC.replace("reject", "none", 1)]))
    found = examine(zone)
    assert found["SPF-01"].level == "unknown"
    assert found["DM-04"].level == "warn"


def test_a_record_of_the_retired_type_is_told() -> None:
    both = changed((DOMAIN, "SPF", [SPF]))
    found = examine(both)["SPF-13"]
    assert (found.level, found.publish) == ("info", None)
    assert "acme.example has a record of the type SPF (99)" in found.seen
    alone = changed((DOMAIN, "SPF", [SPF]), (DOMAIN, "TXT", []))  # a written zone has it for TXT, too
    assert faults(examine(alone)) == {}
    assert examine(alone)["SPF-13"].level == "pass"


# ── what anybody may publish ────────────────────────────────────────────────────────────────────────────────────────

_PIECES = st.sampled_from(
    ["v=spf1", "v=DMARC1", "v=DKIM1", " ", ";", "=", ",", ":", "a", "mx", "ptr", "all", "+all", "include:", "redirect=",
     "acme.example", "esp.example", "%{i}", "%{d}", "%{p}", "%{", "ip4:", "ip6:", "192.0.2.1", "/0", "//", "p=", "none",
     "rua=", "mailto:", "a@b.example", "!1m", "k=rsa", "k=ed25519", "AAAA", "psd=y", "fo=1", "p=reject", "pct=1",
     "t=y", "h=sha1", "\n", "\x1b", "\x00", "\xff", '"', "\\"]
)  # fmt: skip
_TEXTS = st.one_of(
    st.binary(max_size=200),
    st.lists(_PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode("latin-1")),
    st.tuples(st.sampled_from([SPF, DMARC, "v=DKIM1; t=y; p=AAAA; "]), st.lists(_PIECES, max_size=4)).map(
        lambda given: (given[0] + "".join(given[1])).encode("latin-1")
    ),
)


@given(own=st.lists(_TEXTS, max_size=2), policy=st.lists(_TEXTS, max_size=2), key=_TEXTS, include=_TEXTS)
def test_whatever_is_published_every_check_has_a_finding(
    own: list[bytes], policy: list[bytes], key: bytes, include: bytes
) -> None:
    zone = changed(
        (DOMAIN, "TXT", own),
        (f"_dmarc.{DOMAIN}", "TXT", policy),
        (KEY_NAME, "TXT", [key]),
        ("esp.example", "TXT", [include]),
    )
    found = examine(zone, subject(keys={SELECTOR: other_key()}, selectors=(SELECTOR,)))
    assert len(found) == len(AUTHENTICATION)
    assert all(one.seen.isprintable() for one in found.values())
    assert all(line.isprintable() for one in found.values() for line in (one.publish or "").splitlines())
