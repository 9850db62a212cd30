"""Logging in by an access token: fetched before connecting, anew after a refusal, once for all."""

import asyncio
import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import (
    AuthenticationError,
    ConfigurationError,
    Disconnected,
    PostroadError,
    ProtocolError,
    SecretUnavailable,
    SendError,
)
from postroad.net.access_token import AccessToken
from postroad.net.tls import Tls
from postroad.secret import Secret
from postroad.smtp.sasl import MECHANISMS, choose
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.settings import Smtp
from tests.fakes import letter
from tests.showing import shows_nothing
from tests.transport.road import account, deliver, deliver_one, verbs

USER = "ann@a.example"
JSON = '{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}'
HOUR = timedelta(hours=1)
TOO_LONG = "x" * 600  # for one AUTH command (RFC 4954 §4)


def said(token: str, mechanism: str = "XOAUTH2") -> str:
    """What the client says, as a pattern."""
    chosen = choose((mechanism,), USER, Secret(token), (mechanism,))
    assert chosen is not None
    octets = chosen.initial_response()
    assert octets is not None
    return base64.b64encode(octets).decode().replace("+", r"\+")


def mail_server(*good: str, offer: str = "XOAUTH2", extra: tuple[Step, ...] = ()) -> ScriptedServer:
    """Takes these tokens and refuses all others as Google does."""
    return ScriptedServer(
        Step("EHLO", f"250-x\n250 AUTH PLAIN {offer}", times=None),
        *extra,
        *(Step("AUTH", "235 2.7.0 Accepted", when=said(token, offer), times=None) for token in good),
        *(Step("AUTH_RESPONSE", "235 2.7.0 Accepted", when=said(token, offer), times=None) for token in good),
        Step("AUTH", "334 ", when=f"{offer}$", times=None),
        Step("AUTH", f"334 {base64.b64encode(JSON.encode()).decode()}", times=None),
        Step("AUTH_RESPONSE", "535 5.7.8 Username and Password not accepted", times=None),
    )


def with_token(server: ScriptedServer, token: Any, **settings: Any) -> Smtp:
    return account(server, username=USER, token=token, **settings)


class Issuer:
    """Gives out these tokens, the last one again and again."""

    def __init__(self, *tokens: str, expires_at: timedelta | None = HOUR) -> None:
        self._tokens = tokens
        self._expires_at = expires_at
        self.calls = 0

    def __call__(self) -> AccessToken:
        self.calls += 1
        return AccessToken(self._tokens[min(self.calls, len(self._tokens)) - 1], self._expires_at)


def logins(server: ScriptedServer) -> int:
    return verbs(server.commands).count("AUTH")


def failure(settings: Smtp) -> PostroadError:
    error = deliver_one(settings, letter()).error
    assert error is not None
    return error


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_good_token(mechanism: str) -> None:
    with mail_server("good", offer=mechanism) as server:
        assert deliver_one(with_token(server, Issuer("good")), letter()).accepted
        assert deliver_one(with_token(server, "good"), letter()).accepted
        assert deliver_one(with_token(server, Secret("good")), letter()).accepted
    assert server.commands[1].startswith(f"AUTH {mechanism} ")


def test_the_password_is_the_token_where_that_is_asked_for() -> None:
    with mail_server("good") as server:
        assert deliver_one(account(server, username=USER, password="good", mechanisms="xoauth2"), letter()).accepted


def test_a_token_too_long_for_one_command_waits_to_be_asked() -> None:
    with mail_server(TOO_LONG) as server:
        assert deliver_one(with_token(server, TOO_LONG), letter()).accepted
    assert server.commands[1] == "AUTH XOAUTH2"
    assert said(TOO_LONG) in server.commands[2]


@pytest.mark.parametrize("expires_at", [HOUR, None])
def test_a_refused_token_is_fetched_anew_once(expires_at: timedelta | None) -> None:
    issuer = Issuer("stale", "good", expires_at=expires_at)
    with mail_server("good") as server:
        settings = with_token(server, issuer)
        assert deliver_one(settings, letter()).accepted
        assert logins(server) == 2
    assert issuer.calls == 2


def test_two_refusals_are_enough() -> None:
    issuer = Issuer("stale", "stale-too", "good")
    with mail_server("good") as server:
        error = failure(with_token(server, issuer))
        assert logins(server) == 2
    assert issuer.calls == 2
    assert type(error) is AuthenticationError
    assert (error.code, error.permanent) == (535, True)
    assert JSON in str(error)
    assert "token" in error.advice
    shows_nothing(error, "stale", said("stale")[:-4])


@pytest.mark.parametrize("token", [Issuer("stale"), Issuer("stale", expires_at=None), "stale", Secret("stale")])
def test_the_same_token_is_not_tried_again(token: Any) -> None:
    with mail_server("good") as server:
        assert type(failure(with_token(server, token))) is AuthenticationError
        assert logins(server) == 1


def test_the_dismissal_is_what_the_mechanism_wants() -> None:
    for mechanism, dismissal in (("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")):  # RFC 7628 §3.2.3
        with mail_server("good", offer=mechanism) as server:
            failure(with_token(server, "stale"))
            assert server.commands[2] == dismissal


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Step("AUTH", "454 4.7.0 Temporary authentication failure"), AuthenticationError),
        (Step("AUTH", None, then=Then.CLOSE), Disconnected),
        (Step("AUTH", "334 !"), ProtocolError),
    ],
    ids=["454", "close", "no-base64"],
)
def test_trouble_of_the_servers_own_is_no_refusal(step: Step, kind: type[PostroadError]) -> None:
    issuer = Issuer("good", "other")
    with mail_server("good", extra=(step,)) as server:
        assert type(failure(with_token(server, issuer))) is kind
        assert logins(server) == 1
    assert issuer.calls == 1


def test_no_other_mechanism_after_a_refusal_whatever_the_server_offers_then() -> None:
    with ScriptedServer(
        Step("EHLO", "250-x\n250 AUTH OAUTHBEARER", connection=0),
        Step("EHLO", "250-x\n250 AUTH XOAUTH2", connection=1),
        Step("AUTH", "535 5.7.8 no", times=None),
    ) as server:
        error = failure(with_token(server, Issuer("stale", "fresh")))
        assert logins(server) == 1
    assert "offers only XOAUTH2; this account logs in by OAUTHBEARER" in str(error)


@pytest.mark.parametrize("token", ["one\n", "two words", "ä", ""])
def test_a_token_that_cannot_be_sent_connects_nobody(token: str) -> None:
    with mail_server("good") as server:
        error = failure(with_token(server, lambda: token))
        assert type(error) is ConfigurationError
        assert error.setting == "token"
        assert not server.sessions


def test_a_callback_that_fails_connects_nobody() -> None:
    def callback() -> str:
        raise OSError("the issuer is away")

    with mail_server("good") as server:
        error = failure(with_token(server, callback))
        assert type(error) is SecretUnavailable
        assert "the issuer is away" in str(error)
        assert error.temporary
        assert not server.sessions


def test_connections_of_many_pools_and_threads_share_one_call() -> None:
    reached, go_on = threading.Event(), threading.Event()
    calls: list[int] = []

    def callback() -> AccessToken:
        calls.append(1)
        reached.set()
        assert go_on.wait(30)
        return AccessToken("good", HOUR)

    with mail_server("good") as server:
        settings = with_token(server, callback)

        async def connect() -> None:
            connections = await asyncio.gather(*(SmtpConnection.establish(settings) for _ in range(8)))
            for connection in connections:
                connection.abort()

        with ThreadPoolExecutor(4) as threads:
            loops = [threads.submit(asyncio.run, connect()) for _ in range(3)]
            assert reached.wait(30)
            go_on.set()
            for loop in loops:
                loop.result()
        assert logins(server) == 24
    assert len(calls) == 1


def test_a_stale_token_of_a_whole_pool_is_fetched_anew_once() -> None:
    issuer = Issuer("stale", "good")
    with mail_server("good") as server:
        settings = with_token(server, issuer, connections=5)
        reports = deliver(settings, *(letter(str(number)) for number in range(10)))
        assert all(report.accepted for report in reports)
    assert issuer.calls == 2


@pytest.mark.parametrize(
    ("settings", "setting", "reason"),
    [
        ({"token": "t"}, "username", "token is given and username is not"),
        ({"username": USER}, "password", "username is given and password is not"),
        ({"username": USER, "token": "t", "password": "p"}, "token", "both given"),
        ({"username": USER, "token": 5}, "token", "token is a int"),
        ({"username": USER, "token": ""}, "token", "empty"),
        ({"username": USER, "token": "t\n"}, "token", "white space"),
        ({"username": "ann\x01", "token": "t"}, "username", "control character"),
        ({"username": USER, "token": "t", "mechanisms": "plain"}, "mechanisms", "only a token"),
        ({"username": USER, "password": "p\n", "mechanisms": "xoauth2"}, "token", "white space"),
        ({"username": USER, "token": "t", "tls": Tls.NONE}, "tls", "plain text"),
        ({"username": USER, "token": lambda: "t", "tls": Tls.NONE}, "tls", "plain text"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], setting: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Smtp("mail.example", **settings)
    assert caught.value.setting == setting
    assert reason in str(caught.value)


CHALLENGES = st.binary(max_size=60).map(base64.b64encode).map(bytes.decode) | st.text(
    st.characters(min_codepoint=33, max_codepoint=126), max_size=20
)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@given(challenges=st.lists(CHALLENGES, max_size=4), end=st.sampled_from(["235 ok", "535 no", "334 ", "421 bye"]))
def test_whatever_a_server_asks_for_ends_in_one_of_our_errors_or_not_at_all(
    mechanism: str, challenges: list[str], end: str
) -> None:
    steps = [Step("AUTH_RESPONSE", f"334 {challenge}") for challenge in challenges[1:]]
    first = f"334 {challenges[0]}" if challenges else end
    with ScriptedServer(
        Step("EHLO", f"250-x\n250 AUTH {mechanism}"),
        Step("AUTH", first),
        *steps,
        Step("AUTH_RESPONSE", end, times=None),
    ) as server:
        settings = account(server, username=USER, password="hunter2", mechanisms=mechanism)
        report = deliver_one(settings, letter())
    assert report.accepted or isinstance(report.error, SendError)
    if report.accepted:
        assert mechanism != "SCRAM-SHA-256", "it was believed without a proof"
