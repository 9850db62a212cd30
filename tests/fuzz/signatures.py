"""What strangers may put into a DKIM-Signature, into the message around it, and into a key record."""

import asyncio
from collections.abc import Sequence

from postroad.lookup import Status
from postroad.mailauth.dkim.signature import Result
from postroad.mailauth.dkim.verify import MAX_SIGNATURES, verify
from tests.mailauth.dkim.examples import (
    ED25519_FIELD,
    ED25519_RECORD,
    MESSAGE,
    RSA_FIELD,
    RSA_RECORD,
    WEAK_RECORD,
    Records,
)

_BRISBANE = "brisbane._domainkey.football.example.com"
_TEST = "test._domainkey.football.example.com"
_WITHIN_LENGTH = RSA_FIELD.replace(b" q=dns/txt;", b" q=dns/txt; l=20; x=1600000000;")
_SIMPLE = ED25519_FIELD.replace(b"c=relaxed/relaxed", b"c=simple; z=From:joe")


def messages() -> Sequence[bytes]:
    fields = (ED25519_FIELD, RSA_FIELD, _WITHIN_LENGTH, _SIMPLE, ED25519_FIELD + RSA_FIELD)
    return tuple([field + MESSAGE for field in fields])


def records() -> Sequence[bytes]:
    return (
        ED25519_RECORD,
        RSA_RECORD,
        RSA_RECORD + b"; t=s:y; h=sha1:sha256; s=email:*; n=hello; g=*",
        b"k=rsa; p=",
        WEAK_RECORD,
    )


def check_message(data: bytes) -> None:
    """Each signature has one result of the seven words, with its reason; what passes was signed as it stands there."""
    known = Records({_BRISBANE: ED25519_RECORD, _TEST: [b"v=spf1 -all", RSA_RECORD]})
    verdicts = asyncio.run(verify(data, known, at=1.6e9))
    assert len(verdicts) <= MAX_SIGNATURES
    for verdict in verdicts:
        assert isinstance(verdict.result, Result)
        assert verdict.passed or verdict.reason
        assert verdict.result is not Result.TEMPERROR
        assert not verdict.passed or b"from" in verdict.names
        str(verdict.as_dict())
    nobody = Records({_BRISBANE: Status.TIMEOUT, _TEST: Status.FAILED})
    assert not any(one.passed for one in asyncio.run(verify(data, nobody, at=1.6e9)))


def check_record(data: bytes) -> None:
    """Whatever stands in the DNS, there is a result, and a reason where it is not a pass."""
    whole = ED25519_FIELD + RSA_FIELD + MESSAGE
    first, second = asyncio.run(verify(whole, Records({_BRISBANE: data, _TEST: [data, data[::-1]]}), at=1.6e9))
    assert second.result in (Result.PASS, Result.FAIL, Result.PERMERROR, Result.POLICY)
    assert first.result in (Result.PASS, Result.FAIL, Result.PERMERROR)
    assert first.passed or first.reason
    assert second.passed or second.reason
