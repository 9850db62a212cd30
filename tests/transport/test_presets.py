"""Known relays: found by host, overruled by whatever is said, and no row that cannot match."""

import re

import pytest

from postroad.errors import AuthenticationError, ConfigurationError
from postroad.net.tls import Tls
from postroad.testing import ScriptedServer, Step
from postroad.transport.presets import PRESETS, Preset, named_preset, preset_for
from postroad.transport.smtp.settings import MAX_SIZE, PoolLimits, Smtp
from tests.fakes import letter
from tests.transport.road import account, deliver_one, settings


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_row_can_match_and_says_where_it_is_from(preset: Preset) -> None:
    host = preset.host.replace("{region}", "eu-west-1")
    assert preset_for(host) is preset
    for pattern in preset.hosts:
        assert preset_for(pattern.replace("*", "one")) is preset, "no other row stands before it"
    assert preset.source.startswith("https://")
    assert preset.advice.endswith((".", ")"))
    assert re.fullmatch(r"[a-z0-9-]+", preset.name)
    assert preset.port in (465, 587)


def test_names_are_unique() -> None:
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("host", ["mail.example", "smtp.gmail.com.evil.example", "xsmtp.gmail.com", "smtp.zoho.", ""])
def test_other_hosts_have_none(host: str) -> None:
    assert preset_for(host) is None


def test_a_known_host_brings_its_limits() -> None:
    postmark = settings("smtp://smtp.postmarkapp.com")
    assert postmark.max_size == 10_000_000
    assert settings("smtp://SMTP.Postmarkapp.com.").max_size == 10_000_000
    microsoft = settings("smtp://smtp.office365.com")
    assert microsoft.limits == PoolLimits(connections=3)
    assert settings("smtp://email-smtp.eu-west-1.amazonaws.com").limits.idle < 10
    unknown = settings("smtp://mail.example")
    assert (unknown.max_size, unknown.limits, unknown.known) == (MAX_SIZE, PoolLimits(), None)


def test_what_is_said_wins() -> None:
    said = settings("smtp://smtp.office365.com?pool=7&max_size=1000")
    assert said.limits == PoolLimits(connections=7)
    assert said.max_size == 1000
    assert Smtp("smtp.office365.com", limits=PoolLimits()).limits == PoolLimits(), "even where it is the usual"
    assert Smtp("smtp.office365.com", limits=PoolLimits(messages=9)).limits == PoolLimits(messages=9)


def test_an_account_by_name() -> None:
    gmail = Smtp.preset("gmail", username="ann@gmail.com", password="x")
    assert (gmail.host, gmail.port, gmail.tls) == ("smtp.gmail.com", 587, Tls.REQUIRED)
    fastmail = Smtp.preset("fastmail", username="ann@fastmail.com", password="x")
    assert (fastmail.port, fastmail.tls) == (465, Tls.IMPLICIT)
    assert Smtp.preset("fastmail", port=587).tls is Tls.REQUIRED
    assert Smtp.preset("sendgrid", password="SG.x").username == "apikey"
    assert Smtp.preset("sendgrid", username="other", password="x").username == "other"
    assert Smtp.preset("sendgrid").username is None
    assert Smtp.preset("ses", region="eu-west-1").host == "email-smtp.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("name", "region", "said"),
    [
        ("gmial", "", "no preset is called 'gmial'"),
        ("ses", "", "Amazon SES has several regions; give one"),
        ("ses", "evil.example/", "is no region"),
        ("gmail", "eu-west-1", "Gmail has no regions"),
    ],
)
def test_a_wrong_name_is_named(name: str, region: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Smtp.preset(name, region=region)


def test_unknown_presets_are_answered_with_the_known() -> None:
    with pytest.raises(ConfigurationError) as caught:
        named_preset("gmial")
    assert "gmail" in caught.value.advice


def test_a_refused_log_in_has_the_relays_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step("AUTH", "535 5.7.8 Username and Password not accepted")
    with ScriptedServer(step, extensions=("AUTH PLAIN",)) as server:
        mine = account(server, username="ann", password="x")
        plain = deliver_one(mine, letter())
        monkeypatch.setattr("postroad.transport.smtp.settings.preset_for", lambda _: named_preset("gmail"))
        known = deliver_one(account(server, username="ann", password="x"), letter())
    assert isinstance(plain.error, AuthenticationError)
    assert plain.error.advice == AuthenticationError.default_advice
    assert known.error is not None
    assert "app password" in known.error.advice
