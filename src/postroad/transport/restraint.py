"""Holding a transport back for a while: fewer connections, a slower rate, by somebody who knows more than it does.

An outbox's worker does so: it shares an account with other workers, or a server has said that it gets too much.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from postroad.errors import PostroadError
from postroad.transport.gcra import Rate


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account at a server, as ``user@host:port``; ``rate`` is what was said with the account.

    ``connections`` are what we open at most; 0: nothing is known of that.
    """

    name: str
    rate: Rate | None = None
    source: str = ""  # the address that it is reached from, where one was chosen
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """How far an account's use is held back, below what its settings say; ``None``: as those say.

    ``connections`` at a time (0: no new ones); ``rate`` of messages; ``messages`` before a connection is closed;
    ``new_connections`` in a time. While it ``rests``, nothing begins there that may go another way.
    """

    connections: int | None = None
    rate: Rate | None = None
    messages: int | None = None
    new_connections: Rate | None = None
    rests: bool = False

    @property
    def open(self) -> bool:
        """Whether anything may begin."""
        return not self.rests and self.connections != 0


FREE: Final = Hold()

HoldOf = Callable[[str], Hold]
"""How far connections to the hosts of a domain are held back."""

Hearer = Callable[[str, PostroadError], None]
"""Is told the name of an account, and why a connection to it could not be opened."""


@runtime_checkable
class Restrainable(Protocol):
    """A transport with accounts. Belongs to one event loop, as the transport does."""

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts that it sends by."""

    def restrain(self, account: str, hold: Hold) -> None:
        """Keep to this until told otherwise; connections beyond the number are closed when they are free."""

    def open_connections(self, account: str) -> int:
        """How many connections there are now, those that are being opened or closed included."""

    def on_trouble(self, hear: Hearer) -> None:
        """Have somebody told of connections that could not be opened while others work; no report tells of those."""
