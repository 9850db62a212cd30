"""Secrets: values that never show themselves.

A secret prints as ``***`` in ``repr``, ``str``, logs, transcripts and tracebacks; only ``reveal()`` shows it.
"""

from typing import Any, NoReturn

MASK = "***"


class Secret:
    """A password, key or token.

    ``reveal()`` returns the value. Equality compares values in constant time only as far as Python's ``==``
    does: use it for tests, not for checking credentials.
    """

    __slots__ = ("_value",)

    def __init__(self, value: "str | Secret") -> None:
        self._value: str = value._value if isinstance(value, Secret) else value

    def reveal(self) -> str:
        """The value itself; ask late and keep it nowhere."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        # A pickle is a file or a message queue away from being read by somebody else.
        raise TypeError("a Secret is not picklable; pass its source (an environment variable, a file) instead")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_value" and hasattr(self, "_value"):
            raise AttributeError("a Secret does not change")
        object.__setattr__(self, name, value)
