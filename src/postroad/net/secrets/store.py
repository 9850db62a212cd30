"""Resolving references: late, kept for a bounded time, one trip for all who ask at once."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.net.secrets.aws_secrets_manager import read_aws
from postroad.net.secrets.command import read_command
from postroad.net.secrets.finding import Finding
from postroad.net.secrets.local import read_file, read_variable
from postroad.net.secrets.system_keyring import read_keyring
from postroad.net.secrets.vault import read_vault
from postroad.net.single_flight import Flight, Landed, SingleFlight, in_thread
from postroad.secret import Reference, Secret

READERS: Final[Mapping[str, Callable[[Reference], Finding]]] = {
    "env": read_variable,
    "file": read_file,
    "cmd": read_command,
    "vault": read_vault,
    "aws-sm": read_aws,
    "keyring": read_keyring,
}
AT_HAND: Final = frozenset({"env", "file"})  # read each time, in the caller's thread: they cost next to nothing
PATIENCE: Final = 60.0  # seconds for a trip: twice what the slowest reader allows itself


class SecretStore:
    """Reads references. Thread-safe, for any event loop, and after a fork."""

    def __init__(
        self, readers: Mapping[str, Callable[[Reference], Finding]] = READERS, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._readers = readers
        self._clock = clock
        self._flights: dict[Reference, SingleFlight] = {}

    def resolve(self, reference: Reference) -> str:
        """The value; blocks while it is fetched.

        Raises:
            ConfigurationError: it cannot be read, and why (``SecretUnavailable``: not now; ``MissingExtra``).
        """
        if reference.scheme in AT_HAND:
            return self._read(reference).reveal()
        return self._flight(reference).wait(PATIENCE).reveal()

    async def fetch(self, secret: Secret, seconds: float = PATIENCE) -> Secret:
        """The secret as a value. Another thread makes the trip, if there has to be one.

        Raises:
            ConfigurationError: see ``resolve``.
        """
        reference = secret.reference
        if reference is None:
            return secret
        if reference.scheme in AT_HAND:
            return self._read(reference)
        return await self._flight(reference).get(seconds)

    def forget(self, secret: Secret, refused: Secret) -> None:
        """Read the reference anew when it is asked for next, if ``refused`` is still what is kept for it."""
        if secret.reference is not None and secret.reference.scheme not in AT_HAND:
            self._flight(secret.reference).forget(refused)

    def _flight(self, reference: Reference) -> SingleFlight:
        flight = self._flights.get(reference)
        if flight is None:
            new = SingleFlight(partial(self._begin, reference), self._clock)
            flight = self._flights.setdefault(reference, new)  # atomic: of two that come at once, one stays
        return flight

    def _begin(self, reference: Reference, flight: Flight) -> None:
        in_thread(partial(self._land, reference), flight)

    def _land(self, reference: Reference) -> Landed:
        return Landed(self._read(reference), self._clock.monotonic() + reference.max_age)

    def _read(self, reference: Reference) -> Secret:
        return self._readers[reference.scheme](reference).secret_of(reference)


SYSTEM_SECRETS: Final = SecretStore()
