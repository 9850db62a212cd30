"""Verdicts: one for whatever stands in a signature, in a key record, or in the way of either."""

import asyncio
from base64 import b64encode
from functools import cache

import pytest

from postroad.lookup import Status
from postroad.mailauth.dkim.canonical import Canon, Canonicalization, body_digest, canonical_body
from postroad.mailauth.dkim.keys import SigningKey, generate, read_key
from postroad.mailauth.dkim.record import record_text
from postroad.mailauth.dkim.sign import Signer, sign
from postroad.mailauth.dkim.signature import Result
from postroad.mailauth.dkim.signed_octets import signed_octets
from postroad.mailauth.dkim.verify import MAX_SIGNATURES, Verdict, verify
from postroad.mailauth.header_section import read
from tests.mailauth.dkim.examples import ED25519_SEED, MESSAGE, RSA_PEM, WEAK_RECORD, Records

NAME = "s1._domainkey.football.example.com"
AT = 1_700_000_000


@cache
def key() -> SigningKey:
    return read_key(RSA_PEM)


def signed(content: bytes = MESSAGE, *, canon: str = "relaxed/relaxed", valid_for: int | None = None) -> bytes:
    signer = Signer("football.example.com", "s1", key(), Canon.read(canon), valid_for)
    return sign(read(content), [signer], at=AT) + content


def verdict_of(content: bytes, record: bytes | list[bytes] | Status | None = None, at: float = AT) -> Verdict:
    records = Records({NAME: record_text(key()).encode() if record is None else record})
    (verdict,) = asyncio.run(verify(content, records, at=at))
    return verdict


def with_tag(field: bytes, old: bytes, new: bytes) -> bytes:
    assert old in field
    return field.replace(old, new, 1)


def test_what_is_signed_passes() -> None:
    verdict = verdict_of(signed())
    assert (verdict.result, verdict.reason, verdict.bits, verdict.testing) == (Result.PASS, "", 1024, False)
    assert verdict.passed


# ── the message was changed ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("canon", ["relaxed/relaxed", "simple/simple"])
def test_every_flipped_octet_of_body_and_signed_fields_is_noticed(canon: str) -> None:
    whole = signed(canon=canon)
    start = whole.index(b"From: ")
    for place in range(start, len(whole)):
        if whole[place] in b" \r\n":
            continue  # white space; what of it matters depends on the canonicalization
        changed = whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :]
        verdict = verdict_of(changed)
        assert verdict.result in (Result.FAIL, Result.PERMERROR), changed[place - 5 : place + 5]


@pytest.mark.parametrize("name", [b"From", b"To", b"Subject", b"Cc", b"Reply-To", b"Date", b"Message-ID"])
@pytest.mark.parametrize("where", ["top", "bottom"])
def test_a_sealed_field_cannot_be_added(name: bytes, where: str) -> None:
    whole = signed()
    added = name + b": Mallory <mallory@evil.example>\r\n"
    changed = added + whole if where == "top" else whole.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1)
    assert verdict_of(changed).result is Result.FAIL


def test_an_unsigned_field_may_be_added_and_white_space_changed_where_that_was_allowed() -> None:
    changed = b"X-Relay: 1\r\n" + signed().replace(b"Subject: Is dinner", b"SUBJECT : Is\r\n\tdinner")
    assert verdict_of(changed).result is Result.PASS
    assert verdict_of(signed(canon="simple/simple").replace(b"Subject: Is", b"Subject:  Is")).result is Result.FAIL


def test_a_second_from_fails_even_where_it_was_not_sealed() -> None:
    # As many signers do it: every field as often as it is there.

    own = with_tag(signed().partition(b" b=")[0] + b" b=", b"From:From", b"From")
    names = [name.strip().lower() for name in own.partition(b"h=")[2].partition(b";")[0].split(b":")]

    value = key().sign(signed_octets(read(MESSAGE).fields, names, own, Canonicalization.RELAXED))
    whole = own + b64encode(value) + b"\r\n" + MESSAGE
    assert verdict_of(whole).result is Result.PASS
    verdict = verdict_of(b"From: Mallory <mallory@evil.example>\r\n" + whole)
    assert (verdict.result, verdict.reason) == (Result.FAIL, "the message has 2 From fields")


@pytest.mark.parametrize(
    "hiding",
    [
        b"X: a\rFrom: Mallory <mallory@evil.example>\r\n",
        b"X: a\r\n b\rFROM : mallory@evil.example\r\n",
        b" From: mallory@evil.example\r\n",
        b"\tfrom : mallory@evil.example\r\n",
    ],
)
def test_a_from_that_only_some_readers_see_is_one_too_many(hiding: bytes) -> None:
    # RFC 5322 §2.3: there is no CR without LF; RFC 6376 §8.15.
    verdict = verdict_of(hiding + signed())
    assert (verdict.result, verdict.reason) == (Result.FAIL, "the message has 2 From fields")
    assert verdict_of(b"X: a\rFromage: b\r\n" + signed()).passed


# ── the signature ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("old", "new", "result", "reason"),
    [
        (b"v=1; ", b"", Result.NEUTRAL, "v= is missing"),
        (b"v=1;", b"v=2;", Result.NEUTRAL, "not of version 1"),
        (b"v=1;", b"v=1; v=1;", Result.NEUTRAL, "stands there twice"),
        (b"a=rsa-sha256", b"a=rsa-sha1", Result.PERMERROR, "rsa-sha1 proves nothing any more"),
        (b"a=rsa-sha256", b"a=rsa-md5", Result.NEUTRAL, "'rsa-md5' is not known"),
        (b"a=rsa-sha256", b"a=ed25519-sha256", Result.PERMERROR, "the key is for rsa"),
        (b"c=relaxed/relaxed", b"c=nofws", Result.NEUTRAL, "'nofws' is not known"),
        (b"d=football", b"d=foot..ball", Result.NEUTRAL, "is no domain name"),
        (b"s=s1;", b"s=;", Result.NEUTRAL, "is no selector"),
        (b"s=s1;", b"s=s2;", Result.PERMERROR, "there is no key at s2._domainkey.football.example.com"),
        (b"d=football.example.com", b"d=football.example.com.", Result.NEUTRAL, "is no domain name"),
        (b"d=football.example.com", b"d=example", Result.NEUTRAL, "is no domain name"),
        (b"s=s1;", b"s=s1; i=joe@shop.example;", Result.NEUTRAL, "i='joe@shop.example' does not belong to d="),
        (b"s=s1;", b"s=s1; x=1700000000;", Result.NEUTRAL, "x= is not later than t="),
        (b"s=s1;", b"s=s1; i=joe;", Result.NEUTRAL, "is no identity"),
        (b"s=s1;", b"s=s1; i=@sub.football.example.com;", Result.FAIL, "does not fit"),
        (b"s=s1;", b"s=s1; q=dns/http;", Result.NEUTRAL, "no way to the key"),
        (b"s=s1;", b"s=s1; l=x;", Result.NEUTRAL, "l='x' is no number"),
        (b"s=s1;", b"s=s1; l=1000;", Result.FAIL, "does not fit"),
        (b"s=s1;", b"s=s1; x=12;", Result.NEUTRAL, "x= is not later than t="),
        (b"h=From:From", b"h=Sender", Result.PERMERROR, "From is not signed"),
        (b"h=From", b"h=From::From", Result.NEUTRAL, "which is no field"),
        (b"bh=2jUS", b"bh=2jU*", Result.NEUTRAL, "bh= is no SHA-256 hash"),
        (b"bh=2jUS", b"bh=3jUS", Result.FAIL, "does not fit"),
        (b" b=", b" b=*", Result.NEUTRAL, "b= is no signature in base64"),
        (b"v=1;", b"v=1;;", Result.NEUTRAL, "malformed"),
    ],
)  # fmt: skip
def test_a_wrong_signature_says_what_is_wrong(old: bytes, new: bytes, result: Result, reason: str) -> None:
    verdict = verdict_of(with_tag(signed(), old, new))
    assert verdict.result is result
    assert reason in verdict.reason


def test_an_expired_signature_is_not_good_enough() -> None:
    whole = signed(valid_for=100)
    assert verdict_of(whole, at=AT + 100).result is Result.PASS
    assert verdict_of(whole, at=AT + 101).result is Result.POLICY


def signed_to(length: int) -> bytes:
    message = read(MESSAGE)
    digest = b64encode(body_digest(message.body, Canonicalization.SIMPLE, length=length).digest)
    own = b"DKIM-Signature: v=1; a=rsa-sha256; d=football.example.com; s=s1; l=%d; h=from; bh=%b; b=" % (length, digest)
    value = key().sign(signed_octets(message.fields, [b"from"], own, Canonicalization.SIMPLE))
    return own + b64encode(value) + b"\r\n" + MESSAGE


def test_a_length_lets_text_be_added_and_says_so() -> None:
    verdict = verdict_of(signed_to(3) + b"and more\r\n")
    assert (verdict.result, verdict.length) == (Result.PASS, 3)
    assert "is anybody's" in str(verdict.as_dict()["reason"])
    whole = len(read(MESSAGE).body)
    assert verdict_of(signed_to(whole)).reason == ""
    assert "is anybody's" in verdict_of(signed_to(whole) + b"and more\r\n").reason
    assert verdict_of(signed_to(whole)[:-7]).reason == "the body is shorter than l= says"


def test_the_body_is_made_canonical_once_for_all_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Canonicalization] = []

    def counted(body: bytes, how: Canonicalization) -> bytes:
        made.append(how)
        return canonical_body(body, how)

    monkeypatch.setattr("postroad.mailauth.dkim.signed_body.canonical_body", counted)
    fields = [signed_to(length).partition(b"From:")[0] for length in range(1, 6)]
    records = Records({NAME: record_text(key()).encode()})
    assert all(one.passed for one in asyncio.run(verify(b"".join(fields) + MESSAGE, records, at=AT)))
    assert made == [Canonicalization.SIMPLE]


def test_a_body_is_looked_at_only_where_the_signature_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("postroad.mailauth.dkim.signed_body.body_digest")
    assert "does not fit" in verdict_of(with_tag(signed(), b"Subject: Is", b"Subject: Was")).reason


def test_only_so_many_signatures_are_checked() -> None:
    whole = signed()
    field = whole[: whole.index(b"From: ")]
    verdicts = asyncio.run(verify(field * 30 + whole, Records({}), at=AT))
    assert len(verdicts) == MAX_SIGNATURES


def test_a_key_is_asked_for_once() -> None:
    records = Records({NAME: record_text(key()).encode()})
    whole = signed()
    field = whole[: whole.index(b"From: ")]
    verdicts = asyncio.run(verify(field + whole, records, at=AT))
    assert [verdict.result for verdict in verdicts] == [Result.PASS, Result.PASS]
    assert records.asked == [NAME]


def test_a_header_without_end_is_not_checked() -> None:
    verdict = verdict_of(b"X: " + b"x" * 1_100_000 + b"\r\n" + signed())
    assert (verdict.result, verdict.domain) == (Result.POLICY, None)
    verdict = verdict_of(signed().replace(b"\r\n\r\n", b"\r\n" + b"a:\r\n" * 10_001 + b"\r\n", 1))
    assert (verdict.result, verdict.domain, verdict.selector) == (Result.POLICY, "football.example.com", "s1")
    assert verdict_of(b"a:\r\n" * 9_000 + signed()).passed


def test_international_names_are_asked_for_in_their_ascii_form() -> None:
    # RFC 8616 §3
    records = Records({})
    field = with_tag(signed(), b"d=football.example.com; s=s1", "d=größe.example; s=schlüssel".encode())
    (verdict,) = asyncio.run(verify(field, records, at=AT))
    assert records.asked == ["xn--schlssel-95a._domainkey.xn--gre-6ka8i.example"]
    assert (verdict.result, verdict.domain) == (Result.PERMERROR, "xn--gre-6ka8i.example")


def test_a_message_without_signatures_has_no_verdicts() -> None:
    assert asyncio.run(verify(MESSAGE, Records({}), at=AT)) == ()


# ── the key record ────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = record_text(read_key(RSA_PEM)).encode()
P = b"; p=" + read_key(RSA_PEM).public_text.encode()


@pytest.mark.parametrize(
    ("record", "result", "reason"),
    [
        (Status.TIMEOUT, Result.TEMPERROR, "could not be asked for: timeout"),
        (Status.FAILED, Result.TEMPERROR, "could not be asked for: server failure"),
        (Status.NO_DATA, Result.PERMERROR, "there is no key"),
        (b"v=DKIM1; p=", Result.PERMERROR, "the key was revoked"),
        (b"v=DKIM1", Result.PERMERROR, "holds no key"),
        (b"v=DKIM2" + P, Result.PERMERROR, "not of version DKIM1"),
        (b"k=rsa; v=DKIM1" + P, Result.PERMERROR, "not of version DKIM1, said first"),
        (b"v=spf1 -all", Result.PERMERROR, "not of version DKIM1"),
        (b"nonsense", Result.PERMERROR, "malformed"),
        (b"", Result.PERMERROR, "malformed"),
        (b"v=DKIM1; k=x" + P, Result.PERMERROR, "of an unknown kind, 'x'"),
        (b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", Result.PERMERROR, "is for ed25519"),
        (b"v=DKIM1; k=ed25519" + P, Result.PERMERROR, "is no ed25519 key"),
        (b"v=DKIM1; p=AAAA", Result.PERMERROR, "is no rsa key"),
        (b"v=DKIM1; p=*", Result.PERMERROR, "is no rsa key"),
        (b"v=DKIM1; p=" + b"A" * 9000, Result.PERMERROR, "more than 8192 octets"),
        (b"v=DKIM1; h=sha1" + P, Result.PERMERROR, "not for sha256"),
        (b"v=DKIM1; h=sha1 : sha256" + P, Result.PASS, ""),
        (b"v=DKIM1; s=tlsrpt" + P, Result.PERMERROR, "not for email"),
        (b"v=DKIM1; s=tlsrpt:email" + P, Result.PASS, ""),
        (b"v=DKIM1; t=s" + P, Result.PASS, ""),
        (b"v=DKIM1; t=x:y; n=hello; zz=1" + P, Result.PASS, "testing"),
        (P.removeprefix(b"; "), Result.PASS, ""),
        ([b"v=spf1 -all", GOOD], Result.PASS, ""),
        ([b"v=DKIM1; p=", GOOD], Result.PASS, ""),
        (WEAK_RECORD, Result.POLICY, "512 bits proves nothing"),
    ],
)  # fmt: skip
def test_the_key_record_decides(record: bytes | list[bytes] | Status, result: Result, reason: str) -> None:
    verdict = verdict_of(signed(), record)
    assert (verdict.result, reason in verdict.reason) == (result, True), verdict
    assert verdict.testing is ("testing" in verdict.reason)


def test_a_key_for_the_domain_alone_does_not_serve_its_subdomains() -> None:
    field = with_tag(signed(), b"s=s1;", b"s=s1; i=@sub.football.example.com;")
    verdict = verdict_of(field, b"v=DKIM1; t=s" + P)
    assert (verdict.result, verdict.reason) == (Result.PERMERROR, "the key is not for subdomains in i= (t=s)")


def test_a_key_for_reports_serves_reports() -> None:
    records = Records({NAME: b"v=DKIM1; s=tlsrpt" + P})
    (verdict,) = asyncio.run(verify(signed(), records, at=AT, service="tlsrpt"))
    assert verdict.passed


def test_another_key_does_not_fit() -> None:
    other = record_text(generate(bits=1024)).encode()
    assert verdict_of(signed(), other).result is Result.FAIL
    ed25519 = Signer("football.example.com", "s1", read_key(ED25519_SEED))
    whole = sign(read(MESSAGE), [ed25519], at=AT) + MESSAGE
    assert verdict_of(whole, record_text(read_key(ED25519_SEED)).encode()).result is Result.PASS
