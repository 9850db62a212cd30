"""``--transport``, ``--username``, ``--password``: by which route, the same for every command that sends."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.references import secret_value, url_value

if TYPE_CHECKING:
    from postroad.transport.contract import Transport

_ACCOUNT: Final = {"username": ("POSTROAD_USERNAME", "SMTP_USER"), "password": ("POSTROAD_PASSWORD", "SMTP_PASS")}
_OPTIONS = (
    click.option(
        "--transport", metavar="URL", help="The route: smtp://user@smtp.example.com. Else POSTROAD_URL, else SMTP_HOST."
    ),
    click.option("--username", metavar="NAME", help="The account's user name, where the URL has none."),
    click.option("--password", metavar="REF", help="The password: env:NAME, file:/path, @FILE, or - to be asked."),
)


def route_options(command: Any) -> Any:
    """The options, as arguments ``transport``, ``username`` and ``password`` for ``route_of``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def route_of(transport: str | None, username: str | None, password: str | None) -> "Transport":
    """The transport that the options name, else the environment.

    ``--transport`` takes its account from its own URL and options alone: what the environment holds belongs to the
    environment's route, and another server must not be shown it. Without ``--transport`` the options overrule.

    Raises:
        click.UsageError: a password stands on the command line.
        ConfigurationError: no route, or a wrong one.
    """
    from postroad.mailer.environment import route_from
    from postroad.transport.from_url import from_url
    from postroad.transport.smtp.transport import SmtpTransport

    secret = secret_value(password)
    url = url_value(transport, "--transport")
    if url is not None:
        return from_url(url, username=username, password=secret)
    if username is None and secret is None:
        return route_from()
    named = route_from(_overruled({"username": username, "password": secret.reveal() if secret else None}))
    if secret is not None and isinstance(named, SmtpTransport):
        return SmtpTransport(replace(named.settings, password=secret))  # a reference is asked again when it changes
    return named


def _overruled(given: dict[str, str | None]) -> dict[str, str]:
    environ = dict(os.environ)
    for option, value in given.items():
        if value is not None:
            for name in _ACCOUNT[option]:
                for suffix in ("_FILE", "_REF"):
                    environ.pop(f"{name}{suffix}", None)
                environ[name] = value
    return environ
