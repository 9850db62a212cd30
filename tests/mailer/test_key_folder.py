"""A folder of keys: what it keeps, and how those who sign with it hear of changes."""

import logging
import stat
from pathlib import Path

import pytest

from postroad.errors import ConfigurationError
from postroad.mailauth.dkim.keys import KeyKind
from postroad.mailauth.dkim.rotation import KeptKey, KeyState
from postroad.mailer.blocking import Mailer
from postroad.mailer.key_folder import KeyFolder
from postroad.mailer.sign import LOOK_EVERY, FolderSigning
from postroad.mailer.signing_transport import SigningTransport
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import START, FakeClock, letter


def moved(folder: KeyFolder, key: KeptKey, *states: KeyState) -> KeptKey:
    for state in states:
        key = key.moved(state, START)
        folder.put(key)
    return key


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """With one active key, ``one``."""
    folder = KeyFolder(tmp_path / "keys")
    first = folder.make("a.example", "one", KeyKind.ED25519, START)
    moved(folder, first, KeyState.PUBLISHED, KeyState.ACTIVE)
    return folder


def selectors(signing: FolderSigning) -> list[str]:
    content = signing.signed(letter(), at=START).content.decode()
    return [tag.strip()[2:] for tag in content.partition("From:")[0].split(";") if tag.strip().startswith("s=")]


def test_a_key_is_its_owners_alone(folder: KeyFolder) -> None:
    (key,) = folder.keys()
    assert key == KeptKey("a.example", "one", KeyKind.ED25519, KeyState.ACTIVE, START)
    assert stat.S_IMODE((folder.path / "a.example" / "one.pem").stat().st_mode) == 0o600
    assert folder.keys("b.example") == ()


def test_a_revoked_key_is_gone(folder: KeyFolder) -> None:
    (key,) = folder.keys()
    revoked = moved(folder, key, KeyState.REVOKED)
    with pytest.raises(ConfigurationError, match="No such file"):
        folder.private(revoked)
    with pytest.raises(ConfigurationError, match="is active"):
        folder.signing()


def test_no_key_takes_the_place_of_another(folder: KeyFolder) -> None:
    with pytest.raises(ConfigurationError, match="File exists"):
        folder.make("a.example", "one", KeyKind.ED25519, START)


def test_whoever_signs_hears_of_a_new_key_within_a_minute(folder: KeyFolder) -> None:
    clock = FakeClock()
    signing = FolderSigning(folder, clock)
    assert selectors(signing) == ["one"]
    second = folder.make("a.example", "two", KeyKind.ED25519, START)
    moved(folder, second, KeyState.PUBLISHED, KeyState.ACTIVE)
    (first, _) = folder.keys()
    moved(folder, first, KeyState.RETIRING)
    assert selectors(signing) == ["one"]
    clock.at += LOOK_EVERY
    assert selectors(signing) == ["two"]


def test_a_key_that_was_revoked_signs_no_more(folder: KeyFolder, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    signing = FolderSigning(folder, clock)
    assert selectors(signing) == ["one"]
    moved(folder, folder.keys()[0], KeyState.REVOKED)
    clock.at += LOOK_EVERY
    assert selectors(signing) == []
    assert "mail goes unsigned: " in caplog.text
    second = folder.make("a.example", "two", KeyKind.ED25519, START)
    moved(folder, second, KeyState.PUBLISHED, KeyState.ACTIVE)
    clock.at += LOOK_EVERY
    assert selectors(signing) == ["two"]


def test_what_an_end_at_the_wrong_moment_leaves_is_in_nobodys_way(folder: KeyFolder) -> None:
    private = folder.path / "a.example" / "one.pem"
    kept = private.read_bytes()
    moved(folder, folder.keys()[0], KeyState.REVOKED)
    private.write_bytes(kept)
    (folder.path / "a.example" / "two.pem").write_bytes(kept)
    assert folder.selectors("a.example") == {"one", "two"}
    folder.clear("a.example")
    assert not private.exists()
    assert (folder.path / "a.example" / "two.pem").exists()


def test_folders_that_are_no_domain_are_passed_over(folder: KeyFolder) -> None:
    for name in (".bak", "A.example", "old keys"):
        (folder.path / name).mkdir()
        (folder.path / name / "x.json").write_text("nonsense")
    (key,) = folder.keys()
    assert key.selector == "one"
    assert len(folder.stamp()) == 1


@pytest.mark.parametrize("since", ["NaN", "Infinity", "1e300", "[]", "null"])
def test_a_time_that_is_none_is_told_of(folder: KeyFolder, since: str) -> None:
    text = f'{{"kind": "ed25519", "state": "active", "since": {since}}}'
    (folder.path / "a.example" / "one.json").write_text(text)
    with pytest.raises(ConfigurationError, match="none of the files that are kept there"):
        folder.keys()


def test_a_folder_that_cannot_be_read_any_more_stops_nobody(
    folder: KeyFolder, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    signing = FolderSigning(folder, clock)
    (folder.path / "a.example" / "one.json").write_text("nonsense")
    clock.at += LOOK_EVERY
    with caplog.at_level(logging.ERROR):
        assert selectors(signing) == ["one"]
    assert "the keys that signed until now go on signing" in caplog.text


def test_the_environment_names_the_folder_or_a_file_that_does(folder: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / "name").write_text(f"{folder.path}\n")
    for told in ({"POSTROAD_DKIM_KEYS": str(folder.path)}, {"POSTROAD_DKIM_KEYS_FILE": str(tmp_path / "name")}):
        with Mailer.from_env({"POSTROAD_URL": "memory://", **told}) as mailer:
            mailer.deliver(letter())
            assert isinstance(mailer.transport, SigningTransport)
            assert isinstance(memory := mailer.transport.inner, MemoryTransport)
            assert b"s=one" in memory.messages[0].content.partition(b"From:")[0]
    with pytest.raises(ConfigurationError, match="are both set"):
        Mailer.from_env({"POSTROAD_URL": "null://", "POSTROAD_DKIM": "a.example:e1:key.pem", **told})
