"""What a driver's file offers, and the loop that carries steps out with it."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NoReturn, Protocol, TypeVar

from postroad.errors import ConfigurationError
from postroad.outbox.callers.steps import Answer, Steps
from postroad.outbox.callers.words import Step

T = TypeVar("T")


class Caller(Protocol):
    """A caller's connection, by whatever driver."""

    @property
    def engine(self) -> str: ...

    def run(self, step: Step) -> Answer:
        """Execute one step. Raises the driver's own errors: the transaction is the caller's."""

    def begin(self) -> None:
        """Make sure that what follows is part of a transaction.

        Raises:
            ConfigurationError: the connection commits every statement by itself.
        """


class AsyncCaller(Protocol):
    """As ``Caller``, for an asynchronous driver."""

    @property
    def engine(self) -> str: ...

    async def run(self, step: Step) -> Answer: ...

    async def begin(self) -> None: ...


def carry_out(steps: Steps[T], run: Callable[[Step], Answer]) -> T:
    """Run steps to their end; what a driver raises is raised in them, so that they may clean up."""
    try:
        step = next(steps)
        while True:
            try:
                answer = run(step)
            except BaseException as fault:  # noqa: BLE001  # it goes on from the steps
                step = steps.throw(fault)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


async def carry_out_async(steps: Steps[T], run: Callable[[Step], Coroutine[Any, Any, Answer]]) -> T:
    """As ``carry_out``, for an asynchronous driver."""
    try:
        step = next(steps)
        while True:
            try:
                answer = await run(step)
            except BaseException as fault:  # noqa: BLE001  # it goes on from the steps
                step = steps.throw(fault)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def plain(rows: Iterable[Sequence[Any]]) -> Answer:
    """Rows with their text as str, whatever an application has SQLite's driver make of text."""
    return [[value.decode() if isinstance(value, bytes) else value for value in row] for row in rows]


def refuse_autocommit() -> NoReturn:
    raise ConfigurationError(
        "the connection is in autocommit and no transaction is begun: mail and order would be committed one by one",
        setting="connection",
        advice="Begin a transaction first; or leave connection out, and the mail is on disk when send returns.",
    )
