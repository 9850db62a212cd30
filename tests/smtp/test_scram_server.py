"""SCRAM-SHA-256 on the server: the RFC's own exchange, our client, and everything that must not get in."""

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.secret import Secret
from postroad.smtp.scram import MIN_ITERATIONS, ScramSha256
from postroad.smtp.scram_server import (
    KeyWanted,
    MalformedResponse,
    Proved,
    StoredKey,
    WrongProof,
    decoy,
    exchange,
)
from postroad.smtp.server_settings import AuthOffer, ServerLimits, ServerSettings
from tests.smtp.driven_server import DrivenServer

EHLO = b"EHLO client.example\r\n"
SETTINGS = ServerSettings(auth=AuthOffer.OVER_TLS, stored_keys=True)
PASSWORD = Secret("pencil")
# RFC 7677 §3.
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = f"r=rOprNGfwEbeRWgbNEkqO{SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode()
CLIENT_FINAL = (f"c=biws,r=rOprNGfwEbeRWgbNEkqO{SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").encode()
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
KEY = StoredKey.of(PASSWORD, SALT, 4096)


def test_the_example_of_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    # The example's nonce is no base64, as ours are: it is put where ours is made.
    monkeypatch.setattr("postroad.smtp.scram_server.base64.b64encode", _with_that_nonce(base64.b64encode))
    steps = exchange(b"secret", lambda count: b"nonce" * count)
    assert next(steps) == b""
    assert steps.send(CLIENT_FIRST) == KeyWanted("user")
    assert steps.send(KEY) == SERVER_FIRST
    assert steps.send(CLIENT_FINAL) == SERVER_FINAL
    with pytest.raises(StopIteration) as end:
        steps.send(b"")
    assert end.value.value == Proved("user")


def _with_that_nonce(encode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda octets: SERVER_NONCE.encode() if octets.startswith(b"nonce") else encode(octets)


def test_a_stored_key_holds_no_password() -> None:
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 4096)
    assert KEY.stored_key == hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert "pencil" not in repr(KEY)
    assert KEY.stored_key.hex() not in repr(KEY)
    assert KEY.matches(Secret("pencil"))
    assert not KEY.matches(Secret("pencils"))
    assert StoredKey.of(PASSWORD, iterations=MIN_ITERATIONS).salt != StoredKey.of(PASSWORD, iterations=4096).salt
    with pytest.raises(ValueError, match="too few"):
        StoredKey.of(PASSWORD, SALT, MIN_ITERATIONS - 1)


class Login:
    """Our client's mechanism against a server that knows ``ann`` and ``a,b=c``."""

    def __init__(self, **limits: int) -> None:
        keys = {"ann": StoredKey.of(PASSWORD, b"salty", 4096), "a,b=c": StoredKey.of(Secret("ß"), b"salty", 4096)}
        settings = ServerSettings(auth=AuthOffer.OVER_TLS, stored_keys=True, limits=ServerLimits(**limits))
        self.server = DrivenServer(settings, secure=True, keys=keys)
        self.server.feed(EHLO)

    def log_in(self, username: str, password: str) -> tuple[int, ScramSha256]:
        """The last code."""
        client = ScramSha256(username, Secret(password))
        line = b"AUTH SCRAM-SHA-256 " + base64.b64encode(client.initial_response())
        while True:
            reply, *_ = self.server.feed(line + b"\r\n")
            if not reply.startswith(b"334 "):
                return int(reply[:3]), client
            line = base64.b64encode(client.respond(base64.b64decode(reply[4:])))


@pytest.mark.parametrize(("username", "password"), [("ann", "pencil"), ("a,b=c", "ß")])
def test_our_client_logs_in(username: str, password: str) -> None:
    login = Login()
    code, client = login.log_in(username, password)
    assert code == 235
    client.accepted()  # the server has proved itself
    assert login.server.conversation.user == username
    assert login.server.codes(b"AUTH PLAIN\r\n") == [503]


@pytest.mark.parametrize(("username", "password"), [("ann", "pen"), ("bob", "pencil"), ("Ann", "pencil")])
def test_wrong_passwords_and_unknown_users_are_told_the_same(username: str, password: str) -> None:
    login = Login()
    code, _ = login.log_in(username, password)
    assert code == 535
    assert login.server.conversation.user is None
    assert login.log_in("ann", "pencil")[0] == 235


def test_wrong_proofs_are_errors() -> None:
    login = Login(errors=2)
    assert login.log_in("ann", "x")[0] == 535
    assert login.log_in("bob", "x")[0] == 535
    assert login.server.conversation.ended


def test_an_unknown_user_has_the_same_salt_each_time() -> None:
    assert decoy("bob", b"secret") == decoy("bob", b"secret")
    others = [decoy("bob", b"other"), decoy("eve", b"secret")]
    assert len({decoy("bob", b"secret").salt, *(other.salt for other in others)}) == 3
    steps = [exchange(b"secret"), exchange(b"secret")]
    challenges = []
    for one in steps:
        next(one)
        one.send(b"n,,n=bob,r=abc")
        challenge = one.send(None)
        assert isinstance(challenge, bytes)
        challenges.append(challenge.partition(b",")[2])
    assert challenges[0] == challenges[1]


def test_without_an_initial_response_the_server_asks() -> None:
    login = Login()
    assert login.server.feed(b"AUTH SCRAM-SHA-256\r\n") == [b"334 "]
    (reply,) = login.server.feed(base64.b64encode(b"n,,n=ann,r=abc") + b"\r\n")
    assert base64.b64decode(reply[4:]).startswith(b"r=abc")
    assert login.server.codes(b"*\r\n") == [501]


def test_it_is_offered_first_where_keys_are_known() -> None:
    server = DrivenServer(SETTINGS, secure=True)
    assert server.feed(EHLO)[-1] == b"250 AUTH SCRAM-SHA-256 PLAIN LOGIN"
    without = DrivenServer(ServerSettings(auth=AuthOffer.OVER_TLS), secure=True)
    assert without.feed(EHLO)[-1] == b"250 AUTH PLAIN LOGIN"
    assert without.codes(b"AUTH SCRAM-SHA-256\r\n") == [504]


def test_who_cannot_look_up_keys_says_so() -> None:
    server = DrivenServer(SETTINGS, secure=True)
    server.feed(EHLO)
    assert server.codes(b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=ann,r=abc") + b"\r\n", b"NOOP\r\n") == [
        454,
        250,
    ]


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"n,,",
        b"n=user,r=abc",
        b"p=tls-server-end-point,,n=user,r=abc",  # nothing binds to the channel here
        b"n,a=other,n=user,r=abc",
        b"n,,m=ext,n=user,r=abc",
        b"n,,n=,r=abc",
        b"n,,n=user,r=",
        b"n,,n=us=er,r=abc",
        b"n,,n=us=2cer,r=abc",
        b"n,,n=\xff,r=abc",
        b"n,,n=us\0er,r=abc",
    ],
)
def test_malformed_first_messages(first: bytes) -> None:
    steps = exchange(b"secret")
    next(steps)
    with pytest.raises(MalformedResponse):
        steps.send(first)


@pytest.mark.parametrize(
    ("final", "error"),
    [
        (b"c=biws,r=abcNONCE,p=AAAA", WrongProof),
        (b"c=biws,r=abcNONCE,p=" + base64.b64encode(bytes(32)), WrongProof),
        (b"c=eSws,r=abcNONCE,p=" + base64.b64encode(bytes(32)), WrongProof),  # "y,," was not said before
        (b"c=biws,r=abc,p=" + base64.b64encode(bytes(32)), WrongProof),
        (b"c=biws,r=abcNONCE", MalformedResponse),
        (b"c=biws,r=abcNONCE,p=!", MalformedResponse),
        (b"", MalformedResponse),
    ],
)
def test_final_messages_that_prove_nothing(final: bytes, error: type[Exception]) -> None:
    steps = exchange(b"secret")
    next(steps)
    steps.send(b"n,,n=user,r=abc")
    challenge = steps.send(KEY)
    assert isinstance(challenge, bytes)
    nonce = challenge.split(b",")[0][len(b"r=abc") :]
    with pytest.raises(error):
        steps.send(final.replace(b"NONCE", nonce))


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_nothing_else_is_raised_and_nobody_gets_in(responses: list[bytes]) -> None:
    steps = exchange(b"secret")
    next(steps)
    try:
        for response in responses:
            if isinstance(steps.send(response), KeyWanted):
                steps.send(KEY)
    except (MalformedResponse, WrongProof):
        pass
