"""Progress on standard error: one line that changes on a terminal, a line now and then elsewhere."""

import sys
from typing import Final

from postroad.cli.terminal import draw, note, steerable
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.terminal_text import one_line

_EVERY: Final = 0.1  # seconds between two looks of the line on a terminal
_EVERY_IN_A_LOG: Final = 30.0  # seconds between two lines elsewhere
_ERASE: Final = "\r\x1b[2K"


class Progress:
    """Shows the latest text it was told. Other lines go ``above`` it."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._live = steerable(sys.stderr)
        self._clock = clock
        self._last = clock.monotonic()
        self._text = self._drawn = ""

    def tell(self, text: str) -> None:
        """Something has changed; it is shown if the last look was long enough ago."""
        self._text = one_line(text)
        now = self._clock.monotonic()
        if now - self._last >= (_EVERY if self._live else _EVERY_IN_A_LOG):
            self._last = now
            self._show()

    def above(self, line: str) -> None:
        """A line of its own, which stays."""
        self._erase()
        note(line)
        if self._live and self._text:
            self._show()

    def end(self) -> None:
        """Show the last text for good."""
        self._erase()
        if self._text:
            note(self._text)

    def _show(self) -> None:
        self._drawn = self._text
        if self._live:
            draw(f"{_ERASE}{self._text}")
        else:
            note(self._text)

    def _erase(self) -> None:
        if self._live and self._drawn:
            draw(_ERASE)
