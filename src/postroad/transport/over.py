"""A transport that does something more than another one, and passes on everything else."""

from postroad.transport.contract import Ability, CheckReport, Transport
from postroad.transport.failover import RoadState
from postroad.transport.restraint import Account, Hearer, Hold, Restrainable


class OverTransport:
    """What every transport over another has in common: it can do what that one can."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def abilities(self) -> frozenset[Ability]:
        return self.inner.abilities

    @property
    def concurrency(self) -> int:
        return self.inner.concurrency

    @property
    def max_size(self) -> int | None:
        return self.inner.max_size

    @property
    def roads(self) -> tuple[RoadState, ...]:
        """How the roads of a composed route stand; none where it is not composed."""
        roads: tuple[RoadState, ...] = getattr(self.inner, "roads", ())
        return roads

    @property
    def accounts(self) -> tuple[Account, ...]:
        """See ``Restrainable``; none where the other transport has none."""
        return self.inner.accounts if isinstance(self.inner, Restrainable) else ()

    def restrain(self, account: str, hold: Hold) -> None:
        """See ``Restrainable``."""
        if isinstance(self.inner, Restrainable):
            self.inner.restrain(account, hold)

    def open_connections(self, account: str) -> int:
        """See ``Restrainable``."""
        return self.inner.open_connections(account) if isinstance(self.inner, Restrainable) else 0

    def on_trouble(self, hear: Hearer) -> None:
        """See ``Restrainable``."""
        if isinstance(self.inner, Restrainable):
            self.inner.on_trouble(hear)

    async def check(self) -> CheckReport:
        return await self.inner.check()

    async def aclose(self) -> None:
        await self.inner.aclose()
