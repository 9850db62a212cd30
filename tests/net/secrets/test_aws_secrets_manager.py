"""AWS Secrets Manager by its own client library (boto3), against a server that speaks its HTTP API."""

import sys
from collections.abc import Iterator

import pytest

from postroad.errors import MissingExtra, SecretUnavailable
from postroad.net.secrets.store import SecretStore
from postroad.secret import Secret
from tests.peers.endpoint import free_endpoint
from tests.peers.secrets_manager import SecretsManager
from tests.showing import failure_of

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:smtp-a1b2c3"
HIDDEN = ("hunter2", "wJalrXUtnFEMI")


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    secrets: dict[str, str | bytes] = {
        "prod/smtp": '{"user": "ann", "password": "hunter2", "port": 587}',
        "plain": "hunter2 as it is",
        "binary": b"hunter2 in octets",
        "octets": b"hunter2\xff",
        ARN: "by its full name",
    }
    with SecretsManager(secrets) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        yield service


def read(reference: str) -> str:
    found = Secret.ref(reference).reference
    assert found is not None
    return SecretStore().resolve(found)


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("aws-sm:prod/smtp#password", "hunter2"),
        ("aws-sm:plain", "hunter2 as it is"),
        ("aws-sm:binary", "hunter2 in octets"),
        (f"aws-sm:{ARN}", "by its full name"),
    ],
)
def test_a_field_or_the_whole(manager: SecretsManager, reference: str, value: str) -> None:
    assert read(reference) == value
    assert len(manager.requests) == 1


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("aws-sm:prod/smtp#Password", "it has no key 'Password'"),
        ("aws-sm:prod/smtp#port", "it is no text"),
        ("aws-sm:plain#password", "it is no JSON"),
        ("aws-sm:octets", "it is binary, and not UTF-8"),
        ("aws-sm:nobody", "ResourceNotFoundException"),
    ],
)
def test_nothing_there(manager: SecretsManager, reference: str, reason: str) -> None:
    error = failure_of(Secret.ref(reference), hidden=HIDDEN)
    assert reason in str(error)
    assert error.permanent


def test_credentials_that_are_not_known(manager: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    error = failure_of(Secret.ref("aws-sm:prod/smtp"), hidden=HIDDEN)
    assert "UnrecognizedClientException" in str(error)
    assert error.permanent


@pytest.mark.parametrize("trouble", [(500, "InternalServiceError"), (400, "ThrottlingException"), (503, "Whatever")])
def test_trouble_that_passes(
    manager: SecretsManager, trouble: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad.net.secrets.aws_secrets_manager.ATTEMPTS", 1)
    manager.trouble = trouble
    error = failure_of(Secret.ref("aws-sm:prod/smtp"), hidden=HIDDEN)
    assert type(error) is SecretUnavailable
    assert trouble[1] in str(error)


def test_boto_tries_twice_by_itself(manager: SecretsManager) -> None:
    manager.trouble = (500, "InternalServiceError")
    failure_of(Secret.ref("aws-sm:prod/smtp"), hidden=HIDDEN)
    assert len(manager.requests) == 2


def test_nobody_listens(manager: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad.net.secrets.aws_secrets_manager.ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{free_endpoint()}")
    assert type(failure_of(Secret.ref("aws-sm:prod/smtp"), hidden=HIDDEN)) is SecretUnavailable


def test_a_slow_answer(manager: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad.net.secrets.aws_secrets_manager.ATTEMPTS", 1)
    monkeypatch.setattr("postroad.net.secrets.aws_secrets_manager.READ_SECONDS", 0.2)
    manager.hold()
    assert type(failure_of(Secret.ref("aws-sm:prod/smtp"), hidden=HIDDEN)) is SecretUnavailable


@pytest.mark.parametrize("variable", ["AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"])
def test_settings_of_aws(manager: SecretsManager, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(variable)
    if variable == "AWS_ACCESS_KEY_ID":
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = failure_of(Secret.ref("aws-sm:prod/smtp"), hidden=HIDDEN)
    assert error.permanent
    assert ("region" if "REGION" in variable else "credentials") in str(error)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    error = failure_of(Secret.ref("aws-sm:prod/smtp"))
    assert type(error) is MissingExtra
    assert error.advice == "pip install 'postroad[aws]'"
