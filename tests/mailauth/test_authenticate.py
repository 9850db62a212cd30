"""A message checked as its receiver would, and what is written about it."""

import asyncio
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.lookup import RecordType
from postroad.mailauth.authenticate import Authentication, authenticate
from postroad.mailauth.results.border import stamped
from postroad.mailauth.results.read import read_results
from postroad.mailauth.results.value import AuthenticationResults
from postroad.mailauth.results.write import header_field
from postroad.testing.fake_dns import FakeDns
from tests.mailauth.arc.foreign_chain import dns as keys_of_chain
from tests.mailauth.arc.foreign_chain import sealed
from tests.mailauth.dkim.examples import ED25519_FIELD, ED25519_RECORD, MESSAGE, RSA_FIELD

SIGNED = ED25519_FIELD + MESSAGE
EVE = "eve@evil.example"
ZONE: dict[str, object] = {
    "brisbane._domainkey.football.example.com": [{"TXT": ED25519_RECORD.decode()}],
    "bounces.football.example.com": [{"TXT": "v=spf1 ip4:192.0.2.0/24 -all"}],
    "mx.football.example.com": [{"TXT": "v=spf1 ip4:192.0.2.7 -all"}],
    "evil.example": [{"TXT": "v=spf1 +all"}],
    "_dmarc.football.example.com": [{"TXT": "v=DMARC1; p=reject"}],
}


def checked(
    content: bytes,
    zone: dict[str, object] = ZONE,
    *,
    ip: str = "192.0.2.7",
    mail_from: str = "joe@bounces.football.example.com",
) -> Authentication:
    return asyncio.run(
        authenticate(
            content,
            ip=ip_address(ip),
            helo="mx.football.example.com",
            mail_from=mail_from,
            resolver=FakeDns(zone),
            at=1_528_637_910.0,
        )
    )


def outcomes(found: Authentication) -> tuple[str, list[str], str, str]:
    return found.spf.result, [one.result for one in found.dkim], found.arc.status, found.dmarc.outcome


def test_a_message_in_its_authors_name() -> None:
    found = checked(SIGNED)
    assert outcomes(found) == ("pass", ["pass"], "none", "pass")
    assert header_field(found.results("mx.example.net")) == (
        b"Authentication-Results: mx.example.net;\r\n"
        b"\tspf=pass smtp.mailfrom=joe@bounces.football.example.com;\r\n"
        b"\tdkim=pass header.d=football.example.com header.i=@football.example.com\r\n"
        b"\theader.s=brisbane header.a=ed25519-sha256;\r\n"
        b"\tarc=none;\r\n"
        b"\tdmarc=pass header.from=football.example.com policy.dmarc=reject\r\n"
    )


@pytest.mark.parametrize(
    ("content", "change", "ip", "mail_from", "expected"),
    [
        # Somebody else's host and signature, in the author's name.
        (MESSAGE, {}, "203.0.113.1", EVE, ("pass", [], "none", "fail")),
        # SPF alone carries it, by MAIL FROM, or by HELO where there is none.
        (MESSAGE, {}, "192.0.2.7", "joe@bounces.football.example.com", ("pass", [], "none", "pass")),
        (MESSAGE, {}, "192.0.2.7", "", ("pass", [], "none", "pass")),
        (MESSAGE, {}, "203.0.113.1", "", ("fail", [], "none", "fail")),
        # DKIM alone.
        (SIGNED, {}, "203.0.113.1", EVE, ("pass", ["pass"], "none", "pass")),
        (SIGNED.replace(b"hungry", b"thirsty"), {}, "203.0.113.1", EVE, ("pass", ["fail"], "none", "fail")),
        # No answer is no verdict.
        (SIGNED, {"brisbane._domainkey.football.example.com": ["TIMEOUT"]}, "203.0.113.1", EVE,
         ("pass", ["temperror"], "none", "temperror")),
        (SIGNED, {"_dmarc.football.example.com": ["TIMEOUT"]}, "192.0.2.7", "",
         ("pass", ["pass"], "none", "temperror")),
        (b"From: eve@evil.example\r\n" + SIGNED, {}, "192.0.2.7", "", ("pass", ["fail"], "none", "permerror")),
        (b"", {}, "192.0.2.7", "", ("pass", [], "none", "permerror")),
    ],
)  # fmt: skip
def test_what_each_method_finds(
    content: bytes, change: dict[str, object], ip: str, mail_from: str, expected: tuple[str, list[str], str, str]
) -> None:
    assert outcomes(checked(content, ZONE | change, ip=ip, mail_from=mail_from)) == expected


def test_a_header_that_is_not_read_to_its_end_proves_nothing() -> None:
    long = SIGNED.replace(b"\r\n\r\n", b"\r\n" + b"a:\r\n" * 2_500_000 + b"\r\n", 1)
    found = checked(long, ip="192.0.2.7")
    assert outcomes(found) == ("pass", ["policy"], "fail", "fail")
    assert found.dmarc.disposition == "reject"


def test_a_from_behind_a_bare_cr_is_an_author_too() -> None:
    zone = ZONE | {"_dmarc.bank.example": [{"TXT": "v=DMARC1; p=reject"}]}
    found = checked(b"X: a\rFrom: ceo@bank.example\r\n" + SIGNED, zone)
    assert outcomes(found) == ("pass", ["fail"], "none", "fail")
    assert (found.dmarc.author_domain, found.dmarc.disposition) == ("bank.example", "reject")


def test_a_message_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("dkim.verify", "arc.validate"):
        monkeypatch.delattr(f"postroad.mailauth.{place}.received")
    assert outcomes(checked(SIGNED)) == ("pass", ["pass"], "none", "pass")


@pytest.mark.parametrize(
    ("mail_from", "written"),
    [
        ("<joe@bounces.football.example.com>", b"smtp.mailfrom=joe@bounces.football.example.com;"),
        ("jö@evil.example", b"smtp.mailfrom=@evil.example;"),
        ("joe@bücher.example", b"smtp.mailfrom=joe@xn--bcher-kva.example;"),
    ],
)
def test_an_envelope_is_told_in_ascii(mail_from: str, written: bytes) -> None:
    field = header_field(checked(SIGNED, mail_from=mail_from).results("mx.example.net"))
    assert written in field


def test_several_signatures_are_told_apart() -> None:  # RFC 6008
    found = checked(RSA_FIELD + RSA_FIELD.replace(b"F45dVWDf", b"F45dVWDg") + SIGNED).results("mx").of("dkim")
    assert [one.value_of("header", "b") for one in found] == ["F45dVWDf", "F45dVWDg", "/gCrinpc"]
    alike = checked(RSA_FIELD + RSA_FIELD.replace(b"F45dVWDfMb", b"F45dVWDfNb") + RSA_FIELD + SIGNED).results("mx")
    assert [one.value_of("header", "b") for one in alike.of("dkim")] == [
        "F45dVWDfM", "F45dVWDfN", "F45dVWDfM", "/gCrinpcQ",
    ]  # fmt: skip
    (alone,) = checked(SIGNED).results("mx").of("dkim")
    assert alone.value_of("header", "b") is None


def test_a_border_lets_nobody_else_speak_in_its_name() -> None:
    results = checked(SIGNED).results("mx.example.net")
    others = b"Authentication-Results: other.example; spf=pass\r\n"
    forged = (
        b"authentication-results : MX.example.net.; dkim=pass\r\n header.d=bank.example\r\n"
        b"Authentication-Results: (; dkim=pass\r\n"
    )
    assert stamped(forged + others + SIGNED, results) == header_field(results) + others + SIGNED


def test_a_forwarded_message_tells_what_was_found_before() -> None:
    content = sealed(sealed(SIGNED, 1) + b"-- \r\nlist\r\n", 2)
    zone = ZONE | {f"s{number}._domainkey.f{number}.example": [{"TXT": _key()}] for number in (1, 2)}
    found = checked(content, zone, ip="203.0.113.1", mail_from="list@evil.example")
    assert outcomes(found) == ("pass", ["fail"], "pass", "fail")
    assert found.results("mx").of("arc")[0].value_of("header", "oldest-pass") == "2"


def _key() -> str:
    return keys_of_chain(1).answer("s1._domainkey.f1.example", RecordType.TXT).texts[0].decode()


PIECES = [SIGNED, b"From: ", b"ARC-Seal: i=1;", b"DKIM-Signature: ", b"\r\n", b"a@b.c", b";", b'"']
CONTENTS = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES)).map(b"".join)


@given(CONTENTS, st.text(max_size=40), st.text(max_size=40), st.sampled_from(["192.0.2.1", "2001:db8::1"]))
def test_whatever_comes_there_is_a_field_to_write(content: bytes, helo: str, mail_from: str, ip: str) -> None:
    found = asyncio.run(
        authenticate(content, ip=ip_address(ip), helo=helo, mail_from=mail_from, resolver=FakeDns(ZONE), at=0.0)
    )
    field = header_field(found.results("mx.example.net")).decode("ascii")
    back = read_results(field.partition(":")[2])
    assert isinstance(back, AuthenticationResults)
    assert back.unread == ()
    assert {one.method for one in back.results} == {"spf", "dkim", "arc", "dmarc"}
