"""Variables and files: read each time, and named when they cannot be."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.net.secrets import local
from postroad.net.secrets.local import from_octets
from postroad.secret import Secret
from tests.showing import failure_of


def test_a_variable_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret.ref("env:SMTP_SECRET")
    monkeypatch.setenv("SMTP_SECRET", "first")
    assert secret.reveal() == "first"
    monkeypatch.setenv("SMTP_SECRET", "second")
    assert secret.reveal() == "second"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("SMTP_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("SMTP_SECRET", value)
    error = failure_of(Secret.ref("env:SMTP_SECRET"))
    assert str(error) == "env:SMTP_SECRET: the environment variable SMTP_SECRET is not set"
    assert error.permanent


def test_a_file_is_read_when_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "password"
    secret = Secret.ref(f"file:{path}")
    path.write_text("pa55 wörd \r\n\n")
    assert secret.reveal() == "pa55 wörd "
    path.write_text("rotated")
    assert secret.reveal() == "rotated"
    assert Secret.ref(f"file://{path}").reveal() == "rotated"  # as a URL writes it


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"\n", "it is empty"),
        (b"hunter2\xff", "it is not UTF-8"),
        (b"hunter2" * 10, "it holds more than 50 octets"),
    ],
)
def test_a_file_that_holds_no_secret(
    tmp_path: Path, content: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "MAX_OCTETS", 50)
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    error = failure_of(Secret.ref(f"file:{path}"), hidden=("hunter2",))
    assert reason in str(error)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "Is a directory" in str(failure_of(Secret.ref(f"file:{tmp_path}")))


@given(st.binary())
def test_any_octets_are_a_secret_or_a_reason(octets: bytes) -> None:
    finding = from_octets(octets)
    assert (finding.secret is None) == bool(finding.reason)
