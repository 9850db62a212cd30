"""PLAIN and LOGIN, and which of them is used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.secret import Secret
from postroad.smtp.client import ClientConversation
from postroad.smtp.sasl import ClientMechanism, Login, Plain, checked_credentials, choose

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


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ({"LOGIN", "PLAIN"}, "PLAIN"),
        ({"login"}, "LOGIN"),
        ({"GSSAPI", "Plain"}, "PLAIN"),
        ({"CRAM-MD5", "GSSAPI"}, None),  # CRAM-MD5 only when somebody asks for it
        (set(), None),
    ],
)
def test_the_best_of_what_is_offered(offered: set[str], chosen: str | None) -> None:
    mechanism = choose(offered, "ann", PASSWORD)
    assert (mechanism.name if mechanism else None) == chosen


@pytest.mark.parametrize(
    ("username", "password", "setting"),
    [
        ("", "hunter2", "username"),
        ("ann", "", "password"),
        ("a\0b", "hunter2", "username"),
        ("ann", "hunter2\0", "password"),
        ("a\udcff", "hunter2", "username"),  # what a broken locale makes of an environment variable
        ("ann", "hunter2\udcff", "password"),
    ],
)
def test_credentials_that_cannot_be_sent_are_named_and_not_shown(username: str, password: str, setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_credentials(username, Secret(password))
    assert caught.value.setting == setting
    assert setting in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.text(min_size=1, max_size=500), st.text(min_size=1, max_size=500))
def test_no_credentials_make_a_second_command_or_show_themselves(username: str, password: str) -> None:
    try:
        checked_credentials(username, Secret(password))
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
