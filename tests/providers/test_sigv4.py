"""Signature Version 4 by AWS's published examples, and beside botocore's own."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from postroad.providers.contract import HttpRequest
from postroad.providers.ses.send import Ses
from postroad.providers.ses.sigv4 import Scope, Signed, authorization, canonical_request

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SUITE = Scope("us-east-1", "service")  # of the "aws-sig-v4-test-suite"

VANILLA = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "signature"),
    [
        ("GET", "/", VANILLA, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", VANILLA, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            VANILLA,
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "/",
            {**VANILLA, "my-header1": "value1"},
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
    ],
)
def test_the_examples_of_the_test_suite(method: str, path: str, headers: dict[str, str], signature: str) -> None:
    signed = Signed.read(
        authorization(method, path, headers, b"", scope=SUITE, key_id="AKIDEXAMPLE", secret_key=SECRET)
    )
    assert signed is not None
    assert signed.signature == signature
    assert (signed.key_id, signed.date, signed.scope) == ("AKIDEXAMPLE", "20150830", SUITE)


def test_the_canonical_request_of_the_documentation() -> None:
    """IAM's ListUsers, whose canonical request the documentation prints."""
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
    }
    path = "/?Action=ListUsers&Version=2010-05-08"
    assert canonical_request("GET", path, headers, b"").splitlines() == [
        "GET",
        "/",
        "Action=ListUsers&Version=2010-05-08",
        "content-type:application/x-www-form-urlencoded; charset=utf-8",
        "host:iam.amazonaws.com",
        "x-amz-date:20150830T123600Z",
        "",
        "content-type;host;x-amz-date",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]
    signed = authorization(
        "GET", path, headers, b"", scope=Scope("us-east-1", "iam"), key_id="AKIDEXAMPLE", secret_key=SECRET
    )
    assert signed.endswith("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")


@given(
    body=st.binary(max_size=200),
    token=st.one_of(st.none(), st.text("abcXYZ019+/=", min_size=1, max_size=40)),
    path=st.sampled_from(["/v2/email/outbound-emails", "/v2/email/identities/a%20b@c.example", "/x?b=2&a=1&a=0&c="]),
)
def test_a_request_is_signed_as_botocore_signs_it(body: bytes, token: str | None, path: str) -> None:
    now = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    account = Ses(region="eu-west-1", access_key="AKID", secret_key=SECRET, session_token=token)
    keys = {"access_key": "AKID", "secret_key": SECRET} | ({"session_token": token} if token else {})
    request = account.authorized(HttpRequest("POST", path, {"content-type": "application/json"}, body), keys, now)

    theirs = AWSRequest("POST", f"{account.home}{path}", data=body, headers={"content-type": "application/json"})
    theirs.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKID", SECRET, token), "ses", "eu-west-1")
    theirs.headers["X-Amz-Date"] = request.headers["x-amz-date"]
    theirs.headers["host"] = urlsplit(account.home).netloc
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    assert request.headers["authorization"].rpartition("=")[2] == signature
