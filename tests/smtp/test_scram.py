"""SCRAM-SHA-256 by the RFC's example, and against servers that cheat."""

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from postroad.errors import AuthenticationError, PostroadError, ProtocolError
from postroad.secret import Secret
from postroad.smtp import scram
from postroad.smtp.scram import MAX_ITERATIONS, MIN_ITERATIONS, ScramSha256, client_proof, derived, signature
from tests.showing import shows_nothing

# RFC 7677 §3
USER, PASSWORD, NONCE = "user", Secret("pencil"), "rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = NONCE + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
SERVER_FIRST = f"r={SERVER_NONCE},s={SALT},i=4096"
PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def begun(username: str = USER, password: Secret = PASSWORD) -> ScramSha256:
    return ScramSha256(username, password, lambda count: base64.b64decode(NONCE + "A" * 4)[:count])


def proved() -> ScramSha256:
    mechanism = begun_as_in_the_rfc()
    mechanism.respond(SERVER_FIRST.encode())
    return mechanism


def begun_as_in_the_rfc() -> ScramSha256:
    """Its nonce has 15 octets."""
    return ScramSha256(USER, PASSWORD, lambda count: base64.b64decode(NONCE))


def test_the_rfcs_example() -> None:
    mechanism = begun_as_in_the_rfc()
    assert mechanism.initial_response() == f"n,,n=user,r={NONCE}".encode()
    assert mechanism.respond(SERVER_FIRST.encode()) == f"c=biws,r={SERVER_NONCE},p={PROOF}".encode()
    assert mechanism.respond(SERVER_FINAL.encode()) == b""
    mechanism.accepted()


def test_a_nonce_is_new_each_time() -> None:
    nonces = {ScramSha256(USER, PASSWORD).initial_response() for _ in range(100)}
    assert len(nonces) == 100
    assert all(re.fullmatch(rb"n,,n=user,r=[A-Za-z0-9+/]{24}", nonce) for nonce in nonces)


def test_a_server_that_overlooked_the_initial_response() -> None:
    mechanism = begun_as_in_the_rfc()
    assert mechanism.respond(b"") == mechanism.initial_response()
    mechanism.respond(SERVER_FIRST.encode())
    mechanism.respond(SERVER_FINAL.encode())
    mechanism.accepted()


def test_names_with_commas_and_names_that_look_the_same() -> None:
    assert b"n=a=2Cb=3Dc," in begun("a,b=c").initial_response()
    assert begun("wo\u0308rd").initial_response() == begun("wörd").initial_response()
    assert derived(Secret("wo\u0308rd"), b"salt", 4096) == derived(Secret("wörd"), b"salt", 4096)


@pytest.mark.parametrize(
    "server_first",
    [
        "r=",
        f"r={SERVER_NONCE}",
        f"r={NONCE},s={SALT},i=4096",  # nothing of its own
        f"r=x{SERVER_NONCE},s={SALT},i=4096",  # another's
        f"r={SERVER_NONCE[1:]},s={SALT},i=4096",
        f"r={SERVER_NONCE} x,s={SALT},i=4096",
        f"m=x,{SERVER_FIRST}",  # RFC 5802 §5.1: an extension that must be understood
        f"s={SALT},{SERVER_FIRST}",
        f"r={SERVER_NONCE},s=,i=4096",
        f"r={SERVER_NONCE},s=W22,i=4096",
        f"r={SERVER_NONCE},s={SALT}",
        f"r={SERVER_NONCE},s={SALT},i=",
        f"r={SERVER_NONCE},s={SALT},i=-4096",
        f"r={SERVER_NONCE},s={SALT},i=04096",
        f"r={SERVER_NONCE},s={SALT},i=٤٠٩٦",
        f"r={SERVER_NONCE},s={SALT},i=1",
        f"r={SERVER_NONCE},s={SALT},i={MIN_ITERATIONS - 1}",
        f"r={SERVER_NONCE},s={SALT},i={MAX_ITERATIONS + 1}",
        f"r={SERVER_NONCE},s={SALT},i=2147483647",
        f"r={SERVER_NONCE},s={SALT},i={'9' * 400}",
    ],
)
def test_a_first_message_that_gets_no_proof(server_first: str) -> None:
    mechanism = begun_as_in_the_rfc()
    with pytest.raises(ProtocolError) as caught:
        mechanism.respond(server_first.encode())
    assert str(caught.value).isprintable()
    shows_nothing(caught.value, "pencil")


def test_no_octets_that_are_no_text() -> None:
    with pytest.raises(ProtocolError, match="UTF-8"):
        begun_as_in_the_rfc().respond(b"r=\xff")


def test_extensions_at_the_end_are_ignored() -> None:
    mechanism = begun_as_in_the_rfc()
    server_first = f"{SERVER_FIRST},x=whatever,y=more"
    assert mechanism.respond(server_first.encode()).startswith(b"c=biws,r=")


@pytest.mark.parametrize(
    ("server_final", "kind"),
    [
        (SERVER_FINAL[:-6] + "AAAA0=", AuthenticationError),
        ("v=AAAA", AuthenticationError),
        (f"{SERVER_FINAL[:-1]}", ProtocolError),
        ("v=", ProtocolError),
        ("", ProtocolError),
        ("OK", ProtocolError),
        (SERVER_FIRST, ProtocolError),
    ],
)
def test_a_server_that_does_not_know_the_password(server_final: str, kind: type[PostroadError]) -> None:
    mechanism = proved()
    with pytest.raises(kind) as caught:
        mechanism.respond(server_final.encode())
    shows_nothing(caught.value, "pencil")
    with pytest.raises(AuthenticationError, match="did not prove"):
        mechanism.accepted()


@pytest.mark.parametrize("stage", [begun_as_in_the_rfc, proved])
def test_a_yes_without_a_proof_is_a_no(stage: Callable[[], ScramSha256]) -> None:
    with pytest.raises(AuthenticationError, match="did not prove") as caught:
        stage().accepted()
    assert caught.value.permanent
    assert caught.value.code is None  # nobody refused the password, so no other one is looked for


@pytest.mark.parametrize("stage", [begun_as_in_the_rfc, proved])
def test_a_refusal_in_words(stage: Callable[[], ScramSha256]) -> None:
    mechanism = stage()
    assert mechanism.respond(b"e=invalid-proof\x1b[31m,x=1") == b""
    assert mechanism.complaint == "invalid-proof\\x1b[31m"
    with pytest.raises(AuthenticationError):
        mechanism.accepted()


def test_nothing_comes_after_the_end() -> None:
    mechanism = proved()
    mechanism.respond(SERVER_FINAL.encode())
    with pytest.raises(ProtocolError, match="after its end"):
        mechanism.respond(SERVER_FINAL.encode())


PIECES = st.sampled_from(
    ["r=", "s=", "i=", "v=", "e=", "m=", ",", "=", NONCE, SERVER_NONCE, SALT, "4096", "1", SERVER_FIRST, SERVER_FINAL]
)
CHALLENGES = st.binary() | st.lists(PIECES | st.text(max_size=5), max_size=8).map(lambda all_: "".join(all_).encode())


# The same keys are wanted again and again, and each costs thousands of iterations.
_REMEMBERED = lru_cache(maxsize=1000)(derived)


@given(st.lists(CHALLENGES, max_size=4))
def test_no_challenge_raises_anything_else_and_none_is_believed_without_proof(challenges: list[bytes]) -> None:
    assume(SERVER_FINAL.encode() not in challenges)
    mechanism = begun_as_in_the_rfc()
    with patch.object(scram, "derived", _REMEMBERED), suppress(ProtocolError, AuthenticationError):
        for challenge in challenges:
            mechanism.respond(challenge)
    with pytest.raises(AuthenticationError):
        mechanism.accepted()


@given(st.text(min_size=1), st.text(min_size=1), st.binary(min_size=1, max_size=40), st.integers(1, 5))
def test_a_server_that_keeps_derived_keys_can_check_the_proof(
    username: str, password: str, salt: bytes, iterations: int
) -> None:
    assume(not re.search("[\ud800-\udfff]", username + password))
    mechanism = begun(username, Secret(password))
    first = mechanism.initial_response().decode().removeprefix("n,,")
    nonce = first.rpartition(",r=")[2] + "of-the-server"
    server_first = f"r={nonce},s={base64.b64encode(salt).decode()},i={iterations}"
    with patch.object(scram, "MIN_ITERATIONS", 1):  # what the number is changes nothing here but the time it takes
        final, _, proof = mechanism.respond(server_first.encode()).decode().rpartition(",p=")
    assert final == f"c=biws,r={nonce}"
    keys = derived(Secret(password), salt, iterations)
    message = f"{first},{server_first},{final}".encode()
    assert base64.b64decode(proof) == client_proof(keys.client, message)
    mechanism.respond(b"v=" + base64.b64encode(signature(keys.server, message)))
    mechanism.accepted()
