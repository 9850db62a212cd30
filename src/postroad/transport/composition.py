"""``Failover``, ``RoundRobin``, ``Weighted``: several routes as one, as values; their text is ``composed_text``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from postroad.errors import ConfigurationError
from postroad.transport.breaker import BreakerSettings
from postroad.transport.route_url import redacted

if TYPE_CHECKING:
    from postroad.transport.route import Route

MAX_WEIGHT: Final = 1_000_000  # a share is a proportion; more says nothing more


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Composition:
    """What the three have in common. Each member is a URL, an ``Smtp``, a transport or a composition.

    Raises:
        ConfigurationError: no route is given, or one text where a list is meant.
    """

    kind: ClassVar[str]

    routes: "tuple[Route, ...]"
    breaker: BreakerSettings = field(default_factory=BreakerSettings)

    def __init__(self, routes: "Iterable[Route]", *, breaker: BreakerSettings | None = None) -> None:
        if isinstance(routes, str) or not isinstance(routes, Iterable):
            raise ConfigurationError(f"{type(self).__name__} takes a list of routes", setting="routes")
        object.__setattr__(self, "routes", tuple(routes))
        object.__setattr__(self, "breaker", breaker or BreakerSettings())
        if not self.routes:
            raise ConfigurationError(f"{type(self).__name__} has no routes", setting="routes")

    @property
    def weights(self) -> tuple[int, ...] | None:
        """The shares of the routes that take turns; ``None`` where the first that works carries all."""
        return None

    def __repr__(self) -> str:
        members = (redacted(one) if isinstance(one, str) else str(getattr(one, "name", one)) for one in self.routes)
        return f"{type(self).__name__}([{', '.join(members)}])"


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Failover(Composition):
    """The first route that is not down carries the mail; the others stand by, in their order."""

    kind: ClassVar[str] = "failover"


@dataclass(frozen=True, slots=True, repr=False, init=False)
class RoundRobin(Composition):
    """The routes take turns; where one is down, the others carry its mail."""

    kind: ClassVar[str] = "roundrobin"

    @property
    def weights(self) -> tuple[int, ...]:
        return (1,) * len(self.routes)


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Weighted(Composition):
    """The routes take turns by their shares: a mapping from route to weight, or pairs of both.

    Weights are whole numbers of at least 1; with 9 and 1 the first carries nine of ten messages.

    Raises:
        ConfigurationError: a weight is none.
    """

    kind: ClassVar[str] = "weighted"

    shares: tuple[int, ...] = ()

    def __init__(
        self,
        routes: "Mapping[Any, int] | Iterable[tuple[Route, int]]",
        *,
        breaker: BreakerSettings | None = None,
    ) -> None:
        pairs = _pairs(routes)
        Composition.__init__(self, [route for route, _ in pairs], breaker=breaker)
        object.__setattr__(self, "shares", tuple(checked_weight(weight) for _, weight in pairs))

    @property
    def weights(self) -> tuple[int, ...]:
        return self.shares


def _pairs(routes: "Mapping[Any, int] | Iterable[tuple[Route, int]]") -> "list[tuple[Route, int]]":
    try:
        pairs = routes.items() if isinstance(routes, Mapping) else routes
        return [(route, weight) for route, weight in pairs]
    except (TypeError, ValueError):
        raise ConfigurationError("Weighted takes pairs of a route and its weight", setting="routes") from None


def checked_weight(weight: object) -> int:
    """A weight.

    Raises:
        ConfigurationError: it is not a whole number from 1 on.
    """
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= MAX_WEIGHT:
        raise ConfigurationError(
            f"the weight {weight!a} is not a whole number from 1 to {MAX_WEIGHT}", setting="weight"
        )
    return weight
