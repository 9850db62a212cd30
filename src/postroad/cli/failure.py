"""How a command says that it failed: a sentence and advice for people, an object for programs, never a traceback."""

import errno
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from postroad.cli.exit_codes import Ended, ExitCode, exit_code_of
from postroad.cli.output import Form, form_of, say_json
from postroad.cli.standard_streams import lead_nowhere
from postroad.cli.terminal import note, styled
from postroad.errors import ConfigurationError, MessageError, PostroadError
from postroad.terminal_text import one_line

_BUG_ADVICE = "This is a fault of postroad. Run it again as `postroad --traceback …` and report what that prints."
# What commands open, they tell of by its name. What is left is what they print.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_NO_ROOM_ADVICE = "Look at where the output goes. What the command does beside printing may have been done."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command failed. ``slug`` is the stable name of the kind; ``details`` go into JSON only."""

    code: ExitCode
    slug: str
    message: str
    advice: str = ""
    retryable: bool = False
    usage: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The error as an object: ``code``, ``message``, ``advice``, ``retryable``, and what else is known."""
        return {
            "code": self.slug,
            "message": self.message,
            "advice": self.advice,
            "retryable": self.retryable,
            **self.details,
        }


def failure_of(fault: BaseException) -> Failure:
    """What an exception that ended a command means."""
    match fault:
        case PostroadError():
            return of_error(fault)
        case click.Abort() | KeyboardInterrupt() | EOFError():
            return Failure(ExitCode.INTERRUPTED, "interrupted", "interrupted")
        case click.UsageError():
            return _of_usage(fault)
        case click.ClickException():
            return Failure(ExitCode.USAGE, "usage_error", fault.format_message())
        case OSError(errno=number, filename=None) if number in _NO_ROOM:
            return Failure(ExitCode.UNEXPECTED, "output_lost", f"cannot write: {fault.strerror}", _NO_ROOM_ADVICE)
        case _:
            sentence = f"unexpected {type(fault).__name__}: {fault}"
            return Failure(ExitCode.UNEXPECTED, "unexpected", sentence, _BUG_ADVICE)


def of_error(error: PostroadError) -> Failure:
    """What one of our own errors means for whoever typed the command."""
    details: dict[str, Any] = {
        "phase": str(error.phase) if error.phase else None,
        "reply": str(error.reply) if error.reply else None,
        "retry_after": error.retry_after,
        "field": error.field if isinstance(error, MessageError) else None,
        "setting": error.setting if isinstance(error, ConfigurationError) else None,
    }
    known = {name: value for name, value in details.items() if value is not None}
    return Failure(
        exit_code_of(error), error.slug, error.message, error.advice, retryable=error.temporary, details=known
    )


def _of_usage(fault: click.UsageError) -> Failure:
    advice = f"See `{fault.ctx.command_path} --help`." if fault.ctx is not None else ""
    usage = fault.ctx.get_usage() if fault.ctx is not None else ""
    return Failure(ExitCode.USAGE, "usage_error", fault.format_message(), advice, usage=usage)


def end_of(fault: BaseException, arguments: Sequence[str]) -> int:
    """Tell of the exception that ended a command, in the form that was asked for; its exit code."""
    if isinstance(fault, BrokenPipeError):
        fault = Ended(ExitCode.BROKEN_PIPE)
    if isinstance(fault, Ended):
        if fault.code is ExitCode.BROKEN_PIPE:
            lead_nowhere(sys.stdout, sys.stderr)
        return fault.code
    if isinstance(fault, SystemExit):
        raise fault
    failure = failure_of(fault)
    try:
        if _wants_traceback(arguments) and failure.code is not ExitCode.INTERRUPTED:
            _tell_traceback(fault)
        tell(failure, form_of(arguments))
        sys.stdout.flush()
    except OSError:
        lead_nowhere(sys.stdout, sys.stderr)
    return failure.code


def tell(failure: Failure, form: Form) -> None:
    """Say it: to people on standard error, to programs also as the document on standard output."""
    if failure.usage:
        note(failure.usage)
    note(f"{styled('postroad:', 'red', bold=True)} {one_line(failure.message)}")
    if failure.advice:
        note(f"  {one_line(failure.advice)}")
    if form is not Form.TEXT:
        say_json({"error": failure.as_json()}, form)


def _wants_traceback(arguments: Sequence[str]) -> bool:
    return "--traceback" in arguments[:1] or bool(os.environ.get("POSTROAD_TRACEBACK"))


def _tell_traceback(fault: BaseException) -> None:
    # Line by line and escaped: a sentence inside may come from a mail.
    for line in "".join(traceback.format_exception(fault)).splitlines():
        note(one_line(line))
