"""``file://``, ``console://``, ``memory://`` and ``null://``."""

import asyncio
import io
import itertools
import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from postroad.errors import ConfigurationError, SendError
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.transport.contract import Ability, Transport
from postroad.transport.to_console import ConsoleTransport
from postroad.transport.to_file import FileTransport
from postroad.transport.to_memory import MemoryTransport, NullTransport
from tests.fakes import FakeClock, letter

BOB, EVE = "bob@b.example", "eve@e.example"


def deliver(transport: Transport, *texts: str) -> list[SendReport]:
    async def work() -> list[SendReport]:
        return [await transport.deliver(letter(text, BOB, EVE)) for text in texts]

    return asyncio.run(work())


@pytest.fixture(params=["file", "console", "memory", "null"])
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Transport:
    kinds: dict[str, Transport] = {
        "file": FileTransport(tmp_path / "mail"),
        "console": ConsoleTransport(io.StringIO()),
        "memory": MemoryTransport(),
        "null": NullTransport(),
    }
    return kinds[str(request.param)]


def test_everybody_is_accepted(transport: Transport) -> None:
    (report,) = deliver(transport, "hello")
    assert [str(one.recipient) for one in report.accepted] == [BOB, EVE]
    assert {one.phase for one in report.accepted} == {Phase.STORE}
    assert report.message_id == "<hello@a.example>"
    assert report.error is None


def test_what_it_says_of_itself(transport: Transport) -> None:
    assert transport.name.partition("://")[0] in ("file", "console", "memory", "null")
    assert Ability.SEPARATE_ENVELOPE in transport.abilities
    assert Ability.REMOTE not in transport.abilities, "nobody takes responsibility there"
    assert transport.concurrency >= 1
    assert transport.max_size is None
    assert transport.name in str(asyncio.run(transport.check()))
    asyncio.run(transport.aclose())
    deliver(transport, "after closing")


def test_two_loops_may_use_it(transport: Transport) -> None:
    assert deliver(transport, "one")[0].accepted
    assert deliver(transport, "two")[0].accepted


# ── memory ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_memory_keeps_messages_in_order_from_every_thread() -> None:
    memory = MemoryTransport()
    deliver(memory, "one", "two")
    assert [mail.message_id for mail in memory.messages] == ["<one@a.example>", "<two@a.example>"]
    assert memory.messages[0] == letter("one", BOB, EVE)
    threads = [threading.Thread(target=deliver, args=(memory, *map(str, range(50)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory.messages) == 202


# ── file ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_for_the_content_and_one_for_the_envelope(tmp_path: Path) -> None:
    clock = FakeClock()
    transport = FileTransport(tmp_path / "mail", clock=clock)
    deliver(transport, "one")
    clock.at += 1
    deliver(transport, "two")
    contents = sorted((tmp_path / "mail").glob("*.eml"))
    envelopes = sorted((tmp_path / "mail").glob("*.json"))
    assert [path.read_bytes() for path in contents] == [letter("one").content, letter("two").content]
    assert [path.stem for path in contents] == [path.stem for path in envelopes]
    assert json.loads(envelopes[0].read_text()) == {
        "mail_from": "ann@a.example",
        "recipients": [BOB, EVE],
        "message_id": "<one@a.example>",
    }
    assert len(list((tmp_path / "mail").iterdir())) == 4


def test_the_null_sender_is_null(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path)
    asyncio.run(transport.deliver(letter(sender=None)))
    (envelope,) = tmp_path.glob("*.json")
    assert json.loads(envelope.read_text())["mail_from"] is None


def test_many_at_once_do_not_meet(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path, clock=FakeClock())

    async def work() -> None:
        await asyncio.gather(*(transport.deliver(letter(str(number))) for number in range(30)))

    asyncio.run(work())
    assert {path.read_bytes() for path in tmp_path.glob("*.eml")} == {letter(str(n)).content for n in range(30)}


@pytest.mark.parametrize("gone", ["removed", "a file"])
def test_a_folder_that_cannot_be_written_is_a_report(tmp_path: Path, gone: str) -> None:
    folder = tmp_path / "mail"
    transport = FileTransport(folder)
    folder.rmdir()
    if gone == "a file":
        folder.write_text("in the way")
    (report,) = deliver(transport, "hello")
    assert type(report.error) is SendError
    assert report.error.phase is Phase.STORE
    assert str(folder) in str(report.error)
    assert "Check" in report.error.advice
    assert len(report.refused) == 2
    with pytest.raises(SendError):
        asyncio.run(transport.check())


@pytest.mark.parametrize("synced", [0, 1])
def test_half_a_message_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: int) -> None:
    transport = FileTransport(tmp_path)
    calls = itertools.count()

    def full(_: int) -> None:
        if next(calls) >= synced:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (report,) = deliver(transport, "hello")
    assert "No space left" in str(report.error)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "no" / "parent", tmp_path / "file" / "below", tmp_path / "file"):
        with pytest.raises(ConfigurationError, match="cannot make the folder"):
            FileTransport(folder)


# ── console ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def printed(content: bytes) -> str:
    output = io.StringIO()
    mail = replace(letter("hello", BOB, EVE), content=content)
    asyncio.run(ConsoleTransport(output).deliver(mail))
    return output.getvalue()


def test_the_console_shows_envelope_and_content() -> None:
    shown = printed("Subject: grüße\r\n\r\nhi\r\n".encode())
    assert "from ann@a.example to bob@b.example, eve@e.example" in shown
    assert "Subject: grüße\n\nhi" in shown
    assert "\r" not in shown


def test_nothing_that_moves_a_cursor_reaches_the_terminal() -> None:
    shown = printed(b"Subject: \x1b]0;title\x07\r\n\r\n\x1b[2J\x9b1A\x08\x7f\xc2\x9b5n\r over\tthere\r\n")
    assert set(shown) & set(map(chr, (*range(9), *range(11, 32), *range(0x7F, 0xA0)))) == set()
    assert r"\x1b]0;title\x07" in shown
    assert "\tthere" in shown


def test_a_large_message_is_cut_and_says_so() -> None:
    shown = printed(b"x" * 250_000)
    assert len(shown) < 101_000
    assert "150000 more octets" in shown


def test_standard_output_is_looked_up_when_printing(capsys: pytest.CaptureFixture[str]) -> None:
    deliver(ConsoleTransport(), "hello")
    assert "Subject: hello" in capsys.readouterr().out
