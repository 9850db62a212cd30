"""The public fake server's BDAT, LMTP and parameters, judged by bare sockets and by aiosmtplib."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiosmtplib
import pytest

from postroad.testing import ScriptedServer, Step, Then

CHUNKING = ("PIPELINING", "CHUNKING")
OPENING = b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\nRCPT TO:<eve@e.example>\r\n"


class Talk:
    """Lines out, replies in, nothing understood."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self.reply()

    def reply(self) -> str:
        line = self._file.readline().decode()
        while line[3:4] == "-":
            line = self._file.readline().decode()
        return line.rstrip("\r\n")

    def say(self, wire: bytes, replies: int = 1) -> list[str]:
        self._connection.sendall(wire)
        return [self.reply() for _ in range(replies)]

    def codes(self, wire: bytes, replies: int = 1) -> list[str]:
        return [reply[:3] for reply in self.say(wire, replies)]


@contextmanager
def talking(server: ScriptedServer, path: Path | None = None) -> Iterator[Talk]:
    family = socket.AF_INET if path is None else socket.AF_UNIX
    with socket.socket(family) as connection:
        connection.settimeout(60)
        connection.connect(server.address if path is None else str(path))
        yield Talk(connection)


def test_chunks_arrive_as_they_are() -> None:
    with ScriptedServer(extensions=CHUNKING) as server, talking(server) as client:
        assert client.codes(b"EHLO c\r\n" + OPENING, 4) == ["250"] * 4
        assert client.codes(b"BDAT 5\r\n.\r\nxyBDAT 0\r\nBDAT 8 LAST\r\n\r\n.\r\nend", 3) == ["250"] * 3
        assert client.codes(OPENING + b"bdat 1 last\r\n.QUIT\r\n", 5) == ["250"] * 4 + ["221"]
        first, second = server.messages
    assert first.content == b".\r\nxy\r\n.\r\nend"
    assert second.content == b"."
    assert first.recipients == second.recipients == first.taken == ("bob@b.example", "eve@e.example")
    assert [line for line in server.commands if line.startswith("BDAT")] == ["BDAT 5", "BDAT 0", "BDAT 8 LAST"]


def test_chunks_are_unknown_unless_offered() -> None:
    with ScriptedServer() as server, talking(server) as client:
        assert client.codes(b"EHLO c\r\n" + OPENING + b"BDAT 0 LAST\r\n", 5) == ["250"] * 4 + ["500"]
        assert server.messages == []


def test_chunks_without_a_recipient_or_of_no_size_are_read_and_refused() -> None:
    with ScriptedServer(extensions=CHUNKING) as server, talking(server) as client:
        assert client.codes(b"EHLO c\r\nMAIL FROM:<>\r\nBDAT 3 LAST\r\nabc", 3) == ["250", "250", "503"]
        assert client.codes(b"RSET\r\n" + OPENING + b"BDAT some\r\n", 5) == ["250"] * 4 + ["501"]
        assert server.messages == []


def test_after_a_refused_chunk_only_rset_helps() -> None:
    steps = (Step("BDAT", "452 4.3.1 Full", skip=1), Step("BDAT LAST", "554 5.6.0 No", when="7 LAST"))
    with ScriptedServer(*steps, extensions=CHUNKING) as server, talking(server) as client:
        client.say(b"EHLO c\r\n" + OPENING, 4)
        assert client.codes(b"BDAT 1\r\naDATA\r\nBDAT 1\r\nb", 3) == ["250", "503", "452"]
        assert client.codes(b"BDAT 1 LAST\r\ncMAIL FROM:<>\r\nRSET\r\n", 3) == ["503", "503", "250"]
        assert server.messages == []
        assert client.codes(OPENING + b"BDAT 7 LAST\r\nabcdef\n" + OPENING, 7) == ["250"] * 3 + ["554"] + ["250"] * 3
        (refused,) = server.messages
    assert (refused.content, refused.reply, refused.taken) == (b"abcdef\n", "554 5.6.0 No", ())


def test_dropped_within_a_chunk_and_after_the_last() -> None:
    steps = (
        Step("CONTENT", None, then=Then.CLOSE, connection=0),
        Step("BDAT LAST", None, then=Then.CLOSE, connection=1),
    )
    with ScriptedServer(*steps, extensions=CHUNKING) as server:
        for _ in range(2):
            with talking(server) as client:
                client.say(b"EHLO c\r\n" + OPENING, 4)
                assert client.say(b"BDAT 3 LAST\r\nabc") == [""]
        (message,) = server.messages
    assert (message.connection, message.reply, message.accepted) == (1, None, False)


def test_parameters_are_kept_for_each_recipient() -> None:
    opening = (
        b"MAIL FROM:<ann@a.example> RET=HDRS ENVID=Q1 REQUIRETLS\r\n"
        b"RCPT TO:<bob@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob@b.example\r\nRCPT TO:<eve@e.example>\r\n"
    )
    with ScriptedServer(extensions=("DSN", "REQUIRETLS", "LIMITS RCPTMAX=2")) as server, talking(server) as client:
        assert client.codes(b"EHLO c\r\n" + opening + b"DATA\r\n", 5) == ["250"] * 4 + ["354"]
        assert client.codes(b".\r\n") == ["250"]
        (message,) = server.messages
    assert message.options == ("RET=HDRS", "ENVID=Q1", "REQUIRETLS")
    assert message.recipient_options == (("NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;bob@b.example"), ())


def test_what_is_offered_is_said() -> None:
    async def asked(server: ScriptedServer) -> dict[str, str]:
        async with aiosmtplib.SMTP(hostname=server.host, port=server.port) as client:
            await client.ehlo()
            return client.esmtp_extensions

    with ScriptedServer(extensions=("CHUNKING", "REQUIRETLS", "LIMITS RCPTMAX=10 MAILMAX=3")) as server:
        offered = asyncio.run(asked(server))
    assert offered["limits"].strip() == "RCPTMAX=10 MAILMAX=3"
    assert {"chunking", "requiretls"} <= set(offered)


# ── LMTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", [b"DATA\r\nhello\r\n.\r\n", b"BDAT 7 LAST\r\nhello\r\n"], ids=["DATA", "BDAT"])
def test_lmtp_answers_for_each_recipient(end: bytes) -> None:
    point = "DOT" if end.startswith(b"DATA") else "BDAT LAST"
    step = Step(point, "552 5.2.2 Full", when="eve@")
    with ScriptedServer(step, lmtp=True, extensions=CHUNKING) as server, talking(server) as client:
        assert client.codes(b"EHLO c\r\nHELO c\r\nLHLO c\r\n" + OPENING, 6) == ["500", "500"] + ["250"] * 4
        replies = client.codes(end, 3 if point == "DOT" else 2)
        assert replies == ["354"] * (point == "DOT") + ["250", "552"]
        assert client.codes(OPENING + b"RSET\r\n", 4) == ["250"] * 4
        (message,) = server.messages
    assert server.url == f"lmtp://127.0.0.1:{server.port}"
    assert message.content == b"hello\r\n"
    assert message.replies == ("250 2.0.0 Taken", "552 5.2.2 Full")
    assert message.reply == "250 2.0.0 Taken\n552 5.2.2 Full"
    assert message.taken == ("bob@b.example",)
    assert not message.accepted


def test_lmtp_may_end_between_two_answers() -> None:
    steps = (Step("DOT", then=Then.CLOSE), Step("RCPT", "550 5.1.1 No", connection=1, times=2))
    with ScriptedServer(*steps, lmtp=True) as server:
        with talking(server) as client:
            client.say(b"LHLO c\r\n" + OPENING + b"DATA\r\n", 5)
            assert client.say(b".\r\n", 2) == ["250 2.0.0 Taken", ""]
        (message,) = server.messages
        assert (message.replies, message.taken) == (("250 2.0.0 Taken",), ("bob@b.example",))
        with talking(server) as client:
            assert client.codes(b"LHLO c\r\n" + OPENING + b"DATA\r\n", 5) == ["250", "250", "550", "550", "503"]


def test_lmtp_that_wants_a_content_for_nobody_says_nothing_to_it() -> None:
    steps = (Step("RCPT", "550 5.1.1 No", times=2), Step("DATA", "354 Go ahead"))
    with ScriptedServer(*steps, lmtp=True) as server, talking(server) as client:
        client.say(b"LHLO c\r\n" + OPENING + b"DATA\r\n", 5)
        assert client.codes(b".\r\nNOOP\r\n") == ["250"]
        assert server.messages[0].reply is None
        assert server.messages[0].recipients == ()


def test_only_lmtp_knows_lhlo() -> None:
    with ScriptedServer() as server, talking(server) as client:
        assert client.codes(b"LHLO c\r\n") == ["500"]


def test_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "a socket"
    with ScriptedServer(lmtp=True, socket_path=path) as server, talking(server, path) as client:
        assert client.codes(b"LHLO c\r\nQUIT\r\n", 2) == ["250", "221"]
        assert server.url == f"lmtp://{str(path).replace(' ', '%20')}"
        assert server.address == ("localhost", 0)
    with pytest.raises(ValueError, match="UNIX socket"):
        ScriptedServer(socket_path=path, port=25)
