"""The DNS itself behind ``postroad.lookup.Resolver``: asked once for all who want to know at the same time."""

import asyncio
from typing import TypeAlias

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.lookup import Answer, RecordType, Status
from postroad.net.dns.cache import AnswerCache
from postroad.net.dns.question import question_name
from postroad.net.dns.settings import DnsSettings

_Flight: TypeAlias = tuple[asyncio.AbstractEventLoop, str, RecordType]


class DnsResolver:
    """Asks the recursive resolvers of the machine, or those of the settings; it does not recurse itself.

    One resolver serves one process: its cache is good for every event loop, but only one may use it at a time.
    """

    def __init__(self, settings: DnsSettings | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._settings = settings or DnsSettings()
        self._asked = self._settings.completed()
        self._cache = AnswerCache(self._settings, clock)
        self._flights: dict[_Flight, asyncio.Task[Answer]] = {}

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        """The answer, kept or asked for. It never raises but ``CancelledError``."""
        asked = question_name(name)
        if asked is None:
            return Answer(name, kind, Status.NO_NAME)
        kept = self._cache.get(asked, kind)
        return kept if kept is not None else await self._joined(asked, kind)

    async def _joined(self, name: str, kind: RecordType) -> Answer:
        """Wait for the question that is under way, or begin it. Who is cancelled leaves it to the others."""
        loop = asyncio.get_running_loop()
        flight = (loop, name, kind)
        task = self._flights.get(flight)
        if task is None:
            task = loop.create_task(self._ask(name, kind), name=f"dns {kind} {name}")
            self._flights[flight] = task
            task.add_done_callback(lambda _: self._flights.pop(flight, None))
        return await asyncio.shield(task)

    async def _ask(self, name: str, kind: RecordType) -> Answer:
        # Loaded only now: dnspython loads what it needs for DNS over HTTPS as well, which takes a fifth of a second.
        from postroad.net.dns.exchange import ask

        try:
            answer = await ask(name, kind, self._asked, self._settings)
        except Exception as fault:  # noqa: BLE001 - what strangers answer must not end who asked
            answer = Answer(name, kind, Status.FAILED, reason=f"{type(fault).__name__}: {fault}")
        self._cache.put(answer)
        return answer
