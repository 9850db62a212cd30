"""OAuth 2.0 access tokens that a callback provides: asked for once for all who need one, anew when they run out."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NoReturn, TypeAlias

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import ConfigurationError, PostroadError, SecretUnavailable
from postroad.net.single_flight import Flight, Landed, SingleFlight, in_thread
from postroad.secret import MASK, Secret

# Seconds before its end at which a token is not used any more: clocks differ, and logging in takes a moment.
MARGIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, and until when it is good: an aware datetime, or how long from now. ``None``: the callback knows, and
    is asked for each connection.

    Raises:
        ConfigurationError: ``expires_at`` has no time zone.
    """

    value: Secret
    expires_at: datetime | timedelta | None = None

    def __init__(self, value: str | Secret, expires_at: datetime | timedelta | None = None) -> None:
        if isinstance(expires_at, datetime) and expires_at.tzinfo is None:
            raise ConfigurationError("token: expires_at needs a time zone, such as datetime.UTC", setting="token")
        object.__setattr__(self, "value", Secret(value))
        object.__setattr__(self, "expires_at", expires_at)

    def seconds_left(self, now: float) -> float:
        """From ``now`` (seconds since the epoch); 0 where nobody said."""
        if isinstance(self.expires_at, timedelta):
            return self.expires_at.total_seconds()
        return 0.0 if self.expires_at is None else self.expires_at.timestamp() - now


TokenAnswer: TypeAlias = str | Secret | AccessToken
TokenCallback: TypeAlias = Callable[[], TokenAnswer | Awaitable[TokenAnswer]]


class AccessTokens:
    """What a callback provides. Thread-safe, and for any event loop.

    An ``async def`` callback runs in the event loop of whoever asks first, any other one in a thread.
    """

    def __init__(self, callback: TokenCallback, clock: Clock = SYSTEM_CLOCK) -> None:
        self._callback = callback
        self._clock = clock
        self._flight = SingleFlight(self._begin, clock)
        self._task: asyncio.Task[Landed] | None = None  # the loop itself does not hold it

    async def get(self, seconds: float) -> Secret:
        """A token that is good now; waits for ``seconds`` at most.

        Raises:
            SecretUnavailable: the callback failed, or took longer.
            ConfigurationError: what it returned is no token.
        """
        return await self._flight.get(seconds)

    def forget(self, refused: Secret) -> None:
        """Ask the callback next time, if ``refused`` is still the token that is kept."""
        self._flight.forget(refused)

    def _begin(self, flight: Flight) -> None:
        loop = asyncio.get_running_loop()
        if not _is_async(self._callback):
            in_thread(partial(self._from_thread, loop), flight)
            return
        self._task = loop.create_task(self._awaited())
        self._task.add_done_callback(partial(_land, flight))

    async def _awaited(self) -> Landed:
        try:
            token = _token(await _awaitable(self._callback()))
        except PostroadError:
            raise
        except Exception as fault:
            raise _failed(fault) from fault
        return self._landed(token)

    def _from_thread(self, loop: asyncio.AbstractEventLoop) -> Landed:
        try:
            token = _token(self._called(loop))
        except PostroadError:
            raise
        except Exception as fault:
            raise _failed(fault) from fault
        return self._landed(token)

    def _called(self, loop: asyncio.AbstractEventLoop) -> Any:
        answer = self._callback()
        if not inspect.isawaitable(answer):
            return answer
        return asyncio.run_coroutine_threadsafe(_awaitable(answer), loop).result()  # of a function around a coroutine

    def _landed(self, token: "AccessToken | type") -> Landed:
        if isinstance(token, type):
            sentence = f"token: the callback returned {token.__name__}; give str or AccessToken"
            raise ConfigurationError(sentence, setting="token")
        left = token.seconds_left(self._clock.now()) - MARGIN
        return Landed(token.value, self._clock.monotonic() + left)

    def __repr__(self) -> str:
        return f"AccessTokens({MASK!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token callback is not picklable")


def _is_async(callback: TokenCallback) -> bool:
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)


def _token(answer: Any) -> "AccessToken | type":
    """The token, or what kind of thing it is instead: what it holds may be secret, so it goes no further."""
    if isinstance(answer, str | Secret):
        return AccessToken(answer)
    return answer if isinstance(answer, AccessToken) else type(answer)


async def _awaitable(answer: Any) -> Any:
    return await answer


def _land(flight: Flight, task: "asyncio.Task[Landed]") -> None:
    if task.cancelled():
        flight.set_exception(SecretUnavailable("token: the event loop of the callback was ended"))
    elif (fault := task.exception()) is not None:
        flight.set_exception(fault)
    else:
        flight.set_result(task.result())


def _failed(fault: Exception) -> SecretUnavailable:
    reason = " ".join(str(fault).split())[:200]
    return SecretUnavailable(f"token: the callback failed: {type(fault).__name__}: {reason}", setting="token")
