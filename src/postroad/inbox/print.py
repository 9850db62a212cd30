"""Each message caught, printed: what the standard library's debugging server was good for."""

import asyncio
from collections.abc import Callable
from typing import Final, TextIO

from postroad.inbox.catch import CATCH_ALL, Catcher, Caught
from postroad.net.smtp_listener import SmtpListener
from postroad.terminal_text import many_lines, one_line

BEGIN: Final = "---------- MESSAGE FOLLOWS ----------"
END: Final = "------------ END MESSAGE ------------"
SHOWN_OCTETS: Final = 100_000  # of a content; more is no look any longer
SHOWN_RECIPIENTS: Final = 20


def printed(caught: Caught) -> str:
    """The message in its frame, safe for a terminal: envelope, an empty line, content."""
    return "\n".join((BEGIN, *_envelope(caught), "", *_content(caught.content), END, ""))


async def print_inbox(
    host: str, port: int, stream: TextIO, on_ready: Callable[[tuple[str, int]], object] | None = None
) -> None:
    """Catch mail on an address and print it, until cancelled. ``on_ready`` is told the address that is listened on.

    Raises:
        ConfigurationError: the address cannot be listened on.
        OSError: the stream cannot be written any more.
    """
    broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep(caught: Caught) -> None:
        try:
            stream.write(printed(caught))
            stream.flush()
        except (OSError, ValueError) as fault:  # ValueError: the stream has been closed
            if not broken.done():
                broken.set_exception(fault if isinstance(fault, OSError) else OSError(str(fault)))
            raise

    async with SmtpListener(Catcher(keep), host, port, settings=CATCH_ALL) as listener:
        if on_ready is not None:
            on_ready(listener.address)
        await broken


def _envelope(caught: Caught) -> list[str]:
    sender = caught.mail_from.addr_spec if caught.mail_from else ""
    lines = [f"peer: {caught.client.peer} ({caught.client.hello})", f"mail from: <{sender}>"]
    if caught.client.user is not None:
        lines.append(f"user: {caught.client.user}")
    lines += [f"rcpt to: <{recipient.addr_spec}>" for recipient in caught.recipients[:SHOWN_RECIPIENTS]]
    more = len(caught.recipients) - SHOWN_RECIPIENTS
    if more > 0:
        lines.append(f"rcpt to: … and {more} more")
    lines.append(f"size: {len(caught.content)} octets")
    return [one_line(line) for line in lines]


def _content(content: bytes) -> list[str]:
    lines = many_lines(content[:SHOWN_OCTETS]).removesuffix("\n").split("\n")
    # A line of the mail that looks like the frame would end it, and begin another mail that nobody sent.
    lines = [rf"\x2d{line[1:]}" if line.rstrip() in (BEGIN, END) else line for line in lines]
    more = len(content) - SHOWN_OCTETS
    return [*lines, f"… {more} more octets"] if more > 0 else lines
