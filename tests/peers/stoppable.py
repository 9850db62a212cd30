"""What was started is stopped at the end of a ``with``."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Stoppable(ABC):
    """A server in a ``with`` statement: it runs already, and is stopped at the end."""

    @abstractmethod
    def stop(self) -> None:
        """End it, and everything that belongs to it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
