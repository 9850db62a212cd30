"""Mail through proxies of other projects, and what is said where they do not let it through."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest

from postroad.errors import ConfigurationError, ConnectError, PostroadError, ProxyError, ProxyRefused, Timeout, TlsError
from postroad.net.proxy import Proxy, ProxyKind
from postroad.net.tls import Tls
from postroad.secret import Secret
from postroad.testing import ScriptedServer
from postroad.transport.from_url import from_url
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.peers.certificates import Certificates
from tests.peers.endpoint import free_endpoint
from tests.peers.proxies import PASSWORD, USER, ForeignProxy, Microsocks, Tinyproxy
from tests.transport.road import account, deliver_one, impatient, run

P = TypeVar("P", bound=ForeignProxy)
StartProxy = Callable[[Callable[[], P]], P]

SCHEMES = [("socks5", Microsocks), ("socks5h", Microsocks), ("http", Tinyproxy)]
every_kind = pytest.mark.parametrize(("scheme", "kind"), SCHEMES, ids=["socks5", "socks5h", "http"])


@pytest.fixture
def start_proxy(requires_program: Callable[[str], str]) -> Iterator[StartProxy[ForeignProxy]]:
    for program in ("microsocks", "tinyproxy"):
        requires_program(program)
    with ExitStack() as running:
        yield lambda make: running.enter_context(make())


def failure(settings: Smtp) -> PostroadError:
    report = deliver_one(settings, letter())
    assert report.error is not None
    assert not report.accepted
    return report.error


@pytest.mark.system
@pytest.mark.parametrize("log_in", [False, True], ids=["open", "account"])
@every_kind
def test_mail_goes_through(
    start_proxy: StartProxy[ForeignProxy],
    certificates: Certificates,
    scheme: str,
    kind: type[ForeignProxy],
    log_in: bool,
) -> None:
    proxy = start_proxy(lambda: kind(account=log_in))
    with ScriptedServer(tls=certificates.good.server_context(), credentials={"ann": "secret"}) as server:
        settings = account(
            server,
            host="localhost",
            ca=str(certificates.ca),
            proxy=proxy.url(scheme),
            username="ann",
            password="secret",
        )
        assert deliver_one(settings, letter()).accepted
        seen = str(run(settings, SmtpTransport.check))
    assert server.messages[0].secure
    assert str(proxy.endpoint) in seen
    assert PASSWORD not in seen


@pytest.mark.system
@every_kind
def test_implicit_tls_goes_through(
    start_proxy: StartProxy[ForeignProxy], certificates: Certificates, scheme: str, kind: type[ForeignProxy]
) -> None:
    proxy = start_proxy(kind)
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=True) as server:
        url = f"smtps://localhost:{server.port}?ca={certificates.ca}&proxy={proxy.url(scheme)}"
        transport = from_url(url)
        assert isinstance(transport, SmtpTransport)
        assert deliver_one(transport.settings, letter()).accepted


@pytest.mark.system
@every_kind
def test_a_wrong_password_is_told_once_and_for_ever(
    start_proxy: StartProxy[ForeignProxy], scheme: str, kind: type[ForeignProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = start_proxy(lambda: kind(account=True))
    monkeypatch.setenv("PROXY_PASSWORD", "not-" + PASSWORD)
    where = ProxyKind(scheme), *proxy.endpoint
    with ScriptedServer() as server:
        for wrong in (Proxy(*where, USER, "not-" + PASSWORD), Proxy(*where, USER, Secret.ref("env:PROXY_PASSWORD"))):
            error = failure(account(server, tls=Tls.OPPORTUNISTIC, proxy=wrong))
            assert type(error) is ProxyRefused
            assert error.permanent
            assert PASSWORD not in f"{error} {error!r}"
        bare = failure(account(server, tls=Tls.OPPORTUNISTIC, proxy=Proxy(*where)))
        assert "wants a user name and a password" in str(bare)
        assert not server.sessions


@pytest.mark.system
@every_kind
def test_the_password_of_a_proxy_by_reference(
    start_proxy: StartProxy[ForeignProxy], scheme: str, kind: type[ForeignProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = start_proxy(lambda: kind(account=True))
    monkeypatch.setenv("PROXY_PASSWORD", PASSWORD)
    with ScriptedServer() as server:
        url = f"{scheme}://{USER}@{proxy.endpoint}&proxy_password_ref=env:PROXY_PASSWORD"
        transport = from_url(f"smtp+opportunistic://{server.host}:{server.port}?proxy={url}")
        assert isinstance(transport, SmtpTransport)
        assert deliver_one(transport.settings, letter()).accepted
    monkeypatch.delenv("PROXY_PASSWORD")
    with pytest.raises(ConfigurationError, match="PROXY_PASSWORD"):
        run(transport.settings, SmtpTransport.check)


@pytest.mark.system
@every_kind
def test_a_host_that_the_proxy_does_not_reach_is_not_a_missing_proxy(
    start_proxy: StartProxy[ForeignProxy], scheme: str, kind: type[ForeignProxy]
) -> None:
    proxy = start_proxy(kind)
    host, port = free_endpoint()
    error = failure(Smtp(host, port, tls=Tls.OPPORTUNISTIC, proxy=proxy.url(scheme)))
    assert type(error) is ConnectError
    assert error.temporary
    assert f"does not connect us to {host}:{port}" in str(error)


@pytest.mark.system
def test_a_proxy_that_allows_other_ports_only(start_proxy: StartProxy[ForeignProxy]) -> None:
    proxy = start_proxy(lambda: Tinyproxy(ports=[443]))
    with ScriptedServer() as server:
        error = failure(account(server, tls=Tls.OPPORTUNISTIC, proxy=proxy.url("http")))
    assert type(error) is ProxyRefused
    assert "port 443" in error.advice


@pytest.mark.system
def test_the_wrong_kind_of_proxy_is_found_out(start_proxy: StartProxy[ForeignProxy]) -> None:
    socks, http = start_proxy(Microsocks), start_proxy(Tinyproxy)
    with ScriptedServer() as server:
        for proxy, scheme in ((http, "socks5h"), (socks, "http")):
            error = failure(
                account(server, tls=Tls.OPPORTUNISTIC, timeouts=impatient("connect"), proxy=proxy.url(scheme))
            )
            # microsocks waits for more of what it takes for a list of methods, or hangs up.
            assert isinstance(error, ProxyError | Timeout)


def test_a_proxy_that_is_not_there_is_named() -> None:
    endpoint = free_endpoint()
    error = failure(Smtp("mail.example", proxy=f"socks5h://ann:hunter2@{endpoint}"))
    assert type(error) is ProxyError
    assert f"socks5h://ann@{endpoint}" in str(error)
    assert "hunter2" not in str(error) + repr(error)


def test_a_proxy_that_says_nothing_is_named() -> None:
    with ScriptedServer() as never_asks:
        proxy = Proxy(ProxyKind.SOCKS5H, "127.0.0.1", never_asks.port)
        error = failure(Smtp("mail.example", proxy=proxy, timeouts=impatient("connect")))
    assert str(proxy) in str(error)


def test_the_machine_behind_a_proxy_is_not_this_one() -> None:
    """Its loopback is not ours: neither plain text nor an unverified certificate is good enough there."""
    settings = Smtp("localhost", proxy="socks5h://proxy.example")
    assert not settings.loopback
    assert settings.tls_settings.verify
    with pytest.raises(ConfigurationError, match="plain text"):
        Smtp("localhost", proxy="socks5h://proxy.example", tls=Tls.NONE, username="ann", password="x")


@pytest.mark.system
def test_no_password_goes_in_plain_text_through_a_proxy_on_this_machine(
    start_proxy: StartProxy[ForeignProxy],
) -> None:
    proxy = start_proxy(Microsocks)
    with ScriptedServer(credentials={"ann": "secret"}) as server:
        settings = account(server, tls=Tls.OPPORTUNISTIC, proxy=proxy.url("socks5"), username="ann", password="secret")
        assert isinstance(failure(settings), TlsError)
    assert not any("AUTH" in line for line in server.commands)
