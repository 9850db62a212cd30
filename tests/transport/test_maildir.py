"""``maildir://``, read back by the standard library."""

import asyncio
import mailbox
import threading
from pathlib import Path
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import Abandoned, ConfigurationError, SendError
from postroad.outcome import SendReport
from postroad.transport import to_maildir
from postroad.transport.from_url import from_url
from postroad.transport.to_maildir import MaildirTransport
from tests.fakes import FakeClock, letter

BOB, EVE = "bob@b.example", "eve@e.example"


def deliver(transport: MaildirTransport, *texts: str) -> list[SendReport]:
    async def work() -> list[SendReport]:
        return await asyncio.gather(*(transport.deliver(letter(text, BOB, EVE)) for text in texts))

    return asyncio.run(work())


def files(folder: Path, name: str) -> list[Path]:
    return sorted((folder / name).iterdir())


def test_a_message_is_read_back_as_it_went(tmp_path: Path) -> None:
    (report,) = deliver(MaildirTransport(tmp_path / "mail"), "hello")
    assert len(report.accepted) == 2
    box = mailbox.Maildir(tmp_path / "mail", create=False)
    (message,) = box
    assert message["Return-Path"] == "<ann@a.example>"
    assert message.get_all("Delivered-To") == [BOB, EVE]
    assert message["Subject"] == "hello"
    (stored,) = files(tmp_path / "mail", "new")
    envelope = f"Return-Path: <ann@a.example>\nDelivered-To: {BOB}\nDelivered-To: {EVE}\n".encode()
    assert stored.read_bytes() == envelope + letter("hello").content.replace(b"\r\n", b"\n")
    assert stored.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700


def test_the_null_sender_is_empty(tmp_path: Path) -> None:
    asyncio.run(MaildirTransport(tmp_path).deliver(letter(sender=None)))
    assert files(tmp_path, "new")[0].read_bytes().startswith(b"Return-Path: <>\n")


def test_many_at_once_have_names_of_their_own(tmp_path: Path) -> None:
    deliver(MaildirTransport(tmp_path, clock=FakeClock()), *map(str, range(40)))
    assert {message["Subject"] for message in mailbox.Maildir(tmp_path, create=False)} == set(map(str, range(40)))
    assert files(tmp_path, "tmp") == []


def test_a_cancelled_delivery_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def late(*arguments: Any) -> None:
        writing.set()
        assert go_on.wait(60)
        write(*arguments)

    async def cancelled() -> None:
        delivering = asyncio.ensure_future(MaildirTransport(tmp_path).deliver(letter()))
        await asyncio.to_thread(writing.wait)
        delivering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivering
        go_on.set()

    write = to_maildir._write
    monkeypatch.setattr(to_maildir, "_write", late)
    asyncio.run(cancelled())  # which waits for the thread that writes
    assert [files(tmp_path, name) for name in ("tmp", "new", "cur")] == [[], [], []]


def test_a_host_name_cannot_leave_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "../a:b")
    deliver(MaildirTransport(tmp_path), "one")
    assert files(tmp_path, "new")[0].name.endswith("...\\057a\\072b")


def test_it_is_only_in_tmp_until_it_may_go(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    async def before_commit(_: tuple[Address, ...]) -> bool:
        seen.append((len(files(tmp_path, "tmp")), len(files(tmp_path, "new"))))
        return False

    report = asyncio.run(MaildirTransport(tmp_path).deliver(letter(), before_commit=before_commit))
    assert seen == [(1, 0)]
    assert isinstance(report.error, Abandoned)
    assert files(tmp_path, "tmp") == files(tmp_path, "new") == []


def test_what_before_commit_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    async def before_commit(_: tuple[Address, ...]) -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(MaildirTransport(tmp_path).deliver(letter(), before_commit=before_commit))
    assert files(tmp_path, "tmp") == []


def test_a_folder_that_is_gone_is_a_report(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path / "mail")
    (tmp_path / "mail" / "new").rmdir()
    (report,) = deliver(transport, "one")
    assert isinstance(report.error, SendError)
    assert "cannot write into" in report.error.message
    assert files(tmp_path / "mail", "tmp") == []
    with pytest.raises(SendError, match="cannot be written"):
        asyncio.run(transport.check())


def test_a_url_names_the_folder(tmp_path: Path) -> None:
    transport = from_url(f"maildir://{tmp_path}/my%20mail")
    assert transport.name == f"maildir://{tmp_path}/my mail"
    assert (tmp_path / "my mail" / "cur").is_dir()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("maildir://", "maildir:///folder, with three slashes"),
        ("maildir://relative", "with three slashes"),
        ("maildir:///no/such/parent/folder", "cannot make the folder"),
        ("maildir:///x?y=1", "has no options"),
    ],
)
def test_a_wrong_url_is_named(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        from_url(url)
