"""How a command that runs for long is asked to stop: Ctrl-C, or SIGTERM from whatever supervises it."""

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def on_stop(stop: Callable[[], object], tell: Callable[[], object] = lambda: None) -> Generator[None]:
    """In the running loop: the first signal asks politely; the second ends the command at once, like any other.

    ``tell`` is called once, so that whoever has asked knows that it was heard.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    asked = False

    def ask() -> None:
        nonlocal asked
        first, asked = not asked, True
        stop()
        if first:
            tell()
        else:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    try:
        yield
    except asyncio.CancelledError:
        if asked:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
