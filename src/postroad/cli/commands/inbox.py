"""``postroad inbox``: catch mail on this machine instead of sending it."""

import asyncio
import contextlib
import sys
from typing import Final

import click

from postroad.cli.caught import caught_as_dict
from postroad.cli.output import Form, form_options, say_json_line
from postroad.cli.signals import on_stop
from postroad.cli.terminal import note
from postroad.inbox.catch import CATCH_ALL, Catcher, Caught
from postroad.inbox.print import print_inbox
from postroad.net.smtp_listener import SmtpListener

DEFAULT_SMTP: Final = "127.0.0.1:1025"


@click.command()
@click.option("--print", "printing", is_flag=True, help="Print each message; nothing is kept.")
@click.option(
    "--smtp",
    metavar="HOST:PORT",
    default=DEFAULT_SMTP,
    show_default=True,
    help="Where to listen; port 0 takes a free one.",
)
@form_options
def inbox(form: Form, printing: bool, smtp: str) -> None:
    """Catch mail on this machine instead of sending it.

    Point an application at it, and its mail goes nowhere else: everything is taken, whoever it is from and to, and any
    user name and password are right. Ctrl-C ends it.

    With --json the first line names the address and says ready; then each message is an object on a line of its own.
    """
    if not printing:
        raise click.UsageError("this version can print what it catches: postroad inbox --print")
    host, port = _host_and_port(smtp)
    asyncio.run(_catch(host, port, form))


def _host_and_port(smtp: str) -> tuple[str, int]:
    host, colon, port = smtp.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise click.BadParameter(f"{smtp!a} is not HOST:PORT, such as {DEFAULT_SMTP}", param_hint="--smtp")
    return host.strip("[]") or "127.0.0.1", int(port)


async def _catch(host: str, port: int, form: Form) -> None:
    catching = asyncio.ensure_future(
        print_inbox(host, port, sys.stdout, _note_address) if form is Form.TEXT else _print_json(host, port)
    )
    with on_stop(catching.cancel), contextlib.suppress(asyncio.CancelledError):
        await catching


def _note_address(address: tuple[str, int]) -> None:
    note(f"catching what is sent to {_text(address)}; Ctrl-C ends it")


async def _print_json(host: str, port: int) -> None:
    broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep(caught: Caught) -> None:
        try:
            say_json_line(caught_as_dict(caught))
        except OSError as fault:  # the reader went away: the client hears a 451, and the command ends
            if not broken.done():
                broken.set_exception(fault)
            raise

    async with SmtpListener(Catcher(keep), host, port, settings=CATCH_ALL) as listener:
        say_json_line({"ready": True, "smtp": _text(listener.address)})
        await broken


def _text(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
