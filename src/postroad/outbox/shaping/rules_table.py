"""One table of a rules file, read key by key: what is asked for has a type and bounds, and what nobody asked for is
refused at the end. Every error names the file, the table and the key, and says what to write instead.
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar, overload

from postroad.errors import ConfigurationError
from postroad.outbox.shaping.limits import MOST, Limits
from postroad.transport.gcra import Rate

V = TypeVar("V")

LONGEST: Final = 30 * 86_400  # seconds; a slowdown that lasts longer is a limit
MAX_TEXT: Final = 500  # characters
_DOTTED: Final = 'Write a name that has dots in quotes, as in [site."example.com"].'
_DURATION: Final = re.compile(r"([0-9]{1,7}) ?(s|min|h|d)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


class Table:
    """``place`` is the table as it stands in the file, such as ``[site.google]``."""

    def __init__(self, file: str, place: str, values: object) -> None:
        self.file = file
        self.place = place
        if not isinstance(values, Mapping):
            raise self.fault("", "it is no table", f"Write it as a table: {place} on a line of its own.")
        self._values: Mapping[str, Any] = values
        self._asked: set[str] = set()

    def fault(self, key: str, wrong: str, advice: str) -> ConfigurationError:
        """The error for a key of this table."""
        named = f"{self.place} {key}".strip()
        return ConfigurationError(f"{self.file}: {named}: {wrong}", setting=named, advice=advice)

    def explained(self, fault: ConfigurationError, advice: str) -> ConfigurationError:
        """The error of a value made from this table, with the place that it comes from."""
        return self.fault("", fault.message, advice)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._asked.add(key)
        return key in self._values

    def says(self, key: str, word: str) -> bool:
        """Whether the key is there with exactly this word."""
        self._asked.add(key)
        return self._values.get(key) == word

    def names(self) -> tuple[str, ...]:
        """The keys that are there, all of them known from now on: they are names, given by whoever wrote the file."""
        self._asked.update(self._values)
        return tuple(self._values)

    def table(self, key: str, place: str) -> "Table":
        """The table of that name in this one."""
        self._asked.add(key)
        return Table(self.file, place, self._values[key])

    def tables(self, key: str) -> list["Table"]:
        """The tables ``[[key]]``, numbered from 1."""
        found = self._get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.fault(key, "it is one table, and may be there many times", f"Write [[{key}]] for [{key}].")
        return [Table(self.file, f"[[{key}]] {number}", each) for number, each in enumerate(found, 1)]

    def text(self, key: str) -> str:
        """A text; empty where there is none."""
        value = self._get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT or not value.isprintable():
            advice = f'Write a text of 1 to {MAX_TEXT} printable characters in quotes: {key} = "…".'
            raise self.fault(key, f"{_shown(value)} is no such text", advice)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A text or a list of texts."""
        return self._several(key, str, f'{key} = "…" or {key} = ["…", "…"]')

    def integers(self, key: str) -> tuple[int, ...]:
        """A number or a list of numbers."""
        return self._several(key, int, f"{key} = 421 or {key} = [421, 451]")

    @overload
    def integer(self, key: str, most: int = MOST) -> int | None: ...
    @overload
    def integer(self, key: str, most: int = MOST, *, default: int) -> int: ...
    def integer(self, key: str, most: int = MOST, *, default: int | None = None) -> int | None:
        """A number from 1."""
        value = self._get(key)
        if value is None:
            return default
        if type(value) is not int or not 1 <= value <= most:
            raise self.fault(key, f"{_shown(value)} is no number from 1 to {most}", f"Write it bare: {key} = 5.")
        return value

    def flag(self, key: str) -> bool:
        """Whether it is ``true``; ``false`` is refused, because leaving the key out says the same."""
        value = self._get(key)
        if value is not None and value is not True:
            raise self.fault(key, f"{_shown(value)} is not true", f"Write {key} = true, or leave it out.")
        return value is True

    def duration(self, key: str) -> float | None:
        """How long, in seconds."""
        value = self._get(key)
        if value is None:
            return None
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
        if not 0 < seconds <= LONGEST:
            advice = f'Write it with its unit, up to 30 days: {key} = "15 s", "90min", "2h" or "1d".'
            raise self.fault(key, f"{_shown(value)} is no such duration", advice)
        return float(seconds)

    def rate(self, key: str, burst_key: str) -> Rate | None:
        """So many in so long; the other key says how many may go at once after a pause."""
        burst = self.integer(burst_key)
        value = self._get(key)
        if value is None:
            if burst is not None:
                raise self.fault(burst_key, f"it belongs to {key}, which is not there", f'Add {key} = "100/min".')
            return None
        try:
            return Rate.read(value if isinstance(value, str) else "", burst=burst or 1)
        except ConfigurationError as fault:
            advice = f'Write it as {key} = "10/s", "100/min", "500/h" or "10000/day".'
            raise self.fault(key, f"{_shown(value)} is no rate", advice) from fault

    def limits(self, per_day: int | None = None) -> Limits:
        """The limits that stand in this table; none of a day but this one."""
        return Limits(
            connections=self.integer("connections"),
            messages_per_connection=self.integer("messages_per_connection"),
            new_connections=self.rate("new_connections", "new_connections_burst"),
            rate=self.rate("rate", "burst"),
            per_day=per_day,
        )

    def day(self, key: str) -> dt.date | None:
        """A date."""
        value = self._get(key)
        if value is not None and type(value) is not dt.date:  # a moment is a date, too, for Python
            raise self.fault(key, f"{_shown(value)} is no date", f"Write it without quotes: {key} = 2026-12-01.")
        return value

    def pairs(self, key: str) -> tuple[tuple[int, int], ...]:
        """A list of pairs of numbers."""
        value = self._get(key)
        right = isinstance(value, list) and all(
            isinstance(pair, list) and len(pair) == 2 and all(type(one) is int for one in pair) for pair in value
        )
        if not right:
            raise self.fault(
                key,
                "it is missing" if value is None else f"{_shown(value)} is no list of pairs",
                f"Write pairs of a day and its ceiling: {key} = [[1, 50], [2, 100], [5, 500]].",
            )
        return tuple((day, ceiling) for day, ceiling in value)

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                dotted = isinstance(self._values[key], Mapping) and self.place
                advice = _DOTTED if dotted else _known(key, self._asked)
                raise self.fault(key, "it is not known", advice)

    def _get(self, key: str) -> Any:
        self._asked.add(key)
        return self._values.get(key)

    def _several(self, key: str, kind: type[V], advice: str) -> tuple[V, ...]:
        value = self._get(key)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        if not values or any(type(each) is not kind or each == "" for each in values):
            raise self.fault(key, f"{_shown(value)} is not what belongs here", f"Write {advice}.")
        return tuple(values)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (dt.date, dt.time)):
        return str(value)
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known(key: str, known: set[str]) -> str:
    from difflib import get_close_matches  # late: only for who has mistyped

    close = get_close_matches(key, known, 1)
    return f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(sorted(known))}."
