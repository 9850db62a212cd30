"""PLAIN, LOGIN and CRAM-MD5, and which mechanism is used."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.secret import Secret
from postroad.smtp.client import ClientConversation
from postroad.smtp.sasl import (
    WITH_TOKEN,
    CramMd5,
    Login,
    Plain,
    checked_mechanisms,
    checked_password,
    checked_token,
    checked_username,
    choose,
)
from postroad.smtp.sasl_mechanism import ClientMechanism
from tests.showing import shows_nothing

PASSWORD = Secret("pa55 wörd")


def test_plain_says_all_at_once() -> None:
    mechanism = Plain("ann", PASSWORD)
    assert mechanism.initial_response() == "\0ann\0pa55 wörd".encode()  # RFC 4616 §2
    assert mechanism.respond(b"") == mechanism.initial_response()


def test_login_answers_two_questions_whatever_they_are() -> None:
    mechanism: ClientMechanism = Login("ann", PASSWORD)
    assert mechanism.initial_response() is None
    assert mechanism.respond(b"Username:") == b"ann"
    assert mechanism.respond(b"Anything") == "pa55 wörd".encode()


def test_cram_md5_hides_the_password() -> None:
    mechanism = CramMd5("tim", Secret("tanstaaftanstaaf"))  # RFC 2195 §2
    assert mechanism.initial_response() is None
    answer = mechanism.respond(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ({"LOGIN", "PLAIN"}, "PLAIN"),
        ({"login"}, "LOGIN"),
        ({"GSSAPI", "Plain"}, "PLAIN"),
        ({"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1"}, "SCRAM-SHA-256"),
        ({"SCRAM-SHA-256-PLUS", "LOGIN"}, "LOGIN"),
        ({"CRAM-MD5", "GSSAPI"}, None),  # CRAM-MD5 only when somebody asks for it
        ({"XOAUTH2", "OAUTHBEARER"}, None),  # they take a token
        (set(), None),
    ],
)
def test_the_best_of_what_is_offered(offered: set[str], chosen: str | None) -> None:
    mechanism = choose(offered, "ann", PASSWORD)
    assert (mechanism.name if mechanism else None) == chosen


@pytest.mark.parametrize(
    ("offered", "allowed", "chosen"),
    [
        ({"PLAIN", "XOAUTH2", "OAUTHBEARER"}, WITH_TOKEN, "OAUTHBEARER"),
        ({"PLAIN", "XOAUTH2"}, WITH_TOKEN, "XOAUTH2"),
        ({"PLAIN", "SCRAM-SHA-256"}, WITH_TOKEN, None),
        ({"PLAIN", "CRAM-MD5"}, ("CRAM-MD5",), "CRAM-MD5"),
        ({"PLAIN", "LOGIN", "SCRAM-SHA-256"}, ("LOGIN", "PLAIN"), "LOGIN"),
    ],
)
def test_only_what_is_allowed_in_the_order_that_was_asked_for(
    offered: set[str], allowed: tuple[str, ...], chosen: str | None
) -> None:
    mechanism = choose(offered, "ann", PASSWORD, allowed)
    assert (mechanism.name if mechanism else None) == chosen


def test_the_mechanisms_asked_for() -> None:
    assert checked_mechanisms("login, plain,LOGIN", token=False) == ("LOGIN", "PLAIN")
    assert checked_mechanisms(["scram-sha-256"], token=False) == ("SCRAM-SHA-256",)
    assert checked_mechanisms(("XOAuth2",), token=True) == ("XOAUTH2",)
    assert checked_mechanisms("xoauth2", token=False) == ("XOAUTH2",)  # the password is the token


@pytest.mark.parametrize(
    ("names", "token", "reason"),
    [
        ("", False, "'' is no mechanism"),
        ("plain,,login", False, "'' is no mechanism"),
        ("GSSAPI", False, "'GSSAPI' is no mechanism that postroad speaks: SCRAM-SHA-256, "),
        ("plain\nx", False, "no mechanism"),
        ("plain", True, "only OAUTHBEARER and XOAUTH2 take a token"),
        ("plain,xoauth2", False, "only OAUTHBEARER and XOAUTH2 take a token"),
    ],
)
def test_mechanisms_that_cannot_be(names: str, token: bool, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_mechanisms(names, token=token)
    assert caught.value.setting == "mechanisms"
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("check", "value", "setting"),
    [
        (checked_username, "", "username"),
        (checked_username, "a\0b", "username"),
        (checked_username, "a\x01auth=Bearer mine", "username"),
        (checked_username, "a\r\nb", "username"),
        (checked_username, "a\udcff", "username"),  # what a broken locale makes of an environment variable
        (checked_password, "", "password"),
        (checked_password, "hunter2\0", "password"),
        (checked_password, "hunter2\udcff", "password"),
        (checked_token, "", "token"),
        (checked_token, "hunter2\n", "token"),
        (checked_token, "hunter2 and more", "token"),
        (checked_token, "hunter2\x01user=bob", "token"),
        (checked_token, "hunter2ö", "token"),
    ],
)
def test_credentials_that_cannot_be_sent_are_named_and_not_shown(
    check: Callable[[Any], Any], value: str, setting: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(value if check is checked_username else Secret(value))
    assert caught.value.setting == setting
    assert setting in str(caught.value)
    assert str(caught.value).isprintable()
    shows_nothing(caught.value, "hunter2")


@given(st.text(min_size=1, max_size=500), st.text(min_size=1, max_size=500))
def test_no_credentials_make_a_second_command_or_show_themselves(username: str, password: str) -> None:
    try:
        checked_username(username)
        checked_password(Secret(password))
    except ConfigurationError:
        return
    plain: ClientMechanism = Plain(username, Secret(password))
    login: ClientMechanism = Login(username, Secret(password))
    conversation = ClientConversation()
    conversation.receive(b"220 hello\r\n")
    wires = [
        conversation.auth(plain.name, plain.initial_response()),
        conversation.auth(login.name, login.initial_response()),
        conversation.auth_response(login.respond(b"")),
        conversation.auth_response(login.respond(b"")),
    ]
    for wire in wires:
        assert wire.count(b"\n") == wire.count(b"\r") == 1
        assert wire.endswith(b"\r\n")
        assert wire.isascii()
    assert len(wires[0]) <= 512  # RFC 4954 §4
    shown = [line.text for line in conversation.transcript if str(line).startswith(">")]
    assert set(shown) <= {"AUTH PLAIN ***", "AUTH PLAIN", "AUTH LOGIN", "***"}
