"""The keyring library with a backend that keeps its passwords in memory."""

import sys
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from postroad.errors import MissingExtra
from postroad.net.secrets.store import SecretStore
from postroad.secret import Secret
from tests.showing import failure_of


class InMemory(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring's types stop here
        self.passwords: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("the collection is locked")
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.passwords[service, username]


@pytest.fixture
def backend() -> Iterator[InMemory]:
    before = keyring.get_keyring()
    mine = InMemory()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def read(reference: str) -> str:
    found = Secret.ref(reference).reference
    assert found is not None
    return SecretStore().resolve(found)


def test_the_password_of_a_services_user(backend: InMemory) -> None:
    keyring.set_password("smtp.example.com", "ann", "hunter2")
    keyring.set_password("https://mail.example.com/smtp", "ann", "of an address")
    assert read("keyring:smtp.example.com/ann") == "hunter2"
    assert read("keyring:https://mail.example.com/smtp/ann") == "of an address"


def test_nothing_there(backend: InMemory) -> None:
    error = failure_of(Secret.ref("keyring:smtp.example.com/bob"))
    assert "holds nothing for the user 'bob' of 'smtp.example.com'" in str(error)
    assert error.permanent


def test_a_locked_keyring(backend: InMemory) -> None:
    backend.locked = True
    assert "the collection is locked" in str(failure_of(Secret.ref("keyring:smtp.example.com/carol")))


def test_no_keyring_on_this_machine(backend: InMemory) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call] # as above
    assert "the keyring cannot be read" in str(failure_of(Secret.ref("keyring:smtp.example.com/dave")))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    error = failure_of(Secret.ref("keyring:smtp.example.com/erin"))
    assert type(error) is MissingExtra
    assert error.advice == "pip install 'postroad[keyring]'"
