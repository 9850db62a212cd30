"""How long to wait for a server, how connections to it are shared, and how large a message may be."""

from dataclasses import dataclass, fields
from typing import Final

from postroad.errors import ConfigurationError
from postroad.transport.presets import preset_for

MEGABYTE: Final = 1_000_000  # octets
MAX_SIZE: Final = 25 * MEGABYTE  # of content: what most providers take, as octets on the wire


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for the server, in seconds. The long ones are RFC 5321 §4.5.3.2's."""

    connect: float = 10.0  # all addresses together; a wrong host or firewall should not cost minutes
    tls: float = 30.0
    greeting: float = 30.0  # §4.5.3.2.1 says 5 min; a wrong TLS mode looks just like this, and people wait for it
    command: float = 300.0  # §4.5.3.2.2 and .3: MAIL, RCPT; also EHLO, AUTH, STARTTLS
    data: float = 120.0  # §4.5.3.2.4
    block: float = 180.0  # §4.5.3.2.5: one block of content taken
    dot: float = 600.0  # §4.5.3.2.6: shorter makes doubles, because the server may already have the message (RFC 1047)
    quit: float = 2.0  # nothing depends on it
    secret: float = 60.0  # a vault, a program or a token callback; each has limits of its own below this

    def capped(self, seconds: float) -> "Timeouts":
        """No wait longer than ``seconds``, except for the final dot."""
        waits = {one.name: min(getattr(self, one.name), seconds) for one in fields(self) if one.name != "dot"}
        return Timeouts(**waits, dot=self.dot)


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How connections are shared. The defaults suit a submission account at most providers."""

    connections: int = 5  # at once, to this account
    messages: int = 100  # per connection; many providers hang up after 100 or 50
    age: float = 300.0  # seconds that a connection lives
    idle: float = 8.0  # seconds without mail before we say QUIT; Amazon SES hangs up after 10
    wait: float = 300.0  # seconds a message waits for a connection while the queue does not move, or for its turn


def limits_at(host: str) -> PoolLimits:
    """The limits of a known relay; those that suit most, at any other."""
    known, usual = preset_for(host), PoolLimits()
    if known is None:
        return usual
    return PoolLimits(
        connections=known.connections or usual.connections,
        messages=known.messages or usual.messages,
        idle=known.idle or usual.idle,
    )


USUAL_LIMITS: Final = PoolLimits()  # this very object: nothing was said


def check_limits(limits: PoolLimits, timeouts: Timeouts, max_size: int) -> None:
    """Whether mail can be sent within these.

    Raises:
        ConfigurationError: a number is not positive; which one.
    """
    numbers = {"pool": limits.connections, "messages": limits.messages, "max_size": max_size}
    for name, number in numbers.items():
        if number < 1:
            raise ConfigurationError(f"{name} must be at least 1, not {number}", setting=name)
    for settings in (limits, timeouts):
        for one in fields(settings):
            if not getattr(settings, one.name) > 0:
                raise ConfigurationError(f"{one.name} must be more than 0 seconds", setting=one.name)
