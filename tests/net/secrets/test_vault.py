"""Vault by its own client library (hvac), against a server that speaks its HTTP API."""

import sys
from collections.abc import Iterator

import pytest

from postroad.errors import ConfigurationError, MissingExtra, SecretUnavailable
from postroad.net.secrets.store import SecretStore
from postroad.secret import Secret
from tests.peers.endpoint import free_endpoint
from tests.peers.vault_server import VaultServer
from tests.showing import failure_of

TOKEN = "hvs.CAESIJ"
HIDDEN = ("hunter2", TOKEN)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[VaultServer]:
    secrets: dict[str, dict[str, object]] = {
        "secret/smtp": {"password": "hunter2", "user": "ann", "port": 587},
        "team/kv/mail/smtp": {"password": "of the team"},
        "old/smtp": {"password": "as it was"},
        "old/nested": {"data": "no version 2", "password": "really"},
    }
    with VaultServer(TOKEN, secrets) as server:
        monkeypatch.setenv("VAULT_ADDR", server.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
        yield server


def read(reference: str) -> str:
    """As it is now, without what other tests have left in the process's store."""
    found = Secret.ref(reference).reference
    assert found is not None
    return SecretStore().resolve(found)


@pytest.mark.parametrize("tells_mounts", [True, False], ids=["mounts-told", "mounts-not-told"])
@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("vault:secret/smtp#password", "hunter2"),
        ("vault:/secret/smtp#user", "ann"),
        ("vault:secret/data/smtp#password", "hunter2"),  # as the HTTP API has it
        ("vault:old/smtp#password", "as it was"),  # version 1
        ("vault:old/nested#data", "no version 2"),
    ],
)
def test_a_field_of_either_version(vault: VaultServer, reference: str, value: str, tells_mounts: bool) -> None:
    vault.tells_mounts = tells_mounts
    assert read(reference) == value


def test_a_mount_deep_in_a_path_is_found_where_vault_tells(vault: VaultServer) -> None:
    assert read("vault:team/kv/mail/smtp#password") == "of the team"
    assert vault.paths == ["sys/internal/ui/mounts/team/kv/mail/smtp", "team/kv/data/mail/smtp"]


def test_it_is_asked_once_for_a_while(vault: VaultServer) -> None:
    secret = Secret.ref("vault:secret/smtp#password", max_age=1000)
    store = SecretStore()
    assert secret.reference is not None
    assert [store.resolve(secret.reference) for _ in range(3)] == ["hunter2"] * 3
    assert len(vault.requests) == 2  # which mount, and what is there


def test_a_namespace(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.namespace = "team-a/"
    with pytest.raises(ConfigurationError, match="permission denied"):
        read("vault:secret/smtp#password")
    monkeypatch.setenv("VAULT_NAMESPACE", "team-a/")
    assert read("vault:secret/smtp#password") == "hunter2"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("vault:secret/smtp#Password", "Vault's secret has no key 'Password'"),
        ("vault:secret/smtp#port", "it is no text"),
        ("vault:secret/nobody#password", "Vault has nothing at this path"),
        ("vault:old/nobody#password", "Vault has nothing at this path"),
        ("vault:nowhere/x?version=1#password", "Vault has nothing at this path"),
    ],
)
def test_nothing_there(vault: VaultServer, reference: str, reason: str) -> None:
    error = failure_of(Secret.ref(reference), hidden=HIDDEN)
    assert reason in str(error)
    assert error.permanent


def test_a_wrong_token(vault: VaultServer) -> None:
    vault.token = "another"
    error = failure_of(Secret.ref("vault:secret/smtp#password"), hidden=HIDDEN)
    assert "Vault refuses it: permission denied; check VAULT_TOKEN" in str(error)
    assert error.permanent


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_that_passes(vault: VaultServer, status: int) -> None:
    vault.trouble = status
    secret = Secret.ref("vault:secret/smtp#password")
    error = failure_of(secret, hidden=HIDDEN)
    assert type(error) is SecretUnavailable
    assert error.temporary
    assert "Vault is sealed" in str(error)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", f"http://{free_endpoint()}")
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    error = failure_of(Secret.ref("vault:secret/smtp#password"), hidden=HIDDEN)
    assert type(error) is SecretUnavailable
    assert "Connection refused" in str(error)


def test_a_slow_answer(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad.net.secrets.vault.SECONDS", 0.2)
    vault.hold()
    error = failure_of(Secret.ref("vault:secret/smtp#password"), hidden=HIDDEN)
    assert type(error) is SecretUnavailable


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("VAULT_ADDR", "", "VAULT_ADDR is not set"),
        ("VAULT_TOKEN", "", "VAULT_TOKEN is not set"),
        ("VAULT_ADDR", "vault.example", "VAULT_ADDR: "),
    ],
)
def test_settings_of_vault(
    vault: VaultServer, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HOME", "/nonexistent")  # nor a ~/.vault-token
    assert reason in str(failure_of(Secret.ref("vault:secret/smtp#password"), hidden=HIDDEN))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    error = failure_of(Secret.ref("vault:secret/smtp#password"))
    assert type(error) is MissingExtra
    assert error.advice == "pip install 'postroad[vault]'"
