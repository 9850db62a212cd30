"""A proxy as a value: what may be said about it, and nothing that shows its password."""

import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.net.proxy import Proxy, ProxyKind
from postroad.secret import Secret

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("socks5://proxy.example", Proxy(ProxyKind.SOCKS5, "proxy.example", 1080)),
        ("SOCKS5H://Proxy.Example.:9050/", Proxy(ProxyKind.SOCKS5H, "proxy.example", 9050)),
        ("http://[::1]:3128", Proxy(ProxyKind.HTTP, "::1", 3128)),
        ("socks5://ann@proxy.example", Proxy(ProxyKind.SOCKS5, "proxy.example", 1080, "ann")),
        ("http://ann:p%40ss%3A@proxy.example:80", Proxy(ProxyKind.HTTP, "proxy.example", 80, "ann", "p@ss:")),
        ("http://token:@proxy.example:80", Proxy(ProxyKind.HTTP, "proxy.example", 80, "token", "")),
    ],
)
def test_as_a_url(url: str, expected: Proxy) -> None:
    assert Proxy.from_url(url) == expected


def test_the_password_is_a_secret() -> None:
    proxy = Proxy.from_url(f"socks5://ann:{SECRET}@proxy.example")
    assert proxy.secret == Secret(SECRET)
    assert SECRET not in f"{proxy} {proxy!r} {proxy.where}"
    assert str(proxy) == "socks5://ann@proxy.example:1080"


def test_a_password_by_reference() -> None:
    proxy = Proxy.from_url("socks5://ann@proxy.example", password=Secret.ref("env:PROXY_PASSWORD"))
    assert proxy.secret is not None
    assert proxy.secret.reference is not None


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "its scheme is none of socks5://, socks5h://, http://"),
        ("proxy.example:1080", "its scheme"),
        ("https://proxy.example:443", "its scheme"),
        ("socks4://proxy.example", "its scheme"),
        ("socks5://", "no host name"),
        (f"socks5://ann:{SECRET}@", "no host name"),
        ("http://proxy.example", "needs its port"),
        (f"socks5://ann:{SECRET}@proxy.example:x", "cannot be read"),
        (f"socks5://ann:{SECRET}/@proxy.example", "cannot be read"),
        (f"socks5://ann:{SECRET}@[proxy", "cannot be read"),
        (f"socks5://ann:{SECRET}@proxy.example/path", "something follows"),
        (f"socks5://ann:1#{SECRET}@proxy.example", "something follows"),
        (f"socks5://ann: {SECRET}@proxy.example", "white space"),
        (f"socks5://ann:{SECRET}\n@proxy.example", "control character"),
        (f"socks5://ann:{SECRET}%0d%0a@proxy.example", "the password holds a control character"),
        (f"socks5://ann%00:{SECRET}@proxy.example", "the user name holds a control character"),
        (f"socks5://ann:{SECRET}%ff@proxy.example", "not percent-encoded UTF-8"),
        (f"socks5://:{SECRET}@proxy.example", "a password is given and a user name is not"),
        (f"socks5://ann:{SECRET}{'x' * 250}@proxy.example", "longer than 255 octets"),
        (f"socks5://{'x' * 256}:{SECRET}@proxy.example", "longer than 255 octets"),
        (f"http://a%3Ab:{SECRET}@proxy.example:80", "holds a colon"),
    ],
)
def test_what_is_wrong_is_said_and_the_password_is_not(url: str, what: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Proxy.from_url(url)
    error = caught.value
    assert error.setting == "proxy"
    assert what in str(error)
    told = "".join(traceback.TracebackException.from_exception(error).format()) + error.advice + repr(error)
    assert SECRET not in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "proxy.example\r\n"},
        {"host": ""},
        {"port": 65536},
        {"port": -1},
        {"username": ""},
        {"username": "a\x7f"},
        {"username": "\udcff"},
        {"username": "ann", "password": "\udcff"},
        {"password": SECRET},
    ],
)
def test_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Proxy(**{"kind": ProxyKind.SOCKS5, "host": "proxy.example", **wrong})
    assert caught.value.setting == "proxy"


@given(st.text(max_size=40))
def test_any_text_is_a_proxy_or_an_error(text: str) -> None:
    for url in (text, f"socks5://{text}", f"http://ann:{text}@proxy.example:80"):
        setting: str | None = "proxy"
        try:
            Proxy.from_url(url)
        except ConfigurationError as fault:
            setting = fault.setting
        assert setting == "proxy"
