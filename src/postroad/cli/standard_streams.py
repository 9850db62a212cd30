"""Standard input, output and error where nobody is at the other end."""

import os
import sys
from contextlib import suppress
from typing import TextIO


def open_missing_streams() -> None:
    """Lead those of the three that are closed nowhere, as daemons and jobs of cron may be started.

    Otherwise what is opened next would get the number of one of them, and what is printed would be written there.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            _lead_nowhere(number)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - for good


def lead_nowhere(*streams: TextIO) -> None:
    """Nobody reads them any more: what is still buffered goes nowhere, and so does all that follows."""
    for stream in streams:
        with suppress(OSError, ValueError):
            _lead_nowhere(stream.fileno())


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
