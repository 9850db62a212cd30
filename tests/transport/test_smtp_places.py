"""Where an account is, and by which way, in objects and in URLs; and what makes it another account."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import UnixSocketController
from aiosmtpd.handlers import Message

from postroad.errors import ConfigurationError, ConnectError
from postroad.net.proxy import Proxy, ProxyKind
from postroad.net.tls import Tls, Trust
from postroad.secret import Secret
from postroad.testing import ScriptedServer
from postroad.transport.from_url import from_url
from postroad.transport.route_url import has_password, redacted
from postroad.transport.smtp.settings import PoolLimits, Protocol, Smtp, Timeouts
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.peers.dovecot import DovecotSettings
from tests.peers.fixtures import USERS, StartDovecot
from tests.transport.road import account, deliver_one, run, settings

LMTP = Protocol.LMTP
PIN = "sha256//" + "A" * 43 + "="


# ── URLs and objects ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("lmtp:///run/dovecot/lmtp", Smtp(socket_path="/run/dovecot/lmtp", protocol=LMTP)),
        ("lmtp:///run/mit%20Umlaut%20%C3%A4", Smtp(socket_path="/run/mit Umlaut ä", protocol=LMTP)),
        ("smtp:///run/smtp.sock", Smtp(socket_path="/run/smtp.sock")),
        ("lmtp://mail.example", Smtp("mail.example", 24, protocol=LMTP, tls=Tls.OPPORTUNISTIC)),
        ("lmtp://mail.example:2003?tls=starttls", Smtp("mail.example", 2003, protocol=LMTP, tls=Tls.REQUIRED)),
        ("lmtp://mail.example?tls=none", Smtp("mail.example", protocol=LMTP, tls=Tls.NONE)),
        ("lmtp://mail.example?tls=implicit", Smtp("mail.example", 24, protocol=LMTP, tls=Tls.IMPLICIT)),
        ("lmtp://mail.example?ca=/ca.pem", Smtp("mail.example", protocol=LMTP, tls=Tls.REQUIRED, ca="/ca.pem")),
        ("smtp://mail.example?source=192.0.2.9", Smtp("mail.example", source="192.0.2.9")),
        ("smtp://mail.example?source=2001:db8::9", Smtp("mail.example", source="2001:db8::9")),
        (
            "smtp://mail.example?proxy=socks5h://u:p@proxy.example:9050&pool=2",
            Smtp(
                "mail.example",
                proxy=Proxy(ProxyKind.SOCKS5H, "proxy.example", 9050, "u", "p"),
                limits=PoolLimits(connections=2),
            ),
        ),
        (
            "smtp://mail.example?proxy=http%3A%2F%2Fu%3Ap%40proxy.example%3A80",
            Smtp("mail.example", proxy="http://u:p@proxy.example:80"),
        ),
        (
            "smtp://mail.example?proxy=socks5://u@proxy.example&proxy_password_ref=vault:a/b%23c",
            Smtp("mail.example", proxy=Proxy(ProxyKind.SOCKS5, "proxy.example", 0, "u", Secret.ref("vault:a/b#c"))),
        ),
        (f"smtp://mail.example?pin={PIN}", Smtp("mail.example", pin=PIN)),
        (
            "smtp://mail.example?pin=sha256//" + "+/" * 21 + "A=" + "&trust=pin-only",
            Smtp("mail.example", pin="sha256//" + "+/" * 21 + "A=", trust=Trust.PIN_ONLY),
        ),
        (
            "smtp://mail.example?client_key_password_ref=env:X&client_key=/c.key&client_cert=/c.pem",
            Smtp("mail.example", client_cert="/c.pem", client_key="/c.key", client_key_password=Secret.ref("env:X")),
        ),
    ],
)
def test_as_a_url(url: str, expected: Smtp) -> None:
    assert settings(url) == expected
    assert replace(expected) == expected  # everything that was settled may be said


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (Smtp("mail.example", protocol=LMTP), "lmtp://mail.example:24"),
        (Smtp(socket_path="/run/lmtp", protocol=LMTP), "lmtp:///run/lmtp"),
        (Smtp(socket_path="/run/smtp", username="ann", password="x"), "smtp://ann@/run/smtp"),
    ],
)
def test_its_name(given: Smtp, name: str) -> None:
    assert given.name == name


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "setting", "said"),
    [
        ("lmtp://mail.example:25", "port", "RFC 2033"),
        ("lmtp://", "url", "no host name"),
        ("lmtp:///", "url", "no host name"),
        ("lmtp:run/x", "url", "slashes are missing"),
        ("lmtp://mail.example/run/x", "url", "nothing follows"),
        ("lmtp:///run/%00", "socket_path", "absolute path"),
        ("lmtp:///" + "x" * 107, "socket_path", "107 octets"),
        ("lmtp:///run/x?proxy=socks5://p", "proxy", "not on the network"),
        ("lmtp:///run/x?source=127.0.0.1", "source", "not on the network"),
        ("lmtp://mail.example?tls=maybe", "tls", "none of starttls, implicit, opportunistic, none"),
        ("smtp://mail.example?tls=none", "tls", "no option 'tls'"),
        ("smtp://mail.example?source=here", "source", "not an IP address"),
        ("smtp://192.0.2.1?source=::1", "source", "cannot reach 192.0.2.1"),
        ("smtp://mail.example?proxy=socks4://p", "proxy", "socks5h://"),
        (f"smtp://mail.example?proxy=socks5://:{SECRET}@p", "proxy", "user name is not"),
        (f"smtp://mail.example?proxy=ftp://u:{SECRET}@p", "proxy", "its scheme"),
        (f"smtp://mail.example?proxy=socks5://u:{SECRET}@p&proxy_password_ref=env:X", "proxy", "beside it"),
        ("smtp://mail.example?proxy_password_ref=env:X", "proxy", "proxy is not"),
        (f"smtp://mail.example?proxy=socks5://u@p&proxy_password_ref={SECRET}", "password", "no reference"),
        ("smtp://mail.example?pin=x", "pin", "not the SHA-256 digest"),
        ("smtp://mail.example?trust=pin-only", "pin", "no pin is given"),
        ("smtp://mail.example?trust=nobody", "trust", "authority, pin-only"),
        (f"smtp://mail.example?trust=pin-only&pin={PIN}&ca=/ca.pem", "ca", "no issuer"),
        (f"smtp+opportunistic://mail.example?pin={PIN}", "pin", "without TLS"),
        (f"smtp+insecure://mail.example?pin={PIN}", "pin", "without TLS"),
        ("smtp+insecure://mail.example?client_cert=/c.pem", "client_cert", "no TLS"),
        ("smtp://mail.example?client_key=/c.key", "client_cert", "client_key is given"),
        ("smtp://mail.example?client_key_password_ref=env:X", "client_cert", "client_key_password is given"),
    ],
)
def test_what_is_wrong_is_said(url: str, setting: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_url(url)
    assert caught.value.setting == setting
    assert said in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.advice}"


def test_a_socket_has_neither_host_nor_port() -> None:
    for wrong in ({"host": "mail.example"}, {"port": 24}):
        with pytest.raises(ConfigurationError, match="neither host nor port"):
            Smtp(socket_path="/run/x", **wrong)
    with pytest.raises(ConfigurationError, match="absolute path"):
        Smtp(socket_path="run/x")


# ── the proxy's password ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        f"smtp://mail.example?proxy=socks5://u:{SECRET}@p:1",
        f"smtp://mail.example?pool=2&proxy=socks5%3A%2F%2Fu%3A{SECRET}%40p%3A1",
        f"smtp://ann@mail.example?proxy=socks5://u:{SECRET}@p:1&pool=2",
        f"smtp://ann:x@mail.example?proxy=socks5://u:{SECRET}%40p",
        f"failover(smtp://mail.example?proxy=socks5%3A//u:{SECRET}%40p null://)",
    ],
)
def test_a_proxys_password_in_a_url_is_found_and_masked(url: str) -> None:
    assert SECRET not in redacted(url)
    assert has_password(url)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.example:587?proxy=socks5://u@p:1",
        "smtp://mail.example:587?proxy=socks5://p:1080",
        "smtp://ann@mail.example:587?proxy=socks5%3A%2F%2Fu%40p%3A1",
    ],
)
def test_a_proxy_without_a_password(url: str) -> None:
    assert not has_password(url)
    assert redacted("smtp://mail.example?proxy=socks5://p:1080").endswith("?proxy=socks5://p:1080")


# ── TLS in force ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "mode", "verified"),
    [
        (Smtp("mail.example"), Tls.REQUIRED, True),
        (Smtp("localhost"), Tls.OPPORTUNISTIC, False),
        (Smtp("localhost", pin=PIN), Tls.REQUIRED, True),
        (Smtp("localhost", pin=PIN, trust=Trust.PIN_ONLY), Tls.REQUIRED, False),
        (Smtp("mail.example", protocol=LMTP), Tls.OPPORTUNISTIC, False),
        (Smtp("mail.example", protocol=LMTP, ca="/ca.pem"), Tls.REQUIRED, True),
        (Smtp("localhost", protocol=LMTP), Tls.OPPORTUNISTIC, False),
        (Smtp(socket_path="/run/x"), Tls.NONE, False),
        (Smtp(socket_path="/run/x", protocol=LMTP), Tls.NONE, False),
        (Smtp(socket_path="/run/x", ca="/ca.pem"), Tls.REQUIRED, True),
        (Smtp(socket_path="/run/x", tls=Tls.IMPLICIT), Tls.IMPLICIT, True),
    ],
)
def test_the_policy_in_force(given: Smtp, mode: Tls, verified: bool) -> None:
    assert given.tls_settings.mode is mode
    assert given.tls_settings.verify is verified


# ── which connections are interchangeable ─────────────────────────────────────────────────────────────────────────────

BASE = Smtp("mail.example", username="ann", password="x", client_cert="/c.pem", client_key="/c.key", pin=PIN)
OTHERWISE: dict[str, Any] = {
    "host": "other.example",
    "port": 2525,
    "username": "bob",
    "password": "y",
    "tls": Tls.IMPLICIT,
    "ca": "/ca.pem",
    "server_name": "other.example",
    "ehlo": "client.example",
    "max_size": 1000,
    "limits": PoolLimits(connections=2),
    "timeouts": Timeouts(dot=60.0),
    "mechanisms": "PLAIN",
    "protocol": LMTP,
    "proxy": "socks5://proxy.example",
    "source": "192.0.2.9",
    "pin": "sha256//" + "B" * 42 + "A=",
    "trust": Trust.PIN_ONLY,
    "client_cert": "/d.pem",
    "client_key": "/d.key",
    "client_key_password": "z",
    "rate": "100/min",
}


def test_every_setting_makes_another_account() -> None:
    """A pool belongs to one value of settings: what differs in anything must never share a connection."""
    others = [replace(BASE, **{name: value}) for name, value in OTHERWISE.items()]
    others.append(replace(BASE, password=None, token="t"))
    others.append(Smtp(socket_path="/run/x", username="ann", password="x", client_cert="/c.pem", pin=PIN))
    assert {one.name for one in fields(Smtp)} == OTHERWISE.keys() | {"token", "socket_path"}
    assert len({BASE, *others}) == 1 + len(others)
    assert replace(BASE) == BASE
    assert hash(replace(BASE)) == hash(BASE)


# ── over real sockets ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Keeping(Message):
    def __init__(self) -> None:
        super().__init__()
        self.subjects: list[str] = []
        self.came = threading.Event()

    def handle_message(self, message: Any) -> None:
        self.subjects.append(message["Subject"])
        self.came.set()


@contextmanager
def unix_server(path: Path) -> Iterator[_Keeping]:
    keeping = _Keeping()
    controller = UnixSocketController(keeping, str(path))
    controller.start()
    try:
        yield keeping
    finally:
        controller.stop()


def test_smtp_over_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "smtp.sock"
    with unix_server(path) as keeping:
        one = settings(f"smtp://{path}")
        assert deliver_one(one, letter("by socket")).accepted
        seen = str(run(one, SmtpTransport.check))
    assert keeping.subjects == ["by socket"]
    assert f"connected to {path}" in seen
    report = deliver_one(one, letter())
    assert isinstance(report.error, ConnectError)
    assert str(path) in str(report.error)


def test_the_server_sees_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "nameless")  # then the address of the connection is our name
    with ScriptedServer() as server:
        assert deliver_one(account(server, source="127.0.0.9"), letter()).accepted
    assert server.commands[0] == "EHLO [127.0.0.9]"


@pytest.mark.system
def test_lmtp_over_dovecots_unix_socket(start_dovecot: StartDovecot, tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    dovecot = start_dovecot(
        DovecotSettings(users=USERS, more=f"service lmtp {{\n  unix_listener {path} {{\n  }}\n}}\n")
    )
    one = settings(f"lmtp://{path}")
    report = deliver_one(one, letter("by lmtp", "ann@a.example", "nobody@a.example", "bob@a.example"))
    assert [str(one.recipient) for one in report.accepted] == ["ann@a.example", "bob@a.example"]
    assert [one.code for one in report.refused] == [550]
    for user in ("ann", "bob"):
        (stored,) = dovecot.messages(user)
        assert b"Subject: by lmtp\n" in stored
    assert f"connected to {path}" in str(run(one, SmtpTransport.check))


def test_a_source_that_is_not_ours_is_named() -> None:
    with ScriptedServer() as server:
        error = deliver_one(account(server, source="192.0.2.9"), letter()).error
    assert isinstance(error, ConnectError)
    assert "192.0.2.9 must be an address of this machine" in error.advice
