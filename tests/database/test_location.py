"""Where a database is, read from its URL before anything is opened."""

from pathlib import Path

import pytest

from postroad.database.location import read_url
from postroad.errors import ConfigurationError


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_in_memory(url: str) -> None:
    location = read_url(url)
    assert location.path is None
    assert location.beside("-lock") is None
    assert location.url == "sqlite:///:memory:"


def test_three_slashes_are_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_url("sqlite:///mail.db").path == tmp_path / "mail.db"


def test_four_slashes_are_absolute() -> None:
    location = read_url("sqlite:////var/lib/mail.db")
    assert location.path == Path("/var/lib/mail.db")
    assert location.url == "sqlite:////var/lib/mail.db"
    assert location.beside("-write-lock") == Path("/var/lib/mail.db-write-lock")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mail.db", "no scheme"),
        ("sqlite:mail.db", "no scheme"),
        ("sqlite://host/mail.db", "names a file and no host"),
        ("sqlite:///mail.db?mode=ro", "takes no options"),
        ("mysql://host/mail", "mysql://"),
        ("", "no scheme"),
    ],
)
def test_what_is_no_database(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_url(url)
    assert caught.value.setting == "url"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_database_on_a_server_is_shown_without_its_password(scheme: str) -> None:
    location = read_url(f"{scheme}://ann:s3cret@host:5433/mail?sslmode=require")
    assert location.on_server
    assert not location.in_memory
    assert location.url == "postgresql://ann@host:5433/mail"
    assert location.server == "postgresql://ann:s3cret@host:5433/mail?sslmode=require"
    assert "s3cret" not in repr(location) + location.name
    assert location.beside("-lock") is None


def test_a_database_on_a_server_has_a_name() -> None:
    with pytest.raises(ConfigurationError, match="names the database after the host") as caught:
        read_url("postgresql://ann:s3cret@host")
    assert "s3cret" not in str(caught.value)


def test_only_text_is_a_url() -> None:
    with pytest.raises(ConfigurationError, match="not PosixPath"):
        read_url(Path("/var/lib/mail.db"))  # type: ignore[arg-type]  # what a caller might try


def test_a_password_with_a_slash_is_not_taken_for_a_host_and_shown() -> None:
    with pytest.raises(ConfigurationError, match="is written %2F") as caught:
        read_url("postgresql://ann:se/cret@host/mail")
    assert "cret" not in str(caught.value)
    assert read_url("postgresql://ann:se%2Fcret@host/mail").url == "postgresql://ann@host/mail"
