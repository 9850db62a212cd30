"""Commands that look at one message after the other and answer for each: how they read, print and end."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, say_json, say_json_line
from postroad.cli.references import bytes_value
from postroad.errors import MessageError

Result = TypeVar("Result")
_FIELD: Final = "FILE"


@dataclass(frozen=True, slots=True)
class Answering(Generic[Result]):
    """``examine`` looks at one message; the others show what it found, and say whether it is as it should be."""

    examine: Callable[[bytes], Awaitable[Result]]
    as_json: Callable[[Result], dict[str, Any]]
    say: Callable[[str, Result], None]
    is_right: Callable[[Result], bool]


async def answer_for_each(files: Sequence[str], form: Form, answering: Answering[Result]) -> None:
    """Answer for every file, in the order given; with ``--jsonl`` each at once, and also for one that cannot be read.

    Raises:
        MessageError: a file cannot be read, without ``--jsonl``.
        Ended: something is not as it should be, or with ``--jsonl``, where that is for the reader to say, a file could
            not be read.
    """
    if form is Form.JSON_LINES:
        await _each_on_its_line(files, answering)
        return
    contents = [(name, bytes_value(name, _FIELD)) for name in files]
    found = [(name, await answering.examine(content)) for name, content in contents]
    if form is Form.JSON:
        documents = [{"file": name, **answering.as_json(result)} for name, result in found]
        say_json(documents[0] if len(documents) == 1 else {"messages": documents}, form)
    else:
        for name, result in found:
            answering.say(name, result)
    if not all(answering.is_right(result) for _, result in found):
        raise Ended(ExitCode.CHECKS_FAILED)


async def _each_on_its_line(files: Sequence[str], answering: Answering[Result]) -> None:
    code = ExitCode.OK
    for name in files:
        try:
            content = bytes_value(name, _FIELD)
        except MessageError as fault:
            from postroad.cli.failure import of_error  # late: files can be read as a rule

            say_json_line({"file": name, "error": of_error(fault).as_json()})
            code = ExitCode.BAD_MESSAGE
        else:
            say_json_line({"file": name, **answering.as_json(await answering.examine(content))})
    if code is not ExitCode.OK:
        raise Ended(code)
