"""Opening an outbox whose server may be away, as a service manager that starts a program again would."""

import threading

from postroad import DatabaseError, Outbox

PAUSE = 0.05  # seconds between tries


def opened(url: str) -> Outbox:
    while True:
        try:
            return Outbox(url)
        except DatabaseError:
            pause()


def pause() -> None:
    threading.Event().wait(PAUSE)
