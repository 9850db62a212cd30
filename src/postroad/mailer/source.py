"""Where ``send_many`` takes its messages from: an iterable of either kind, asked for no more than there is room for."""

import asyncio
from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import suppress
from typing import Final, Protocol

from postroad.mailer.compose import Sendable

_END: Final = object()


class UntilItFails:
    """The messages of an iterable up to its end, or to its failure, which is kept in ``fault``.

    What was taken from it before is on its way, and its reports must be heard before the failure is.
    """

    def __init__(self, messages: Iterable[Sendable]) -> None:
        self.fault: Exception | None = None
        self._messages = iter(messages)

    def __iter__(self) -> Iterator[Sendable]:
        try:
            yield from self._messages
        except Exception as fault:  # noqa: BLE001 - the caller's own; raised when the reports are told
            self.fault = fault


class Source(Protocol):
    """Messages, numbered from 0. ``exhausted``: there are no more, because of ``fault`` where there is one. ``asked``:
    the next one is being waited for.
    """

    exhausted: bool

    @property
    def fault(self) -> Exception | None: ...

    asked: "asyncio.Future[object] | None"

    def take(self) -> tuple[int, Sendable] | None:
        """The next message if it is there."""

    async def aclose(self) -> None:
        """Ask no more."""


def source_of(messages: Iterable[Sendable] | AsyncIterable[Sendable]) -> Source:
    """The source of either kind of iterable."""
    return _Later(messages) if isinstance(messages, AsyncIterable) else _Now(messages)


class _Now:
    asked: "asyncio.Future[object] | None" = None

    def __init__(self, messages: Iterable[Sendable]) -> None:
        self.exhausted = False
        self._source = UntilItFails(messages)
        self._messages = enumerate(self._source)

    @property
    def fault(self) -> Exception | None:
        return self._source.fault

    def take(self) -> tuple[int, Sendable] | None:
        following = next(self._messages, None)
        self.exhausted = following is None
        return following

    async def aclose(self) -> None:
        """Nothing is under way."""


class _Later:
    """The next message may take its time; the reports of the earlier ones do not wait for it."""

    def __init__(self, messages: AsyncIterable[Sendable]) -> None:
        self.exhausted = False
        self.fault: Exception | None = None
        self.asked: asyncio.Future[object] | None = None
        self._messages = aiter(messages)
        self._index = 0

    def take(self) -> tuple[int, Sendable] | None:
        if self.asked is None:
            self.asked = asyncio.ensure_future(self._next())
        if not self.asked.done():
            return None
        message = self.asked.result()
        self.asked = None
        if message is _END:
            self.exhausted = True
            return None
        self._index += 1
        return self._index - 1, message  # type: ignore[return-value]  # whatever it is, composing says so

    async def _next(self) -> object:
        try:
            return await anext(self._messages, _END)
        except Exception as fault:  # noqa: BLE001 - the caller's own; raised when the reports are told
            self.fault = fault
            return _END

    async def aclose(self) -> None:
        if self.asked is not None:
            self.asked.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self.asked
