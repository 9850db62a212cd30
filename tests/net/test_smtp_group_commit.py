"""250 is said only when the handler says safe, so one commit can serve many sessions, and many messages of one."""

import asyncio
from dataclasses import dataclass, field
from typing import Self

import pytest

from postroad.net.smtp_handler import SmtpClient
from postroad.net.smtp_listener import SmtpListener
from postroad.reply import Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.server_events import ContentComplete
from tests.net.recording_handler import RecordingHandler

SESSIONS = 20
PATIENCE = 120.0  # seconds; only reached when the listener is broken
ENVELOPE = b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\n"
BY_DATA = (ENVELOPE + b"DATA\r\n", b"x\r\n.\r\n")
BY_CHUNKS = (ENVELOPE + b"BDAT 2\r\nx\r", b"BDAT 1 LAST\r\n\n")


@dataclass
class Committing(RecordingHandler):
    """Gathers messages until there are ``size`` of them, and makes all safe in one go."""

    size: int = SESSIONS
    waiting: list[tuple[ContentComplete, asyncio.Future[Reply]]] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    commits: int = 0

    async def message(self, client: SmtpClient, message: ContentComplete) -> Reply:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.waiting.append((message, answer))
        if len(self.waiting) == self.size:
            self.full.set()
        return await answer

    def commit(self) -> None:
        self.commits += 1
        for _, answer in self.waiting:
            answer.set_result(say.OK)
        self.waiting.clear()


async def read_codes(reader: asyncio.StreamReader, count: int) -> list[int]:
    codes: list[int] = []
    while len(codes) < count:
        line = await asyncio.wait_for(reader.readline(), PATIENCE)
        assert line, "the server hung up"
        if line[3:4] == b" ":
            codes.append(int(line[:3]))
    return codes


class Session:
    """A client that has sent a whole message, and waits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    @classmethod
    async def bring(cls, listener: SmtpListener, envelope: bytes, content: bytes) -> Self:
        reader, writer = await asyncio.open_connection(*listener.address)
        writer.write(b"EHLO c\r\n" + envelope)
        assert (await read_codes(reader, 5))[:4] == [220, 250, 250, 250]
        writer.write(content)
        return cls(reader, writer)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@pytest.mark.parametrize(("envelope", "content"), [BY_DATA, BY_CHUNKS], ids=["data", "chunks"])
def test_twenty_sessions_share_one_commit(envelope: bytes, content: bytes) -> None:
    async def test() -> None:
        handler = Committing()
        async with SmtpListener(handler) as listener:
            sessions = await asyncio.gather(*(Session.bring(listener, envelope, content) for _ in range(SESSIONS)))
            await asyncio.wait_for(handler.full.wait(), PATIENCE)
            answers = [asyncio.ensure_future(read_codes(session.reader, 1)) for session in sessions]
            await asyncio.wait(answers, timeout=0)
            assert not any(answer.done() for answer in answers), "nothing is promised before the commit"
            assert {message.content for message, _ in handler.waiting} == {b"x\r\n"}
            handler.commit()
            assert await asyncio.gather(*answers) == [[250]] * SESSIONS
            await asyncio.gather(*(session.close() for session in sessions))
        assert handler.commits == 1

    asyncio.run(test())


def test_one_pipelining_session_brings_a_whole_group() -> None:
    """RFC 3030 with RFC 2920: nothing of BDAT has to be waited for, so a group needs one round trip."""

    async def test() -> None:
        handler = Committing()
        async with SmtpListener(handler) as listener:
            reader, writer = await asyncio.open_connection(*listener.address)
            writer.write(b"EHLO c\r\n" + SESSIONS * (ENVELOPE + b"BDAT 3 LAST\r\nx\r\n") + b"QUIT\r\n")
            await asyncio.wait_for(handler.full.wait(), PATIENCE)
            assert await read_codes(reader, 4) == [220, 250, 250, 250]
            handler.commit()
            assert await read_codes(reader, 3 * SESSIONS - 1) == [250] * (3 * SESSIONS - 2) + [221]
            writer.close()
            await writer.wait_closed()
        assert handler.commits == 1

    asyncio.run(test())
