"""What a scripted server does out of the ordinary: steps, each at one point of the conversation."""

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

_COMMANDS: Final = "EHLO HELO LHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT"
POINTS: Final = frozenset(
    {*_COMMANDS.split(), "GREETING", "TLS", "AUTH_RESPONSE", "CONTENT", "DOT", "BDAT LAST"},
)


class Normal(Enum):
    """The reply that a well-behaved server would give."""

    REPLY = "normal reply"


NORMAL: Final = Normal.REPLY


class Then(Enum):
    """What the server does once the step's reply has been written."""

    CONTINUE = "continue"
    CLOSE = "close"  # an orderly end of the connection
    RESET = "reset"  # the connection is torn down with RST: the client's next read or write fails
    STALL = "stall"  # nothing more is ever written; the connection stays open until the client gives up
    REPEAT = "repeat"  # the reply is written again and again until the client hangs up


class Gate:
    """Holds a step until the test lets it pass.

    ``reached`` is set once a session stands before the gate; ``open()`` lets it, and all later ones, through. Both may
    be used from any thread.
    """

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._lock = threading.Lock()
        self._opened = False
        self._waiting: list[Callable[[], object]] = []

    def open(self) -> None:
        """Let the step happen."""
        with self._lock:
            self._opened = True
            waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def wait_until_reached(self, timeout: float = 60.0) -> None:
        """Block until a session stands before the gate; ``timeout`` is in seconds.

        From a coroutine: ``await asyncio.to_thread(gate.wait_until_reached)``.

        Raises:
            TimeoutError: none came.
        """
        if not self.reached.wait(timeout):
            raise TimeoutError(f"no session reached the gate within {timeout:g} s")

    def arrive(self, wake: Callable[[], object]) -> None:
        """Call ``wake`` once the gate is open: at once if it is."""
        with self._lock:
            if not self._opened:
                self._waiting.append(wake)
                wake = _nothing
        wake()
        self.reached.set()


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """One deviation from what a normal server does.

    ``at`` is the point: ``GREETING``, ``EHLO``, ``HELO``, ``LHLO``, ``STARTTLS``, ``TLS`` (instead of the handshake),
    ``AUTH``, ``AUTH_RESPONSE``, ``MAIL``, ``RCPT``, ``DATA``, ``CONTENT`` (the first octets after a 354, or of a chunk,
    have come), ``DOT``, ``BDAT`` (a chunk that others follow has come), ``BDAT LAST``, ``RSET``, ``NOOP``, ``VRFY``,
    ``EXPN``, ``HELP`` or ``QUIT``. Over LMTP ``DOT`` and ``BDAT LAST`` come once for each accepted recipient
    (RFC 2033 §4.2).

    ``reply`` is what the server says there: a ``str`` is one or more lines without their ends
    (``"250-one\\n250 two"``), ``bytes`` go out as they are, so half a reply or garbage is possible; ``None`` says
    nothing. Left out, it is the normal reply.

    ``when``: a regular expression that must be found in the command line, such as an address; where each recipient has
    an answer, in the recipient's address. ``times``: how often the
    step happens, ``None`` for always; ``skip``: how often it is passed by before. ``connection``: only in that
    connection, counted from 0. ``gate`` holds the step back until the test opens it. ``chunk``: octets a write, to
    split a reply anywhere. ``then``: what follows.

    Raises:
        ValueError: an unknown point, or a ``chunk`` that is not positive.
        re.error: ``when`` is no regular expression.
    """

    at: str
    reply: str | bytes | Normal | None = NORMAL
    when: str | None = None
    times: int | None = 1
    skip: int = 0
    connection: int | None = None
    gate: Gate | None = None
    chunk: int | None = None
    then: Then = Then.CONTINUE

    def __post_init__(self) -> None:
        if self.at not in POINTS:
            raise ValueError(f"no such point: {self.at!r}; the points are {', '.join(sorted(POINTS))}")
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk is {self.chunk}; a write has at least 1 octet")
        re.compile(self.when or "")

    def concerns(self, point: str, line: str, connection: int) -> bool:
        """Whether the step stands at this point of this connection."""
        if self.at != point or self.connection not in (None, connection):
            return False
        return self.when is None or re.search(self.when, line) is not None


class Script:
    """The steps of a server and how often each has happened. Used by one thread."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = tuple(steps)
        self._seen = [0] * len(self._steps)

    def step(self, point: str, line: str, connection: int) -> Step | None:
        """The step that happens now: the first that concerns this point and is neither skipped nor used up."""
        for number, step in enumerate(self._steps):
            if not step.concerns(point, line, connection):
                continue
            self._seen[number] += 1
            turn = self._seen[number] - step.skip
            if turn >= 1 and (step.times is None or turn <= step.times):
                return step
        return None
