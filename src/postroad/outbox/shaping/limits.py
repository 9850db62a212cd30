"""Limits as values: how many connections, how many messages, how fast; for whom, and what holds where several do."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final

from postroad.errors import ConfigurationError
from postroad.transport.gcra import Rate

_RATES: Final = {"new_connections": "new_connections_burst", "rate": "burst"}
MOST: Final = 1_000_000  # connections or messages; more is no limit any more


class Scope(StrEnum):
    """What a limit, an override or a suspension is for."""

    SITE = "site"  # who receives for one or many domains
    DOMAIN = "domain"  # of recipients
    ACCOUNT = "account"  # at a relay or a provider: user and host
    SOURCE = "source"  # an address that we send from
    SENDER = "sender"  # the domain of the envelope's sender
    STREAM = "stream"
    ROUTE = "route"  # of a worker, as it was given


@dataclass(frozen=True, slots=True)
class Limits:
    """What must not be exceeded; ``None`` is no limit. All hold at once.

    ``connections`` at a time; ``messages_per_connection`` before a connection is closed; ``new_connections`` and
    ``rate`` (messages) in a time; ``per_day`` messages in a day of UTC.

    Raises:
        ConfigurationError: a number is not from 1 to a million.
    """

    connections: int | None = None
    messages_per_connection: int | None = None
    new_connections: Rate | None = None
    rate: Rate | None = None
    per_day: int | None = None

    def __post_init__(self) -> None:
        for name in ("connections", "messages_per_connection", "per_day"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= MOST:
                raise ConfigurationError(f"{name} is a number from 1 to {MOST}, not {value}", setting=name)

    def __bool__(self) -> bool:
        """Whether there is any limit."""
        return self != NO_LIMITS

    def and_also(self, other: "Limits") -> "Limits":
        """Both hold: of each limit, the lower one; of two rates the slower one, with the smaller burst."""
        return Limits(
            _lower(self.connections, other.connections),
            _lower(self.messages_per_connection, other.messages_per_connection),
            _slower(self.new_connections, other.new_connections),
            _slower(self.rate, other.rate),
            _lower(self.per_day, other.per_day),
        )

    def overlaid(self, other: "Limits") -> "Limits":
        """The other's limits, and these where it says nothing."""
        said = {each.name: value for each in fields(other) if (value := getattr(other, each.name)) is not None}
        return replace(self, **said)

    def as_dict(self) -> dict[str, int | str]:
        """For JSON: what is limited, under the names and in the form of a rules file."""
        said: dict[str, int | str] = {}
        for name, burst in (("connections", ""), ("messages_per_connection", ""), ("per_day", ""), *_RATES.items()):
            value = getattr(self, name)
            if value is not None:
                said[name] = str(value) if burst else value
                if burst and value.burst > 1:
                    said[burst] = value.burst
        return said

    def __str__(self) -> str:
        said = []
        if self.connections is not None:
            said.append(f"{self.connections} connection{'s' if self.connections > 1 else ''}")
        if self.messages_per_connection is not None:
            said.append(f"{self.messages_per_connection} messages a connection")
        if self.new_connections is not None:
            said.append(f"{self.new_connections} new connections")
        if self.rate is not None:
            said.append(str(self.rate))
        if self.per_day is not None:
            said.append(f"{self.per_day} a day")
        return ", ".join(said) or "no limit"


def _lower(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _slower(one: Rate | None, other: Rate | None) -> Rate | None:
    if one is None or other is None:
        return one or other
    slower = max(one, other, key=lambda rate: rate.interval)
    return replace(slower, burst=min(one.burst, other.burst))


NO_LIMITS: Final = Limits()
