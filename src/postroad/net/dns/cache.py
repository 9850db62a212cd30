"""Answers that are still good: kept as long as their owners allow, and the oldest forgotten when there are too many."""

from collections import OrderedDict
from dataclasses import replace
from typing import TypeAlias

from postroad.clock import Clock
from postroad.lookup import Answer, RecordType, Status
from postroad.net.dns.settings import DnsSettings

_Key: TypeAlias = tuple[str, RecordType | None]


class AnswerCache:
    """Answers by name and type, positive and negative (RFC 2308), at most ``max_entries`` of them."""

    def __init__(self, settings: DnsSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._kept: OrderedDict[_Key, tuple[Answer, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: str, kind: RecordType) -> Answer | None:
        """The answer, if one is kept that is still good; its ``ttl`` is what is left of it."""
        return self._good((name, kind), kind) or self._good((name, None), kind)

    def put(self, answer: Answer) -> None:
        """Keep an answer for its time to live, within limits."""
        seconds = self._seconds(answer)
        if seconds <= 0:
            return
        key = _key(answer)
        self._kept[key] = (answer, self._clock.monotonic() + seconds)
        self._kept.move_to_end(key)
        while len(self._kept) > self._settings.max_entries:
            self._kept.popitem(last=False)

    def _good(self, key: _Key, kind: RecordType) -> Answer | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        answer, until = kept
        left = until - self._clock.monotonic()
        if left <= 0:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return replace(answer, kind=kind, ttl=left)

    def _seconds(self, answer: Answer) -> float:
        if answer.status.temporary:
            return self._settings.failure_ttl
        limit = self._settings.max_ttl if answer.status is Status.FOUND else self._settings.max_negative_ttl
        return min(answer.ttl, limit)


def _key(answer: Answer) -> _Key:
    # A name that does not exist has no records of any type (RFC 2308 §5); but an alias that leads nowhere exists.
    everything = answer.status is Status.NO_NAME and not answer.aliases
    return answer.name, None if everything else answer.kind
