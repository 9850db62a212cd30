"""How a command ends: one table. From 64 on the numbers are those of ``sysexits.h``, as mail software uses them."""

from enum import IntEnum
from typing import Final

from postroad.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DataError,
    IdempotencyConflict,
    MessageError,
    NotFound,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    SenderRefused,
    Suppressed,
    Timeout,
    Unsupported,
    WebhookRefused,
)
from postroad.reply import Phase


class ExitCode(IntEnum):
    """The exit codes of every command. A value never changes its meaning."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    CHECKS_FAILED = 3
    NOT_FOUND = 4
    BAD_MESSAGE = 65  # EX_DATAERR
    ALL_REFUSED = 67  # EX_NOUSER
    UNREACHABLE = 69  # EX_UNAVAILABLE
    TEMPORARY = 75  # EX_TEMPFAIL
    PERMISSION = 77  # EX_NOPERM
    CONFIGURATION = 78  # EX_CONFIG
    INTERRUPTED = 130  # what a shell reports for a program that SIGINT ended
    BROKEN_PIPE = 141  # what a shell reports for SIGPIPE: the reader of the output went away


class Ended(Exception):
    """A command that has said all there is to say ends with this code."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__(code)
        self.code = code


# The first kind that fits. Those above the line say so whether or not a later try may help; below it a failure that
# may pass is TEMPORARY.
_AT_ANY_TIME: Final = (
    (ConnectError, ExitCode.UNREACHABLE),
    (ProtocolError, ExitCode.UNREACHABLE),
)
_FOR_GOOD: Final = (
    (ConfigurationError, ExitCode.CONFIGURATION),
    (MessageError, ExitCode.BAD_MESSAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (IdempotencyConflict, ExitCode.BAD_MESSAGE),
    (WebhookRefused, ExitCode.BAD_MESSAGE),
    (Suppressed, ExitCode.ALL_REFUSED),
    (AuthenticationError, ExitCode.PERMISSION),
    (SenderRefused, ExitCode.PERMISSION),
    (RecipientsRefused, ExitCode.ALL_REFUSED),
    (DataError, ExitCode.BAD_MESSAGE),
    (Unsupported, ExitCode.BAD_MESSAGE),
)
_BEFORE_THE_GREETING: Final = frozenset({Phase.DNS, Phase.CONNECT, Phase.TLS, Phase.GREETING})


def exit_code_of(error: PostroadError) -> ExitCode:
    """The exit code for an error that ended a command."""
    for kind, code in _AT_ANY_TIME:
        if isinstance(error, kind):
            return code
    if isinstance(error, Timeout) and error.phase in _BEFORE_THE_GREETING:
        return ExitCode.UNREACHABLE
    if error.temporary:
        return ExitCode.TEMPORARY
    return next((code for kind, code in _FOR_GOOD if isinstance(error, kind)), ExitCode.UNEXPECTED)
