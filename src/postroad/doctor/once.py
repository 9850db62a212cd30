"""What is found out once for all checks of a checkup: servers are visited, and documents fetched."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from postroad.lookup import Fetched, Fetcher, FetchFailed

if TYPE_CHECKING:
    from postroad.doctor.beyond import Visitor
    from postroad.doctor.probe.server import Probed

Result = TypeVar("Result")


class Once(Generic[Result]):
    """Remembers by key what is under way, or done, on one event loop."""

    def __init__(self) -> None:
        self._begun: dict[object, asyncio.Task[Result]] = {}

    async def of(self, key: object, begin: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What ``begin`` gives, or has given for this key."""
        task = self._begun.get(key)
        if task is None:
            task = self._begun[key] = asyncio.get_running_loop().create_task(begin())
        return await asyncio.shield(task)


class SharedFetcher:
    """A ``Fetcher`` that fetches each document once."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._once: Once[Fetched | FetchFailed] = Once()

    async def get(self, url: str, *, limit: int, timeout: float) -> Fetched | FetchFailed:
        """See ``Fetcher``."""
        return await self._once.of((url, limit), lambda: self._fetcher.get(url, limit=limit, timeout=timeout))


class SharedVisitor:
    """A ``Visitor`` that visits each host once."""

    def __init__(self, visitor: "Visitor") -> None:
        self._visitor = visitor
        self._once: Once[Probed] = Once()

    async def __call__(self, host: str) -> "Probed":
        """See ``Visitor``."""
        return await self._once.of(host.lower(), lambda: self._visitor(host))
