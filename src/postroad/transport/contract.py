"""What every transport promises: one way to hand over a mail object, whatever carries it.

Decide, then act: before its point of no return (final dot, rename, request) a transport awaits ``before_commit`` once
per transaction with the recipients that were accepted so far. ``False`` means: abandon, and close what cannot be
undone.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from postroad.address import Address
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.reply import TranscriptLine

BeforeCommit = Callable[[tuple[Address, ...]], Awaitable[bool]]
"""Awaited with the accepted recipients of the transaction, right before its point of no return."""


class Ability(Enum):
    """What a transport can do, so that a caller can ask before it relies on it."""

    # Recipients need not be those in the headers, so a retry for one of them mails nobody else.
    SEPARATE_ENVELOPE = "separate_envelope"
    # There is somebody on the other side who takes responsibility; file, console and null have nobody.
    REMOTE = "remote"
    # The other side can hold mail until a time that the message names.
    SEND_AT = "send_at"
    # It connects to the recipients' own servers, so that these have limits, and not an account.
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What ``check()`` saw: never an outcome of a message, and never a secret."""

    transport: str
    seen: tuple[str, ...] = ()  # one fact a line: address, greeting, TLS version and certificate, extensions, account
    transcript: tuple[TranscriptLine, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return "\n".join((self.transport, *(f"  {fact}" for fact in self.seen)))


class Transport(Protocol):
    """A road for mail. Belongs to one event loop once it is used.

    ``name`` is the route for people: a URL without secrets. ``concurrency`` is how many messages it can usefully be
    given at once; callers keep that many under way. ``max_size`` is in octets of content, ``None`` for no limit known.
    """

    @property
    def name(self) -> str: ...
    @property
    def abilities(self) -> frozenset[Ability]: ...
    @property
    def concurrency(self) -> int: ...
    @property
    def max_size(self) -> int | None: ...

    def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> Awaitable[SendReport]:
        """Try to hand the message over, once.

        The report has an outcome for every recipient. Whatever stopped the message stands in ``report.error`` and is
        not raised. Cancelling the awaitable ends the attempt and closes its connection.

        Raises:
            MessageError: the message cannot go this way at all.
            ConfigurationError: the transport's settings are wrong.
        """

    async def check(self) -> CheckReport:
        """Go as far as one can without sending: connect, negotiate TLS, authenticate.

        Raises:
            SendError: what went wrong, with its advice.
        """

    async def aclose(self) -> None:
        """Finish politely and release everything; using the transport afterwards starts it anew."""
