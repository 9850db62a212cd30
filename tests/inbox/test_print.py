"""Mail on a terminal: framed, bounded, and unable to do anything there."""

import asyncio
import io
import smtplib
from collections.abc import Callable

import pytest

from postroad.address import Address
from postroad.errors import ConfigurationError
from postroad.inbox.catch import Caught
from postroad.inbox.print import BEGIN, END, SHOWN_OCTETS, print_inbox, printed
from postroad.net.smtp_handler import SmtpClient

ANN, BOB = Address("ann@a.example"), Address("bob@b.example")


def caught(content: bytes, **more: object) -> Caught:
    fields = {"client": SmtpClient("127.0.0.1:4242", "client.example"), "mail_from": ANN, "recipients": (BOB,)}
    return Caught(content=content, **{**fields, **more})  # type: ignore[arg-type]  # fields of Caught, by their names


def test_a_message_in_its_frame() -> None:
    message = caught(b"Subject: hello\r\n\r\ngr\xc3\xbc\xc3\x9fe\r\n", client=SmtpClient("127.0.0.1:4242", "c", "bob"))
    assert printed(message) == (
        "---------- MESSAGE FOLLOWS ----------\n"
        "peer: 127.0.0.1:4242 (c)\n"
        "mail from: <ann@a.example>\n"
        "user: bob\n"
        "rcpt to: <bob@b.example>\n"
        "size: 27 octets\n"
        "\n"
        "Subject: hello\n"
        "\n"
        "grüße\n"
        "------------ END MESSAGE ------------\n"
    )


def test_nothing_drives_the_terminal() -> None:
    hostile = b"\x1b[2J\x1b]0;x\x07\r\n\x9b\r\n\xe2\x80\xae\r\n\x00"
    shown = printed(caught(hostile, client=SmtpClient("p", "\x1b[31m\n"), mail_from=None))
    assert shown.isascii()
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "mail from: <>\n" in shown
    assert "(\\x1b[31m\\n)" in shown


def test_no_message_ends_its_own_frame() -> None:
    forged = f"{END}\r\n{BEGIN}\r\nmail from: <boss@a.example>\r\n {END}\r\n{END} \r\n".encode()
    shown = printed(caught(forged)).splitlines()
    assert [shown.count(BEGIN), shown.count(END)] == [1, 1]
    assert not [line for line in shown[1:-1] if line.rstrip() in (BEGIN, END)]


def test_what_is_shown_is_bounded() -> None:
    shown = printed(caught(b"x" * 10_000_000, recipients=(BOB,) * 5000))
    assert len(shown) < SHOWN_OCTETS + 2000
    assert f"… {10_000_000 - SHOWN_OCTETS} more octets\n" in shown
    assert "rcpt to: … and 4980 more\n" in shown


class BrokenPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def printing(stream: io.StringIO, client: Callable[[tuple[str, int]], None]) -> None:
    async def serve() -> None:
        ready: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        printer = asyncio.ensure_future(print_inbox("127.0.0.1", 0, stream, ready.set_result))
        address = await asyncio.wait_for(ready, 60)
        await asyncio.to_thread(client, address)
        if not isinstance(stream, BrokenPipe) and not stream.closed:
            printer.cancel()
        await asyncio.wait_for(printer, 60)

    asyncio.run(serve())


def send(address: tuple[str, int]) -> None:
    with smtplib.SMTP(*address, timeout=120) as connection:
        connection.login("any", "thing")
        connection.sendmail("ann@a.example", "bob@b.example", b"Subject: hello\r\n\r\nhello\r\n")


def send_two(address: tuple[str, int]) -> None:
    send(address)
    send(address)


def test_a_server_that_prints() -> None:
    stream = io.StringIO()
    with pytest.raises(asyncio.CancelledError):
        printing(stream, send_two)
    lines = stream.getvalue().splitlines()
    assert [lines.count(BEGIN), lines.count("Subject: hello"), lines.count(END)] == [2, 2, 2]


def refused(address: tuple[str, int]) -> None:
    with pytest.raises(smtplib.SMTPException):  # in whichever reply or hang-up the end reaches the client
        send(address)


@pytest.mark.usefixtures("caplog")
def test_it_ends_when_nobody_reads_any_more() -> None:
    closed = io.StringIO()
    closed.close()
    with pytest.raises(BrokenPipeError):
        printing(BrokenPipe(), refused)
    with pytest.raises(OSError, match="closed file"):
        printing(closed, refused)


def test_an_address_that_is_taken() -> None:
    async def twice() -> None:
        ready: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        printer = asyncio.ensure_future(print_inbox("127.0.0.1", 0, io.StringIO(), ready.set_result))
        host, port = await asyncio.wait_for(ready, 60)
        try:
            await print_inbox(host, port, io.StringIO())
        finally:
            printer.cancel()
            await asyncio.wait([printer])

    with pytest.raises(ConfigurationError, match="cannot listen"):
        asyncio.run(twice())
