"""The one process-wide switch: while an interceptor is set, nothing leaves the process and nothing is written.

``testing.capture()`` sets it. It covers ``Mailer`` and ``Outbox`` in every thread.
"""

import threading
from typing import Protocol

from postroad.message.envelope import MailObject
from postroad.outcome import SendReport


class Interceptor(Protocol):
    """What takes the place of every transport and every outbox."""

    def sent(self, mail: MailObject) -> SendReport:
        """A mailer would have sent this now."""

    def queued(self, mail: MailObject, stream: str) -> None:
        """An outbox would have taken this."""


_lock = threading.Lock()
_stack: list[Interceptor] = []  # the last one counts, so that captures nest


def interceptor() -> Interceptor | None:
    """The interceptor in force, if any."""
    return _stack[-1] if _stack else None


def intercept(one: Interceptor) -> None:
    """Put an interceptor in force for the whole process."""
    with _lock:
        _stack.append(one)


def release(one: Interceptor) -> None:
    """Take it away again; the one before it, if any, is in force then."""
    with _lock:
        _stack.remove(one)
