"""``direct://`` as a URL, and its page."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from postroad.errors import ConfigurationError, MissingExtra
from postroad.net.dns.settings import Nameserver, Trust
from postroad.routing.tls_requirement import Wish
from postroad.transport.contract import Ability
from postroad.transport.direct import url
from postroad.transport.direct.settings import HOST_LIMITS, MESSAGES, Direct
from postroad.transport.direct.transport import DirectTransport
from postroad.transport.from_url import from_url
from postroad.transport.route import anew
from postroad.transport.smtp.settings import Smtp
from tests.cli.command import run_inside

PAGE = (Path(__file__).parents[2] / "docs" / "direct-delivery.md").read_text(encoding="utf-8")


def settings(text: str) -> Direct:
    transport = from_url(text)
    assert isinstance(transport, DirectTransport)
    return transport.settings


def test_everything_may_be_left_out() -> None:
    assert settings("direct://") == Direct()
    transport = from_url("direct://")
    assert (transport.name, transport.concurrency) == ("direct://", MESSAGES)
    assert Ability.DIRECT in transport.abilities


def test_every_option_has_its_setting() -> None:
    given = settings(
        "direct://?port=2525&ehlo=out.a.example&source=192.0.2.1,2001:db8::1&tls=verified&mta_sts=off&dane=off&ca=x.pem"
        "&max_size=1000&concurrency=7&nameserver=127.0.0.1:53,::1,[::1]:5353&dnssec=trusted&pool=2&messages=3&max_age=4"
        "&idle=5&pool_timeout=6&timeout=8&dot_timeout=9"
    )
    assert (given.port, given.ehlo, given.source) == (2525, "out.a.example", ("192.0.2.1", "2001:db8::1"))
    assert (given.tls, given.mta_sts, given.dane, given.ca) == (Wish.VERIFIED, False, False, "x.pem")
    assert (given.max_size, given.concurrency, given.dnssec) == (1000, 7, Trust.TRUSTED)
    assert given.nameservers == (Nameserver("127.0.0.1", 53), Nameserver("::1", 53), Nameserver("::1", 5353))
    limits = given.limits
    assert (limits.connections, limits.messages, limits.age, limits.idle, limits.wait) == (2, 3, 4, 5, 6)
    assert (given.timeouts.command, given.timeouts.dot) == (8, 9)
    assert given.name == "direct://?port=2525"


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("direct://mx.example.com", "url"),
        ("direct:///path", "url"),
        ("direct://?what=1", "what"),
        ("direct://?port=0", "port"),
        ("direct://?port=70000", "port"),
        ("direct://?ehlo=", "ehlo"),
        ("direct://?ehlo=not%20a%20name", "ehlo"),
        ("direct://?source=mail.example.com", "source"),
        ("direct://?source=192.0.2.1,192.0.2.2", "source"),
        ("direct://?tls=none", "tls"),
        ("direct://?mta_sts=yes", "mta_sts"),
        ("direct://?nameserver=ns.example.com", "nameservers"),
        ("direct://?concurrency=x", "concurrency"),
    ],
)
def test_what_is_wrong_is_named(text: str, setting: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        from_url(text)
    assert raised.value.setting == setting


def test_there_is_no_account() -> None:
    with pytest.raises(ConfigurationError, match="no user name"):
        from_url("direct://", username="ann", password="x")


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra) as raised:
        from_url("direct://")
    assert "pip install 'postroad[http]'" in (raised.value.advice or "")
    assert from_url("direct://?mta_sts=off").name == "direct://"


def test_another_loop_gets_connections_of_its_own() -> None:
    transport = from_url("direct://?ehlo=out.a.example")
    other = anew(transport)
    assert isinstance(other, DirectTransport)
    assert other is not transport
    assert other.settings.ehlo == "out.a.example"


def test_the_page_has_every_option() -> None:
    section = PAGE[PAGE.index("## Options") :]
    cells = " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    assert set(re.findall("`([a-z_]+)`", cells)) == {*url._OPTIONS, *url._LIMITS, "timeout", "dot_timeout"}
    limits = HOST_LIMITS
    usual = f"{limits.connections}, {limits.messages}, {limits.age:g}, {limits.idle:g}, {limits.wait:g}"
    assert f"| {usual} |" in section
    assert f"| {MESSAGES} |" in section
    assert (
        f"{Direct().timeouts.connect:g} s to connect and {Direct().timeouts.greeting:g} s for the greeting" in section
    )


def test_the_pages_command_takes_the_route(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"```console\n(.*?)\n```", PAGE, re.DOTALL)
    ended = run_inside(*shlex.split(command)[1:])  # nothing waits, so it asks nobody, and ends
    assert (ended.code, "direct://" in ended.stderr) == (0, True), ended.stderr


def test_a_source_has_one_form_however_it_is_written() -> None:
    assert Direct(source=("2001:DB8:0::25",)).source == ("2001:db8::25",)
    assert Smtp("mx.example", source="2001:DB8:0::25").source == "2001:db8::25"
