"""``Smtp``: what may be said about an account, checked before anything is connected."""

from dataclasses import replace
from typing import Any

import pytest

from postroad.errors import ConfigurationError
from postroad.net.tls import Tls
from postroad.secret import Secret
from postroad.transport.smtp.settings import PoolLimits, Smtp, Timeouts


@pytest.mark.parametrize(
    ("tls", "port", "scheme"),
    [
        (Tls.REQUIRED, 587, "smtp"),
        (Tls.IMPLICIT, 465, "smtps"),
        (Tls.OPPORTUNISTIC, 25, "smtp+opportunistic"),
        (Tls.NONE, 25, "smtp+insecure"),
    ],
)
def test_each_mode_has_its_port_and_its_name(tls: Tls, port: int, scheme: str) -> None:
    assert Smtp("mail.example", tls=tls).port == port
    assert Smtp("mail.example", tls=tls).name == f"{scheme}://mail.example:{port}"
    assert Smtp("::1", 2525, tls=tls).name == f"{scheme}://[::1]:2525"


def test_secure_is_the_default_and_the_password_a_secret() -> None:
    settings = Smtp("Mail.Example.", username="ann", password="hunter2")
    assert settings.tls is Tls.REQUIRED
    assert settings.host == "mail.example"
    assert settings.password == Secret("hunter2")
    assert "hunter2" not in repr(settings) + str(settings) + settings.name
    assert settings == Smtp("mail.example", username="ann", password=Secret("hunter2"))


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ({"host": ""}, "host"),
        ({"host": "two words"}, "host"),
        ({"host": "mail.example\n"}, "host"),
        ({"host": "smtp://mail.example"}, "host"),
        ({"host": "ann@mail.example"}, "host"),
        ({"port": -1}, "port"),
        ({"port": 65536}, "port"),
        ({"ehlo": "two words"}, "ehlo"),
        ({"ehlo": ""}, "ehlo"),
        ({"username": "ann"}, "password"),
        ({"password": "hunter2"}, "username"),
        ({"username": "", "password": "hunter2"}, "username"),
        ({"username": "ann", "password": ""}, "password"),
        ({"username": "ann", "password": "hunter2", "tls": Tls.NONE}, "tls"),
        ({"max_size": -1}, "max_size"),
        ({"limits": PoolLimits(connections=0)}, "pool"),
        ({"limits": PoolLimits(messages=0)}, "messages"),
        ({"limits": PoolLimits(idle=0)}, "idle"),
        ({"limits": PoolLimits(wait=-1)}, "wait"),
        ({"limits": PoolLimits(age=float("nan"))}, "age"),
        ({"timeouts": Timeouts(dot=0)}, "dot"),
        ({"timeouts": Timeouts(connect=-1)}, "connect"),
    ],
)
def test_what_cannot_be_is_named(wrong: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Smtp(**{"host": "mail.example", **wrong})
    assert caught.value.setting == setting
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_it_is_a_value() -> None:
    settings = Smtp("mail.example")
    with pytest.raises(AttributeError):
        settings.host = "other.example"  # type: ignore[misc]  # frozen
    assert replace(settings, port=2525).port == 2525
    assert hash(settings) == hash(Smtp("mail.example"))


def test_the_waits_are_the_rfcs() -> None:
    # RFC 5321 §4.5.3.2; short dot timeouts make doubles.
    timeouts = Timeouts()
    assert (timeouts.command, timeouts.data, timeouts.block, timeouts.dot) == (300, 120, 180, 600)
    assert timeouts.connect <= 10
    assert timeouts.greeting <= 30
