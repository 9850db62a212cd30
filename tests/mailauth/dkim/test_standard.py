"""The examples of the standards, read and made again to the byte."""

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest

from postroad.mailauth.dkim.canonical import Canonicalization
from postroad.mailauth.dkim.keys import read_key
from postroad.mailauth.dkim.signature import Result
from postroad.mailauth.dkim.signed_octets import signed_octets
from postroad.mailauth.dkim.verify import Verdict, verify
from postroad.mailauth.header_section import read
from postroad.mailauth.tag_list import read_tags, without_signature, without_white_space
from tests.mailauth.dkim.examples import (
    ED25519_FIELD,
    ED25519_SEED,
    FOOTBALL,
    MESSAGE,
    NAMES,
    RSA_FIELD,
    RSA_PEM,
    Records,
)

# RFC 6376 Appendix A.2: rsa-sha256, simple header, simple body.
BRISBANE = Records(
    {
        "brisbane._domainkey.example.com": b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"
        b"KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
        b"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"
        b"/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
        b"tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
    }
)
SUPPLIER = (
    b"DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
    b"      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
    b"      h=Received : From : To : Subject : Date : Message-ID;\r\n"
    b"      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b"      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
    b"      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
    b"      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
    b"      4bmp/YzhwvcubU4=;\r\n"
    b"Received: from client1.football.example.com  [192.0.2.1]\r\n"
    b"      by submitserver.example.com with SUBMISSION;\r\n"
    b"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n"
    + MESSAGE.replace(b"  ", b" ")  # which counts here: the bodies differ in a space
)


def checked(content: bytes, records: Records = FOOTBALL, at: float = 1.6e9) -> list[Verdict]:
    return list(asyncio.run(verify(content, records, at=at)))


def test_the_example_of_rfc_6376_passes() -> None:
    (verdict,) = checked(SUPPLIER, BRISBANE)
    assert (verdict.result, verdict.reason) == (Result.PASS, "")
    assert (verdict.domain, verdict.identity, verdict.bits) == ("example.com", "joe@football.example.com", 1024)


def test_both_examples_of_rfc_8463_pass() -> None:
    verdicts = checked(ED25519_FIELD + RSA_FIELD + MESSAGE)
    assert [verdict.as_dict() for verdict in verdicts] == [
        {"domain": "football.example.com", "selector": "brisbane", "algorithm": "ed25519-sha256", "result": "pass",
         "reason": ""},
        {"domain": "football.example.com", "selector": "test", "algorithm": "rsa-sha256", "result": "pass",
         "reason": ""},
    ]  # fmt: skip


@pytest.mark.parametrize(("field", "key"), [(ED25519_FIELD, ED25519_SEED), (RSA_FIELD, RSA_PEM)])
def test_the_signatures_of_rfc_8463_are_made_to_the_byte(field: bytes, key: str) -> None:
    octets = signed_octets(read(MESSAGE).fields, NAMES, without_signature(field), Canonicalization.RELAXED)
    expected = without_white_space(read_tags(field.partition(b":")[2])["b"])
    assert b64encode(read_key(key).sign(octets)).decode() == expected


def test_the_public_example_messages(corpora: Path) -> None:
    signed = (corpora / "dkim" / "rfc6376.signed.msg").read_bytes()
    assert [verdict.result for verdict in checked(signed)] == [Result.PASS, Result.PASS]
    # One that was signed elsewhere, with a trace field that is no longer what was signed, which nobody signed.
    other = (corpora / "dkim" / "ed25519test2.msg").read_bytes()
    key = b"v=DKIM1; k=ed25519; p=sPs07Vu29FpHT/80UXUcYHFOHifD4o2ZlP2+XUh9g6E="
    assert [verdict.result for verdict in checked(other, Records({"sed._domainkey.test.ex": key}))] == [Result.PASS]
