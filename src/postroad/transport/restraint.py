"""Holding a transport back for a while: fewer connections, a slower rate, by somebody who knows more than it does.

An outbox's worker does so: it shares an account with other workers, or a server has said that it gets too much.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from postroad.errors import PostroadError
from postroad.transport.gcra import Rate


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account at a server, as ``user@host:port``, and what is allowed there to all who use it together.

    ``connections`` is what the provider publishes, ``rate`` what was said with the account.
    """

    name: str
    connections: int | None = None
    rate: Rate | None = None
    source: str = ""  # the address that it is reached from, where one was chosen


Hearer = Callable[[str, PostroadError], None]
"""Is told the name of an account, and why a connection to it could not be opened."""


@runtime_checkable
class Restrainable(Protocol):
    """A transport with accounts. Belongs to one event loop, as the transport does."""

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts that it sends by."""

    def restrain(self, account: str, connections: int | None, rate: Rate | None) -> None:
        """Use no more connections and go no faster than this, until told otherwise; ``None``: as its settings say.

        With 0 connections no new ones are opened; connections beyond the number are closed when they are free.
        """

    def open_connections(self, account: str) -> int:
        """How many connections there are now, those that are being opened or closed included."""

    def on_trouble(self, hear: Hearer) -> None:
        """Have somebody told of connections that could not be opened while others work; no report tells of those."""
