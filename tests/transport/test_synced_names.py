"""A disk that fails behind the rename: the message stands there, so nobody may be told to send it again."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from postroad.errors import OutcomeUnknown
from postroad.reply import Phase
from postroad.transport.from_url import from_url
from tests.fakes import letter


@pytest.mark.parametrize("scheme", ["file", "maildir"])
def test_a_name_that_is_not_on_disk_is_no_refusal(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = from_url(f"{scheme}://{tmp_path}/mail")
    sync = os.fsync

    def fails_for_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(5, "Input/output error")
        sync(descriptor)

    async def send() -> None:
        report = await transport.deliver(letter("hello"))
        assert isinstance(report.error, OutcomeUnknown)
        assert report.error.phase is Phase.STORE
        assert report.unknown == report.outcomes

    monkeypatch.setattr(os, "fsync", fails_for_folders)
    asyncio.run(send())
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"hello" in path.read_bytes()]
