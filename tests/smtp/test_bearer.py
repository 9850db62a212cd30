"""OAUTHBEARER and XOAUTH2: a token instead of a password, and a refusal in two steps."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.secret import Secret
from postroad.smtp.bearer import MAX_COMPLAINT, OAuthBearer, XOAuth2
from postroad.smtp.sasl_mechanism import ClientMechanism

TOKEN = Secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==")
KINDS = [OAuthBearer, XOAuth2]


def test_oauthbearer_as_its_rfc_has_it() -> None:
    # RFC 7628 §4.1, without host and port, which a bearer token does not need (§3.1)
    expected = b"n,a=user@example.com,\x01auth=Bearer " + TOKEN.reveal().encode() + b"\x01\x01"
    assert OAuthBearer("user@example.com", TOKEN).initial_response() == expected
    assert OAuthBearer("a,b=c", TOKEN).initial_response().startswith(b"n,a=a=2Cb=3Dc,\x01")


def test_xoauth2_as_google_has_it() -> None:
    # https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    expected = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2"
        "c9PQEB"
    )
    assert base64.b64encode(XOAuth2("someuser@example.com", TOKEN).initial_response()).decode() == expected


@pytest.mark.parametrize(("kind", "dismissal"), [(OAuthBearer, b"\x01"), (XOAuth2, b"")])
def test_a_refusal_is_heard_and_dismissed(kind: type[OAuthBearer | XOAuth2], dismissal: bytes) -> None:
    mechanism = kind("ann", TOKEN)
    mechanism.initial_response()
    json = b'{"status":"invalid_token","scope":"mail"}'
    assert mechanism.respond(json) == dismissal
    assert mechanism.complaint == json.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_was_too_long_or_overlooked_is_said_once_more(kind: type[OAuthBearer | XOAuth2]) -> None:
    mechanism = kind("ann", TOKEN)
    assert mechanism.respond(b"") == mechanism.initial_response()
    assert mechanism.respond(b"") == mechanism.dismissal


@pytest.mark.parametrize("kind", KINDS)
@given(challenges=st.lists(st.binary() | st.text().map(str.encode), max_size=4))
def test_whatever_the_server_says_is_shown_in_one_short_line(
    kind: type[OAuthBearer | XOAuth2], challenges: list[bytes]
) -> None:
    mechanism: ClientMechanism = kind("ann", TOKEN)
    for challenge in challenges:
        mechanism.respond(challenge)
    mechanism.accepted()
    assert mechanism.complaint.isprintable()
    assert len(mechanism.complaint) <= MAX_COMPLAINT


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_comes_back_does_not_show(kind: type[OAuthBearer | XOAuth2]) -> None:
    mechanism = kind("ann", TOKEN)
    mechanism.respond(b"not this one: " + TOKEN.reveal().encode())
    assert mechanism.complaint == "not this one: ***"
