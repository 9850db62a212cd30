"""Cases on standard input, one JSON object a line: for the commands that answer many questions in one run."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from postroad.errors import MessageError

Case = TypeVar("Case")
MAX_LINE: Final = 1024 * 1024  # octets; far beyond any case, so that a wrong file does not fill the memory
_ADVICE: Final = "Write one JSON object a line; the help of the command names its fields."


@dataclass(frozen=True, slots=True)
class BadCase:
    """A line that is no case; ``number`` counts from 1."""

    number: int
    error: MessageError

    def as_json(self) -> dict[str, Any]:
        """The error in the place of the answer, so that the lines stay in step."""
        from postroad.cli.failure import of_error  # late: lines are right as a rule

        return {"error": {**of_error(self.error).as_json(), "line": self.number}}


def cases_on_standard_input(read: Callable[[dict[str, Any]], Case]) -> Iterator[Case | BadCase]:
    """The cases in order, each when its line has come; ``read`` raises ``MessageError`` for what is none.

    Empty lines are passed over.
    """
    number = 0
    while line := sys.stdin.buffer.readline(MAX_LINE):
        number += 1
        if not line.strip():
            continue
        try:
            yield read(_object(line))
        except MessageError as fault:
            yield BadCase(number, _in_line(number, fault))


def _in_line(number: int, fault: MessageError) -> MessageError:
    return MessageError(f"line {number}: {fault.message}", field=fault.field, advice=fault.advice)


def _object(line: bytes) -> dict[str, Any]:
    if len(line) == MAX_LINE and not line.endswith(b"\n"):
        raise MessageError(f"longer than {MAX_LINE} octets", advice=_ADVICE)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as fault:
        raise MessageError("no JSON", advice=_ADVICE) from fault
    if not isinstance(value, dict):
        raise MessageError("an object is wanted", advice=_ADVICE)
    return value
