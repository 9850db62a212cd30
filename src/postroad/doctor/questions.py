"""Questions to the DNS during a checkup: each is asked once for all checks, and every check knows which of its own got
no answer."""

import asyncio
from typing import Final

from postroad.doctor.once import Once
from postroad.lookup import Answer, RecordType, Resolver

AT_ONCE: Final = 16  # questions under way; resolvers of small machines and home routers drop what is far above that


class Unanswered(Exception):
    """A question got no answer, so that the check has no verdict. What is missing is in ``answer``."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.kind} {answer.name}")
        self.answer = answer


class SharedResolver:
    """A ``Resolver`` for one checkup, on one event loop: it remembers every answer, failures too, and asks for a few
    at a time."""

    def __init__(self, resolver: Resolver, at_once: int = AT_ONCE) -> None:
        self._resolver = resolver
        self._gate = asyncio.Semaphore(at_once)
        self._once: Once[Answer] = Once()

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        return await self._once.of((name.lower().removesuffix("."), kind), lambda: self._ask(name, kind))

    async def _ask(self, name: str, kind: RecordType) -> Answer:
        async with self._gate:
            return await self._resolver.lookup(name, kind)


class HeardResolver:
    """A ``Resolver`` for one check: ``unanswered`` are the questions that got no answer, in order."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.unanswered: list[Answer] = []

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        answer = await self._resolver.lookup(name, kind)
        if answer.status.temporary:
            self.unanswered.append(answer)
        return answer
