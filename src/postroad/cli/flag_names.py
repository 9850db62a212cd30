"""Faults of a message in the words of the command line: ``--from`` instead of the argument ``from_``."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from postroad.errors import MessageError

_ARGUMENT: Final = re.compile(r"([a-z_]+)(?:\[(?:\d+|('[^']*'))\])?: ")  # to[0]: … or headers['X-A']: …
_OTHERWISE: Final = {
    "from_": "--from", "recipients": "--to", "headers": "--header", "tags": "--tag",
    "notify": "--dsn", "ret": "--dsn-return", "envid": "--dsn-envid",
}  # fmt: skip
_ALIKE: Final = frozenset({
    "to", "cc", "bcc", "reply_to", "sender", "return_path", "subject", "text", "html", "list_unsubscribe", "metadata",
    "message_id", "date", "envelope_from", "require_tls",
})  # fmt: skip


@contextmanager
def named_by_flags(flag: str | None = None) -> Iterator[None]:
    """Let a ``MessageError`` name the flag in place of the argument: ``flag``, else the one that gave the argument."""
    try:
        yield
    except MessageError as error:
        error.message = _in_flags(error.message, flag)
        error.args = (error.message,)
        raise


def _in_flags(message: str, flag: str | None) -> str:
    found = _ARGUMENT.match(message)
    if found is None:
        return message
    argument = found[1]
    alike = f"--{argument.replace('_', '-')}" if argument in _ALIKE else None
    name = flag or _OTHERWISE.get(argument, alike)
    if name is None:
        return message
    return f"{name}{' ' + found[2] if found[2] else ''}: {message[found.end() :]}"
