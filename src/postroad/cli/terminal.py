"""Lines on the terminal: data and progress, coloured where that belongs. Foreign text goes through ``one_line``."""

import os
import sys
from typing import TextIO

import click

from postroad.cli.standard_streams import lead_nowhere


def steerable(stream: TextIO) -> bool:
    """Whether the stream is a terminal that understands escape sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colourful(stream: TextIO) -> bool:
    """Whether colours may be written: a terminal can show them, and nobody asked for none (no-color.org)."""
    return steerable(stream) and not os.environ.get("NO_COLOR")


def styled(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """The text with its colour; ``say`` and ``note`` take it off again where it does not belong."""
    return click.style(text, fg=colour, bold=bold or None, dim=dim or None)


def say(line: str = "") -> None:
    """A line of data, to standard output."""
    click.echo(line, color=colourful(sys.stdout))


def note(line: str = "") -> None:
    """A line of progress, to standard error."""
    draw(f"{line}\n")


def draw(text: str) -> None:
    """Something on standard error. What a command does, and how it ends, must not depend on who can be told of it."""
    try:
        click.echo(text, err=True, nl=False, color=colourful(sys.stderr))
    except BrokenPipeError:  # its reader went away: what is buffered would be an error again at the process's end
        lead_nowhere(sys.stderr)
    except OSError:  # its disk is full, its terminal is gone
        pass


def settle_streams() -> None:
    """A character that the terminal's encoding lacks is escaped instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
