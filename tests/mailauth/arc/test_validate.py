"""Chains that a foreign implementation seals, and what becomes of them when somebody touches them (RFC 8617 §5.2)."""

import asyncio
import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from postroad.lookup import Answer, RecordType
from postroad.mailauth.arc.chain import MAX_SETS, ChainStatus
from postroad.mailauth.arc.validate import ArcResult, validate
from postroad.testing.fake_dns import FakeDns
from tests.mailauth.arc.foreign_chain import MESSAGE, chain, dns, key_record, sealed, theirs

AT = 1_795_000_000.0  # seconds since the epoch


def found(message: bytes, zone: FakeDns | None = None, *, at: float = AT) -> ArcResult:
    return asyncio.run(validate(message, zone or dns(5), at=at))


@pytest.fixture(scope="module")
def three() -> bytes:
    return chain(3)


@pytest.mark.parametrize("sets", [1, 2, 5])
def test_a_chain_passes(sets: int) -> None:
    message = chain(sets)
    result = found(message)
    assert (result.status, result.oldest_pass) == (ChainStatus.PASS, 0), result.reason
    assert [by.domain for by in result.sealed_by] == [f"f{number}.example" for number in range(1, sets + 1)]
    assert theirs(message, range(1, sets + 1)) == "pass"


def test_a_message_without_a_chain_has_none() -> None:
    assert found(MESSAGE).as_dict() == {"cv": "none", "reason": "the message has no ARC fields"}


def test_bare_line_feeds_are_line_ends(three: bytes) -> None:
    assert found(three.replace(b"\r\n", b"\n")).status is ChainStatus.PASS


def test_a_list_that_changes_the_message_keeps_the_chain_and_shows_since_when() -> None:
    at_the_list = sealed(MESSAGE, 1)
    message = sealed(at_the_list.replace(b"Subject: ", b"Subject: [list] ") + b"-- \r\nlist@lists.example\r\n", 2)
    result = found(sealed(message, 3))
    assert (result.status, result.oldest_pass) == (ChainStatus.PASS, 2), result.reason  # step 5
    assert theirs(message, (1, 2)) == "pass"


CHANGES: dict[str, tuple[bytes, bytes]] = {
    "body": (b"lines.", b"lines!"),
    "signed field": (b"From: Ann", b"From: Eve"),
    "added From": (b"To: list", b"From: eve@evil.example\r\nTo: list"),
    "newest results": (b"i=3; mx.f3.example", b"i=3; mx.f3.examplf"),
    "older results": (b"i=1; mx.f1.example", b"i=1; mx.f1.examplf"),
    "older finding": (b"i=1; mx.f1.example;\r\n spf=pass", b"i=1; mx.f1.example;\r\n spf=fail"),
    "older seal's time": (b"d=f2.example; s=s2; t=", b"d=f2.example; s=s2; t=1"),
    "algorithm": (b"ARC-Seal: i=3; cv=pass; a=rsa-sha256", b"ARC-Seal: i=3; cv=pass; a=rsa-sha1"),
    "key of another": (b"d=f3.example; s=s3", b"d=f9.example; s=s9"),
    "seal with h=": (b"ARC-Seal: i=3; cv=pass;", b"ARC-Seal: i=3; cv=pass; h=from;"),
    "first seal passes": (b"ARC-Seal: i=1; cv=none", b"ARC-Seal: i=1; cv=pass"),
    "later seal none": (b"ARC-Seal: i=2; cv=pass", b"ARC-Seal: i=2; cv=none"),
    "status in capitals": (b"ARC-Seal: i=2; cv=pass", b"ARC-Seal: i=2; cv=Pass"),
    "no status": (b"ARC-Seal: i=2; cv=pass", b"ARC-Seal: i=2; cx=pass"),
    "failed before": (b"ARC-Seal: i=2; cv=pass", b"ARC-Seal: i=2; cv=fail"),
    "no instance": (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: j=2;"),
    "instance 0": (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: i=0;"),
    "instance 51": (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: i=51;"),
    "instance 1e1": (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: i=1e1;"),
    "instance in a comment": (b"ARC-Authentication-Results: i=3;", b"ARC-Authentication-Results: (i=3;)"),
    "doubled": (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: i=3;"),
    "no tag list": (b"ARC-Seal: i=3;", b"ARC-Seal: i=3; i=3;"),
    "signs a seal": (b"h=from : to", b"h=arc-seal : to"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_touched_chain_fails(three: bytes, change: str) -> None:
    old, new = CHANGES[change]
    assert old in three
    result = found(three.replace(old, new, 1))
    assert result.status is ChainStatus.FAIL
    assert result.reason
    assert not result.temporary


@pytest.mark.parametrize("name", [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"])
@pytest.mark.parametrize("instance", [b"1", b"2", b"3"])
@pytest.mark.parametrize("times", [0, 2])
def test_each_set_has_each_field_once(three: bytes, name: bytes, instance: bytes, times: int) -> None:  # step 3 A, B
    field = re.compile(rb"^" + name + rb": i=" + instance + rb";.*\r\n(?:[ \t].*\r\n)*", re.MULTILINE)
    changed, count = field.subn(lambda match: match.group() * times, three)
    assert count == 1
    assert found(changed).status is ChainStatus.FAIL


def test_a_chain_begins_with_one_and_has_no_gap(three: bytes) -> None:
    for instance in (b"1", b"2"):
        field = re.compile(rb"^ARC-[A-Za-z-]*: i=" + instance + rb";.*\r\n(?:[ \t].*\r\n)*", re.MULTILINE)
        changed, count = field.subn(b"", three)
        assert count == 3
        assert "there is no" in found(changed).reason


def test_more_than_fifty_sets_are_not_read(three: bytes) -> None:
    fields = b"".join(b"ARC-Seal: i=%d; cv=pass\r\n" % (number % 99 + 1) for number in range(3 * MAX_SETS + 1))
    assert "more than 50" in found(fields + MESSAGE).reason


@pytest.mark.parametrize("failure", ["TIMEOUT", "SERVFAIL"])
@pytest.mark.parametrize("asked", [1, 3])
def test_a_key_that_nobody_answers_for_fails_the_chain_and_says_so(three: bytes, failure: str, asked: int) -> None:
    records: dict[str, object] = {
        f"s{number}._domainkey.f{number}.example": [{"TXT": key_record()}] for number in (1, 2, 3)
    }
    records[f"s{asked}._domainkey.f{asked}.example"] = [failure]
    result = found(three, FakeDns(records))  # §5.2.1
    assert (result.status, result.temporary) == (ChainStatus.FAIL, True)
    assert "could not be asked" in result.reason


@pytest.mark.parametrize(
    "record",
    [
        "v=DKIM1; p=",
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "v=DKIM2; p=x",
        "nonsense",
        key_record().replace("k=rsa", "k=rsa; s=tlsrpt"),
        key_record().replace("k=rsa", "k=rsa; h=sha1"),
    ],
)
def test_a_key_that_does_not_fit_fails_the_chain(three: bytes, record: str) -> None:
    records: dict[str, object] = {
        f"s{number}._domainkey.f{number}.example": [{"TXT": key_record()}] for number in (1, 3)
    }
    result = found(three, FakeDns({**records, "s2._domainkey.f2.example": [{"TXT": record}]}))
    assert (result.status, result.temporary) == (ChainStatus.FAIL, False)
    assert result.reason.startswith("ARC-Seal i=2: ")


def test_one_of_several_keys_is_enough(three: bytes) -> None:
    records = {
        f"s{number}._domainkey.f{number}.example": [{"TXT": "v=DKIM1; p="}, {"TXT": key_record()}]
        for number in (1, 2, 3)
    }
    assert found(three, FakeDns(records)).status is ChainStatus.PASS


def test_each_key_is_asked_for_once(three: bytes) -> None:
    zone = dns(3)
    found(three, zone)
    assert sorted(name for name, _ in zone.asked) == [f"s{number}._domainkey.f{number}.example" for number in (1, 2, 3)]


# ── whatever a stranger sends ─────────────────────────────────────────────────────────────────────────────────────────

THREE = chain(3)
HURTFUL = st.sampled_from(
    [b"", b"\r\n", b"\r\n\r\n", b";", b"=", b"i=1;", b"\x00", b"\xff", b"ARC-Seal: ", b"(", b":", b"h=", b"a=", b" "]
)


def cut(place: int, length: int, put: bytes) -> Callable[[bytes], bytes]:
    return lambda message: message[:place] + put + message[place + length :]


@given(st.lists(st.builds(cut, st.integers(0, len(THREE)), st.integers(0, 40), HURTFUL), min_size=1, max_size=4))
def test_whatever_is_done_to_a_chain_there_is_a_status(changes: list[Callable[[bytes], bytes]]) -> None:
    message = THREE
    for change in changes:
        message = change(message)
    result = found(message)
    assert result.reason
    assert (result.oldest_pass is not None) == (result.status is ChainStatus.PASS)


TWO = chain(2)


@given(st.integers(0, len(TWO) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_noticed_where_dkimpy_notices_it(place: int, bit: int) -> None:
    octet = TWO[place] ^ 1 << bit
    assume(octet not in b"\v\f")  # white space for dkimpy, none for RFC 6376 §2.8
    message = TWO[:place] + bytes([octet]) + TWO[place + 1 :]
    try:
        verdict = theirs(message, (1, 2))
    except Exception:  # noqa: BLE001 - it gives up, in many ways, where the header holds what is no field
        verdict = "none"
    assert found(message).status in ((verdict,) if verdict != "none" else ("fail", "pass"))


class Counted(FakeDns):
    """Counts what a hostile message makes us ask."""

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        assert len(self.asked) < 2 * MAX_SETS, "a message must not cost more look-ups than it can have keys"
        return await super().lookup(name, kind)


def test_a_hostile_message_ends_soon() -> None:
    fields = b"".join(
        b"ARC-%b: i=%d; a=rsa-sha256; cv=%b; d=d%d.example; s=s; b=AA==; bh=%b; h=%b\r\n"
        % (name, number, b"none" if number == 1 else b"pass", number, b"A" * 43 + b"=", b"from:" * 500 + b"to")
        for number in range(1, MAX_SETS + 1)
        for name in (b"Seal", b"Message-Signature", b"Authentication-Results")
    )
    assert found(fields + MESSAGE, Counted({})).status is ChainStatus.FAIL
    assert "octets" in found(b"X: " + b"a" * 2_000_000 + b"\r\n" + fields + MESSAGE, Counted({})).reason
