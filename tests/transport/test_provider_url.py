"""``postmark://``, ``ses://`` and their like as URLs: what they mean, and that no key is ever shown."""

import traceback

import pytest

from postroad.errors import ConfigurationError
from postroad.providers.contract import Provider
from postroad.providers.mailgun.send import Mailgun
from postroad.providers.postmark.send import Postmark
from postroad.providers.resend.send import Resend
from postroad.providers.sendgrid.send import SendGrid
from postroad.providers.ses.send import Ses
from postroad.secret import Secret
from postroad.transport.from_url import from_url
from postroad.transport.provider_api.transport import ProviderApiTransport
from postroad.transport.route import anew, transport_of
from postroad.transport.route_url import has_password, redacted


def account(url: str, password: Secret | str | None = None, username: str | None = None) -> Provider:
    transport = from_url(url, password=password, username=username)
    assert isinstance(transport, ProviderApiTransport)
    return transport.provider


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postmark://TOKEN@", Postmark(token="TOKEN")),
        ("postmark://:TOKEN@", Postmark(token="TOKEN")),
        ("POSTMARK://TOKEN@default", Postmark(token="TOKEN")),
        ("postmark://", Postmark()),
        ("postmark://t%40k%2Fn@?stream=broadcast", Postmark(token="t@k/n", stream="broadcast")),
        ("postmark://?password_ref=env:MINE", Postmark(token=Secret.ref("env:MINE"))),
        ("sendgrid://KEY@?region=eu", SendGrid(key="KEY", region="eu")),
        ("resend://KEY@?pool=3&timeout=9", Resend(key="KEY", connections=3, timeout=9.0)),
        ("resend://KEY@?rate=2/s&burst=4", Resend(key="KEY", rate="2/s", burst=4)),
        ("mailgun://KEY@mg.a.example?region=eu", Mailgun(domain="mg.a.example", key="KEY", region="eu")),
        ("mailgun://mg.a.example", Mailgun(domain="mg.a.example")),
        ("ses://?region=eu-west-1", Ses(region="eu-west-1")),
        ("ses://AKID:s%2Fk@?region=eu-west-1", Ses(region="eu-west-1", access_key="AKID", secret_key="s/k")),
        (
            "ses://AKID@?region=eu-west-1&password_ref=env:MINE&configuration_set=events",
            Ses(region="eu-west-1", access_key="AKID", secret_key=Secret.ref("env:MINE"), configuration_set="events"),
        ),
        ("sendgrid://KEY@?endpoint=http://127.0.0.1:1", SendGrid(key="KEY", endpoint="http://127.0.0.1:1")),
    ],
)
def test_a_url_means(url: str, expected: Provider) -> None:
    assert account(url) == expected


def test_the_key_beside_the_url() -> None:
    assert account("postmark://", "p@ss") == Postmark(token="p@ss")
    assert account("ses://?region=eu-west-1", "s", "AKID") == Ses(region="eu-west-1", access_key="AKID", secret_key="s")


@pytest.mark.parametrize(
    ("url", "setting"),
    [
        ("postmark://a:b@", "url"),
        ("postmark://host.example", "url"),
        ("postmark://T@:25", "url"),
        ("postmark://T@/path", "url"),
        ("postmark://T@?colour=red", "colour"),
        ("postmark://T@?stream=", "stream"),
        ("postmark://T@?pool=0", "connections"),
        ("postmark://T@?password_ref=env:X", "password"),
        ("sendgrid://T@?region=mars", "region"),
        ("ses://", "region"),
        ("mailgun://K@", "domain"),
    ],
)
def test_a_url_that_is_wrong_names_what_is(url: str, setting: str) -> None:
    with pytest.raises(ConfigurationError) as fault:
        from_url(url)
    assert fault.value.setting in (setting, "pool")


def test_a_user_name_beside_a_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no user name"):
        from_url("postmark://", username="ann", password="x")


@pytest.mark.parametrize(
    "url",
    ["postmark://sEcReT@", "sendgrid://sEcReT@?colour=red", "resend://:sEcReT@", "mailgun://sEcReT@a.example/x",
     "ses://AKID:sEcReT@", "POSTMARK://sEcReT@ x", "failover(postmark://sEcReT@ smtp://a.example)",
     "postmark://sEcReT/@?x=1", "postmark://sEcReT@a@"],
)  # fmt: skip
def test_no_key_is_shown_of_any_url_however_wrong(url: str) -> None:
    assert "sEcReT" not in redacted(url)
    assert has_password(url)
    try:
        shown = from_url(url).name
    except ConfigurationError as fault:
        shown = "".join(traceback.format_exception(fault)) + str(fault.advice)
        shown = shown.replace(f'"{url}"', "")
    assert "sEcReT" not in shown.partition("from_url(url)")[2]


def test_the_name_is_for_people() -> None:
    names = [from_url(url).name for url in ("postmark://k@", "mailgun://k@a.example", "ses://a:b@?region=eu-west-1")]
    assert names == ["postmark://", "mailgun://a.example", "ses://?region=eu-west-1"]


def test_an_object_is_a_route_and_has_connections_of_its_own_in_another_loop() -> None:
    transport = transport_of(Postmark(token="x"))
    assert isinstance(transport, ProviderApiTransport)
    other = anew(transport)
    assert isinstance(other, ProviderApiTransport)
    assert other is not transport
    assert other.provider == transport.provider
    assert not transport.supports("send_at")
    assert transport.supports("tags")
    with pytest.raises(ConfigurationError, match="no ability"):
        transport.supports("magic")
