"""A secret is used and never seen."""

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.secret import FORMS, MASK, Secret

PASSWORD = "hunter2-correct-horse"


@dataclass
class Account:
    password: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(PASSWORD)),
        str(Secret(PASSWORD)),
        f"{Secret(PASSWORD)}",
        f"{Secret(PASSWORD):>40}",
        f"{Secret(PASSWORD)!r}",
        "%s %r" % (Secret(PASSWORD), Secret(PASSWORD)),  # noqa: UP031 - logging formats this way
        "{0}".format(Secret(PASSWORD)),  # noqa: UP030, UP032 - and this
        repr([Secret(PASSWORD)]),
        repr(Account(Secret(PASSWORD))),
    ],
)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert PASSWORD not in shown
    assert MASK in shown


def test_only_reveal_shows_it() -> None:
    secret = Secret(PASSWORD)
    assert secret.reveal() == PASSWORD
    assert Secret(secret).reveal() == PASSWORD
    assert secret == Secret(PASSWORD)
    assert secret != Secret("other")
    assert secret != PASSWORD
    assert len({secret, Secret(PASSWORD)}) == 1
    assert secret
    assert not Secret("")


def test_it_stays_out_of_logs_and_of_tracebacks_with_their_variables(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(PASSWORD)
    logging.getLogger("postroad.test").error("log in with %s", secret)
    try:
        raise ValueError(f"cannot use {secret}")
    except ValueError as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert PASSWORD not in told.replace(f"PASSWORD = {PASSWORD!r}", "")
    assert MASK in told
    assert PASSWORD not in caplog.text


def test_it_is_not_written_away_by_accident() -> None:
    with pytest.raises(TypeError, match="not picklable"):
        pickle.dumps(Secret(PASSWORD))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(PASSWORD))
    with pytest.raises(TypeError):
        json.dumps(Secret(PASSWORD))
    assert not hasattr(Secret(PASSWORD), "__dict__")


def test_a_reference_is_masked_like_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_SECRET", PASSWORD)
    secret = Secret.ref("env:SMTP_SECRET")
    for shown in (repr(secret), str(secret), f"{secret:>9}", repr([secret]), repr(Account(secret))):
        assert MASK in shown
        assert "SMTP" not in shown
        assert PASSWORD not in shown
    assert secret.reveal() == PASSWORD
    with pytest.raises(TypeError, match="not picklable"):
        pickle.dumps(secret)


def test_references_are_equal_when_they_are_written_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMTP_SECRET", raising=False)
    secret = Secret.ref("env:SMTP_SECRET")  # nothing is read here
    assert secret
    assert secret == Secret(secret) == Secret.ref("env:SMTP_SECRET")
    assert len({secret, Secret(secret)}) == 1
    assert secret not in (Secret("env:SMTP_SECRET"), Secret(""), Secret.ref("env:OTHER"))
    assert secret != Secret.ref("env:SMTP_SECRET", max_age=1)


@pytest.mark.parametrize(
    ("text", "name", "key"),
    [
        ("env:NAME", "NAME", ""),
        ("file:/run/secrets/smtp#1", "/run/secrets/smtp#1", ""),
        ("cmd:pass show 'mail smtp'", "pass show 'mail smtp'", ""),
        ("vault:secret/smtp#password", "secret/smtp", "password"),
        ("aws-sm:prod/smtp#password", "prod/smtp", "password"),
        ("aws-sm:arn:aws:secretsmanager:eu:1:secret:x", "arn:aws:secretsmanager:eu:1:secret:x", ""),
        ("keyring:https://mail.example.com/ann@example.com", "https://mail.example.com", "ann@example.com"),
    ],
)
def test_how_references_are_written(text: str, name: str, key: str) -> None:
    reference = Secret.ref(text).reference
    assert reference is not None
    assert (reference.name, reference.key, str(reference)) == (name, key, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PASSWORD,
        f"{PASSWORD}:x",
        f"ENV:{PASSWORD}",
        "env",
        "env:",
        "file:",
        "cmd:",
        "cmd: ",
        f"cmd:echo '{PASSWORD}",
        f"vault:{PASSWORD}",
        f"vault:{PASSWORD}#",
        f"vault:#{PASSWORD}",
        f"aws-sm:{PASSWORD}#",
        "aws-sm:",
        f"keyring:{PASSWORD}",
        f"keyring:{PASSWORD}/",
        f"keyring:/{PASSWORD}",
        f"env:{PASSWORD}\n",
        f"file:/{PASSWORD}\0",
    ],
)
def test_what_is_no_reference_is_refused_at_once_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secret.ref(text)
    assert caught.value.setting == "password"
    assert PASSWORD not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_reference_is_a_text_with_a_sensible_age() -> None:
    with pytest.raises(ConfigurationError, match="not int"):
        Secret.ref(5)  # type: ignore[arg-type] # what a settings file may hold
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ConfigurationError, match="max_age"):
            Secret.ref("env:NAME", max_age=seconds)


@given(st.text() | st.builds("{}:{}".format, st.sampled_from(list(FORMS)), st.text()))
def test_any_text_is_a_reference_or_a_clear_error(text: str) -> None:
    try:
        secret = Secret.ref(text)
    except ConfigurationError as error:
        assert str(error).isprintable()  # noqa: PT017 - either way may be right
    else:
        assert str(secret.reference) == text


def test_it_does_not_change() -> None:
    secret = Secret(PASSWORD)
    with pytest.raises(AttributeError, match="does not change"):
        secret._value = "other"
    with pytest.raises(AttributeError):
        secret.value = "other"
    with pytest.raises(AttributeError, match="does not change"):
        setattr(secret, "reference", None)  # noqa: B010 - as somebody would who got past the types
    assert secret.reveal() == PASSWORD
