"""Values that do not stand on the command line themselves: ``-``, ``@file``, and the references of ``Secret.ref``.

What stands there is seen by everybody on the machine (``ps``) and kept by the shell's history. So a password comes by
reference only, and a URL that holds one as well.
"""

import sys
from pathlib import Path
from typing import Final

import click

from postroad.errors import ConfigurationError, MessageError
from postroad.secret import FORMS, Secret
from postroad.transport.route_url import has_password

_FORMS: Final = "env:NAME, file:/path or @file"
_TAKEN: Final = "postroad.standard_input"  # the key under which the context remembers who read it


def text_value(value: str | None, option: str) -> str | None:
    """A text as it was given: itself, ``-`` for standard input, ``@file`` for a file, ``@@…`` for a text with ``@``.

    Raises:
        MessageError: the file cannot be read, or is not UTF-8.
    """
    if value == "-":
        return read_standard_input(option)
    if value is None or not value.startswith("@"):
        return value
    return value[1:] if value.startswith("@@") else _decoded(_file(value[1:], option), option)


def bytes_value(path: str, option: str) -> bytes:
    """The content of a file, whose path may begin with ``@``, or of standard input for ``-``.

    Raises:
        MessageError: the file cannot be read.
    """
    return _standard_input(option) if path == "-" else _file(path.removeprefix("@"), option)


def read_standard_input(option: str) -> str:
    """Standard input to its end, as text.

    Raises:
        MessageError: it is not UTF-8.
    """
    return _decoded(_standard_input(option), option)


def secret_value(value: str | None, option: str = "--password") -> Secret | None:
    """The password that a reference stands for; a literal one is refused.

    Raises:
        click.UsageError: it is no reference, and the password has been seen already.
        ConfigurationError: the variable is not set, the file cannot be read, and so on.
    """
    if value is None:
        return None
    if value == "-":
        return Secret(_password_line(option))
    secret = _referred(value, option)
    if secret is None:
        raise click.UsageError(
            f"{option} takes no password, because everybody on this machine could read it there; "
            f"give {_FORMS}, or - for standard input"
        )
    return secret


def url_value(value: str | None, option: str) -> str | None:
    """A URL, or what a reference to one stands for. A URL with a password in it comes by reference only.

    Raises:
        click.UsageError: a password stands in the URL.
        ConfigurationError: the variable is not set, the file cannot be read, and so on.
    """
    if value is None:
        return None
    secret = _referred(value, option) if is_reference(value) else None
    if secret is not None:
        return secret.reveal()
    if has_password(value):
        account = "" if option == "--db" else ", or the password alone with --password env:NAME"
        raise click.UsageError(
            f"{option} holds a password, and everybody on this machine can read a command line; "
            f"give the URL as {_FORMS}{account}"
        )
    return value


def is_reference(url: str) -> bool:
    """Whether a value leads to a URL, and is none itself."""
    return "://" not in url and (url.startswith("@") or url.partition(":")[0] in FORMS)


def _referred(value: str, option: str) -> Secret | None:
    """What a reference stands for, looked up once already, so that it fails now if it fails; ``None``: it is none."""
    if value.startswith("@"):
        value = f"file:{value[1:]}"
    elif value.partition(":")[0] not in FORMS:
        return None
    secret = Secret.ref(value)
    try:
        secret.reveal()
    except ConfigurationError as fault:
        fault.setting = option
        raise
    return secret


def _file(path: str, option: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as fault:
        raise MessageError(
            f"{option}: cannot read {path!r}: {_reason(fault)}",
            field=option.lstrip("-"),
            advice="Name a file that is there and that you may read.",
        ) from fault


def _decoded(content: bytes, option: str) -> str:
    try:
        return content.decode("utf-8-sig")  # editors on Windows begin files with a byte order mark
    except UnicodeDecodeError as fault:
        sentence = f"{option}: not UTF-8 at octet {fault.start}"
        raise MessageError(sentence, field=option.lstrip("-"), advice="Convert it, for example with iconv.") from fault


def _standard_input(option: str) -> bytes:
    _claim_standard_input(option)
    return sys.stdin.buffer.read()


def _password_line(option: str) -> str:
    _claim_standard_input(option)
    if sys.stdin.isatty():
        answer: str = click.prompt("Password", hide_input=True, err=True)
        return answer
    return sys.stdin.buffer.readline().decode("utf-8", "surrogateescape").rstrip("\r\n")


def _claim_standard_input(option: str) -> None:
    meta = click.get_current_context().meta
    first = meta.setdefault(_TAKEN, option)
    if first != option:
        raise click.UsageError(f"{first} and {option} cannot both come from standard input")


def _reason(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault)
