"""``--transport``, ``--username``, ``--password``: by which route, the same for every command that sends."""

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.references import is_reference, secret_value, url_value
from postroad.errors import ConfigurationError
from postroad.secret import Secret

if TYPE_CHECKING:
    from postroad.transport.contract import Transport

_ACCOUNT: Final = {"username": ("POSTROAD_USERNAME", "SMTP_USER"), "password": ("POSTROAD_PASSWORD", "SMTP_PASS")}
_SERVER: Final = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")  # what people write first
_NOT_LOOKED_UP: Final = "not looked up"  # stands for a password where only the route is of interest
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
        _check_scheme(url)
        return from_url(url, username=username, password=secret)
    if username is None and secret is None:
        return route_from()
    named = route_from(_overruled({"username": username, "password": secret.reveal() if secret else None}))
    if secret is not None and isinstance(named, SmtpTransport):
        return SmtpTransport(replace(named.settings, password=secret))  # a reference is asked again when it changes
    return named


def _check_scheme(url: str) -> None:
    if _SERVER.fullmatch(url):
        raise ConfigurationError(
            f"--transport {url} has no scheme", setting="--transport",
            advice=f"Write smtp://{url} for a server with STARTTLS, smtps://{url} for implicit TLS.",
        )  # fmt: skip


def _overruled(given: dict[str, str | None]) -> dict[str, str]:
    environ = dict(os.environ)
    for option, value in given.items():
        if value is not None:
            for name in _ACCOUNT[option]:
                for suffix in ("_FILE", "_REF"):
                    environ.pop(f"{name}{suffix}", None)
                environ[name] = value
    return environ


# ── a look at it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def route_in_words(
    transport: str | None, username: str | None, password: str | None
) -> "tuple[str | None, Transport | None]":
    """The route's name, and the route as far as it is known without looking up anything that is secret.

    What comes by reference stays the reference; where nothing names a route, both are ``None``.

    Raises:
        click.UsageError: a password stands on the command line.
        ConfigurationError: a wrong route.
    """
    from postroad.mailer.environment import route_from
    from postroad.transport.from_url import from_url

    if transport is not None:
        if is_reference(transport):
            return transport, None
        url = url_value(transport, "--transport") or ""
        _check_scheme(url)
        made = from_url(url, username=username, password=None if password is None else Secret(_NOT_LOOKED_UP))
        return made.name, made
    environ = _without_secrets(username, password)
    if not environ.get("POSTROAD_URL"):
        if environ.get("POSTROAD_URL_FILE"):
            return "as POSTROAD_URL_FILE says", None
        if not environ.get("SMTP_HOST") and not environ.get("SMTP_HOST_FILE"):
            return None, None
    made = route_from(environ)
    return made.name, made


def _without_secrets(username: str | None, password: str | None) -> dict[str, str]:
    """The environment, with something in the place of every password, and nothing that leads to one."""
    environ = _overruled({"username": username, "password": None if password is None else _NOT_LOOKED_UP})
    for name in _ACCOUNT["password"]:
        if any(environ.pop(f"{name}{suffix}", None) for suffix in ("", "_FILE", "_REF")):
            environ[name] = _NOT_LOOKED_UP
    return environ
