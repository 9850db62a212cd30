"""What the parts of postroad log, as lines on standard error: for commands that run for long."""

import logging
from collections.abc import Callable

from postroad.cli.terminal import note, styled
from postroad.terminal_text import one_line

_COLOURS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}


class _Lines(logging.Handler):
    """A line for each record. Times are left to the journal that reads them."""

    def __init__(self, line: Callable[[str], object]) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._line(styled(one_line(record.getMessage()), _COLOURS.get(record.levelno)))
        except Exception:  # noqa: BLE001 - a line that cannot be written must not end a worker
            self.handleError(record)


def show_log(line: Callable[[str], object] = note, level: int = logging.INFO) -> None:
    """Show what is logged from now on, for the rest of the process; in this way alone."""
    log = logging.getLogger("postroad")
    log.setLevel(level)
    for shown in [handler for handler in log.handlers if isinstance(handler, _Lines)]:
        log.removeHandler(shown)
    log.addHandler(_Lines(line))
