"""A route as a URL: every scheme, every option, every error, and no password in any of them."""

import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.net.tls import Tls
from postroad.secret import Secret
from postroad.transport.from_url import from_url
from postroad.transport.route_url import has_password, redacted
from postroad.transport.smtp.settings import PoolLimits, Smtp, Timeouts
from postroad.transport.to_console import ConsoleTransport
from postroad.transport.to_file import FileTransport
from postroad.transport.to_memory import MemoryTransport, NullTransport
from tests.transport.road import settings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", Smtp("mail.example")),
        ("SMTP://MAIL.example./", Smtp("mail.example", 587)),
        ("smtps://mail.example", Smtp("mail.example", 465, tls=Tls.IMPLICIT)),
        ("smtp+opportunistic://mail.example", Smtp("mail.example", 25, tls=Tls.OPPORTUNISTIC)),
        ("smtp+insecure://mail.example", Smtp("mail.example", 25, tls=Tls.NONE)),
        ("smtp://mail.example:2525", Smtp("mail.example", 2525)),
        ("smtp://[::1]:2525", Smtp("::1", 2525)),
        ("smtp://ann:secret@mail.example", Smtp("mail.example", username="ann", password="secret")),
        (
            "smtp://ann%40a.example:p%40ss%2Fw%3A%C3%B6rd@mail.example",
            Smtp("mail.example", username="ann@a.example", password="p@ss/w:örd"),
        ),
        ("  smtp://mail.example\n", Smtp("mail.example")),
    ],
)
def test_smtp(url: str, expected: Smtp) -> None:
    assert settings(url) == expected


def test_an_account_beside_the_url_needs_no_encoding() -> None:
    beside = settings("smtp://mail.example", username="ann@a", password="p@ss/w:ö%41")
    assert (beside.username, beside.password) == ("ann@a", Secret("p@ss/w:ö%41"))
    split = settings("smtp://ann@mail.example", password=Secret("x"))
    assert (split.username, split.password) == ("ann", Secret("x"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("pool=20", {"limits": PoolLimits(connections=20)}),
        ("messages=50", {"limits": PoolLimits(messages=50)}),
        ("max_age=60", {"limits": PoolLimits(age=60.0)}),
        ("idle=2.5", {"limits": PoolLimits(idle=2.5)}),
        ("pool_timeout=9", {"limits": PoolLimits(wait=9.0)}),
        ("pool=3&idle=2", {"limits": PoolLimits(connections=3, idle=2.0)}),
        ("timeout=30", {"timeouts": Timeouts().capped(30)}),
        ("dot_timeout=60", {"timeouts": Timeouts(dot=60.0)}),
        ("ehlo=client.example", {"ehlo": "client.example"}),
        ("ca=/etc/ca.pem", {"ca": "/etc/ca.pem"}),
        ("server_name=other.example", {"server_name": "other.example"}),
        ("max_size=1000", {"max_size": 1000}),
        ("auth=cram-md5", {"mechanisms": ("CRAM-MD5",)}),
        ("auth=login,Plain", {"mechanisms": ("LOGIN", "PLAIN")}),
    ],
)
def test_options(query: str, expected: dict[str, Any]) -> None:
    assert settings(f"smtp://mail.example?{query}") == Smtp("mail.example", **expected)


def test_a_password_by_reference() -> None:
    one = settings("smtp://ann@mail.example?password_ref=vault:secret/smtp%23password&pool=2")
    assert one.password == Secret.ref("vault:secret/smtp#password")
    assert one.limits.connections == 2
    keyring = settings("smtp://mail.example?password_ref=keyring:mail/ann%40a.example", username="ann")
    assert keyring.password == Secret.ref("keyring:mail/ann@a.example")


@pytest.mark.parametrize("literal", ["env:HOME", "file:/etc/hostname", "cmd:date"])
def test_a_password_that_looks_like_a_reference_is_a_password(literal: str) -> None:
    for one in (
        settings("smtp://ann@mail.example", password=literal),
        settings(f"smtp://ann:{literal.replace('/', '%2F')}@mail.example"),
    ):
        assert isinstance(one.password, Secret)
        assert one.password.reveal() == literal
        assert one.password.reference is None


def test_a_timeout_caps_every_wait_but_the_dots() -> None:
    timeouts = settings("smtp://mail.example?timeout=5").timeouts
    assert {timeouts.connect, timeouts.tls, timeouts.greeting, timeouts.command, timeouts.data, timeouts.block} == {5.0}
    assert timeouts.quit == 2.0
    assert timeouts.dot == 600.0, "a short one makes doubles"


@pytest.mark.parametrize(
    ("url", "kind"),
    [("console://", ConsoleTransport), ("memory://", MemoryTransport), ("null://", NullTransport)],
)
def test_without_a_server(url: str, kind: type) -> None:
    assert type(from_url(url)) is kind


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mit Umlaut ä"
    for url in (f"file://{tmp_path}/mit%20Umlaut%20%C3%A4", f"file://localhost{tmp_path}/mit%20Umlaut%20%C3%A4"):
        assert isinstance(from_url(url), FileTransport)
        assert folder.is_dir()


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "setting", "said"),
    [
        ("", "url", "no kind of route"),
        ("mail.example", "url", "no kind of route"),
        ("http://mail.example", "url", "'http' is no kind of route"),
        ("smtp+tls://mail.example", "url", "'smtp+tls' is no kind"),
        (f"ann:{SECRET}@mail.example", "url", "no kind of route"),
        ("smtp://", "url", "no host name"),
        ("smtp://:25", "url", "no host name"),
        ("smtp:mail.example", "url", "slashes are missing"),
        (f"smtp:ann:{SECRET}@mail.example", "url", ""),
        (f"smtp:/ann:{SECRET}@mail.example", "url", ""),
        ("smtp://mail.example/path", "url", "nothing follows host and port"),
        ("smtp://mail.example#fragment", "url", "nothing follows host and port"),
        ("smtp://mail.example:0", "port", "port 0"),
        ("smtp://mail.example:99999", "url", "port is not a number"),
        ("smtp://mail.example:x", "url", "port is not a number"),
        ("smtp://[::1", "url", "malformed"),
        ("smtp://two words", "url", "white space"),
        ("smtp://mail.example\x00", "url", "control character"),
        ("smtp://ann@mail.example", "password", "username is given and password is not"),
        (f"smtp://:{SECRET}@mail.example", "username", "password is given and username is not"),
        (f"smtp://ann:{SECRET}#x@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:{SECRET}/x@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:{SECRET}?x@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:{SECRET} x@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:{SECRET}[x@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:12?{SECRET}@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:12/{SECRET}@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:12?timeout={SECRET}@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:12@3#{SECRET}@mail.example", "url", "ann:***@mail.example"),
        (f"smtp://ann:{SECRET}%ff@mail.example", "password", "not percent-encoded UTF-8"),
        (f"smtp://ann:{SECRET}%00@mail.example", "password", "NUL"),
        (f"smtp+insecure://ann:{SECRET}@mail.example", "tls", "plain text"),
        (f"http://ann:{SECRET}@mail.example", "url", "'http' is no kind"),
        ("smtp://mail.example?pools=3", "pools", "no option 'pools'; it has auth, burst, ca, client_cert"),
        ("smtp://mail.example?password=x", "password", "no option 'password'"),
        (f"smtp://ann@mail.example?password_ref={SECRET}", "password", "this is no reference"),
        (f"smtp://ann:{SECRET}@mail.example?password_ref=env:X", "password_ref", "both given"),
        ("smtp://ann@mail.example?password_ref=vault:a/b#key", "url", "nothing follows host and port"),
        ("smtp://mail.example?password_ref=env:X", "username", "password is given and username is not"),
        ("smtp://mail.example?auth=", "mechanisms", "'' is no mechanism"),
        ("smtp://mail.example?auth=gssapi", "mechanisms", "SCRAM-SHA-256, OAUTHBEARER"),
        ("smtp://mail.example?auth=plain,xoauth2", "mechanisms", "only a token"),
        ("smtp://mail.example?pool=3&pool=4", "pool", "given twice"),
        ("smtp://mail.example?pool=0", "pool", "whole number"),
        ("smtp://mail.example?pool=-1", "pool", "whole number"),
        ("smtp://mail.example?pool=many", "pool", "whole number"),
        ("smtp://mail.example?pool=٣", "pool", "whole number"),
        ("smtp://mail.example?timeout=0", "timeout", "number of seconds"),
        ("smtp://mail.example?timeout=nan", "timeout", "number of seconds"),
        ("smtp://mail.example?timeout=inf", "timeout", "number of seconds"),
        ("smtp://mail.example?timeout=", "timeout", "number of seconds"),
        ("smtp://mail.example?ehlo=two%20words", "ehlo", "neither a host name"),
        ("smtp://mail.example?ehlo=a%0d%0aMAIL", "ehlo", "neither a host name"),
        ("file://", "url", "three slashes"),
        ("file://relative/folder", "url", "three slashes"),
        ("file:///no/such/parent/folder", "url", "cannot make the folder"),
        ("file:///tmp?x=1", "url", "no options"),
        ("null://somewhere", "url", "takes nothing behind it"),
        ("memory://?x=1", "url", "no options"),
    ],
)
def test_what_is_wrong_is_said_and_the_password_is_not(url: str, setting: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_url(url)
    error = caught.value
    assert error.setting == setting
    assert said in str(error)
    told = "".join(traceback.TracebackException.from_exception(error).format()) + error.advice + repr(error)
    assert SECRET not in told
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("smtp://::1:4025", "brackets: smtp://[::1]:4025"),
        ("smtp://::1?pool=2", "brackets: smtp://[::1]"),
        ("smtps://ann@2001:db8::7:465", "brackets: smtps://[2001:db8::7]:465"),
        ("smtp:127.0.0.1:25", "Write smtp://127.0.0.1:25"),
        ("smtps:/mail.example", "Write smtps://mail.example"),
        ("lmtp:/run/lmtp", "Write lmtp:///run/lmtp"),
        ("lmtp:mail.example:24", "Write lmtp://mail.example:24"),
        ("lmtp://tmp/x/lmtp", "three slashes: lmtp:///tmp/x/lmtp"),
        ("failover(smtp://a,smtp://b)", "White space separates"),
        ("failover(smtp://a, smtp://b)", "White space separates"),
        ("weighted(smtp://a=9;smtp://b=1)", "White space separates"),
        ("smtp://mail.example?max_size=100MB", "octets without a unit"),
    ],
)
def test_how_it_should_have_been_written(url: str, advice: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_url(url)
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("url", "account", "setting"),
    [
        ("smtp://ann:x@mail.example", {"username": "ann"}, "username"),
        ("smtp://ann:x@mail.example", {"password": SECRET}, "password"),
        ("smtp://mail.example", {"username": "ann"}, "password"),
        ("smtp://mail.example", {"password": SECRET}, "username"),
        ("smtp://mail.example", {"username": "ann", "password": ""}, "password"),
        ("null://", {"username": "ann", "password": SECRET}, "username"),
    ],
)
def test_contradictions(url: str, account: dict[str, str], setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_url(url, **account)
    assert caught.value.setting == setting
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("wrong", [None, 25, b"smtp://mail.example"])
def test_what_is_no_text(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="a route is a URL"):
        from_url(wrong)


def test_whether_a_password_stands_in_it() -> None:
    assert has_password("smtp://ann:x@mail.example")
    assert has_password("smtp://ann:@mail.example")
    assert has_password("postgresql://ann@host/mail?connect_timeout=3&password=x")
    assert has_password("postgresql://host/mail?sslpassword=x")
    assert not has_password("postgresql://ann@host/mail?password=")
    assert not has_password("postgresql://ann@host/password=x?passfile=/run/secret")
    assert not has_password("smtp://ann@mail.example")
    assert not has_password("smtp://mail.example:25")
    assert not has_password("smtp://[")


special = st.text(st.sampled_from("1239@:/?#[]%&= \\\"'é"), max_size=6)
hard_passwords = st.tuples(special, special).map("hunter2".join)


@given(
    hard_passwords,
    st.sampled_from(["smtp", "smtps", "smtp+insecure", "gopher", ""]),
    st.sampled_from(["", ":x", "/y", "?pool=0", "#z"]),
)
def test_no_password_is_shown_however_badly_the_url_was_written(password: str, scheme: str, end: str) -> None:
    url = f"{scheme}://ann:{password}@mail.example{end}"
    try:
        shown = repr(from_url(url).name)
    except ConfigurationError as error:
        shown = f"{error} {error.advice} {error!r}"
    assert "hunter2" not in shown
    assert "hunter2" not in redacted(url)


@given(st.text(max_size=40))
def test_any_text_is_a_route_or_an_error_with_advice(text: str) -> None:
    if text.strip().lower().startswith("file:"):
        return
    try:
        from_url(text)
    except ConfigurationError as error:
        shown = str(error), error.advice
        assert all(shown)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("localhost:1025", "smtp://localhost:1025"),
        ("smtp.example.com", "smtp://smtp.example.com"),
        ("smtp://host:99999", "A port is a number"),
        ("smtp://host:abc", "A port is a number"),
        ("smtp://[::1", "stands in brackets"),
        ("smtp://ann@host", "--password env:NAME"),
        (" ", "Use one of smtp://"),
        ("smtp://ann:pa/ss@host", "Percent-encode"),
    ],
)
def test_the_advice_fits_the_mistake(url: str, advice: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_url(url)
    assert advice in caught.value.advice
