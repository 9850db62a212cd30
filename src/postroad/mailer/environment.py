"""The route as the environment names it.

``POSTROAD_URL``, with ``POSTROAD_USERNAME`` and ``POSTROAD_PASSWORD`` where the URL has no account; else ``SMTP_HOST``,
``SMTP_PORT`` (587; 465 implies implicit TLS), ``SMTP_USER``, ``SMTP_PASS``, ``SMTP_TLS`` (``starttls``, ``implicit``,
``opportunistic``, ``none``). Every name also works with ``_FILE`` behind it: the value is then the file's content.
``POSTROAD_PASSWORD_REF`` and ``SMTP_PASS_REF`` hold a reference (see ``Secret.ref``) instead of the password. What
stands in a password's own variable is the password, whatever it looks like. ``POSTROAD_DKIM`` names the keys that sign
(``Dkim.parse``), ``POSTROAD_DKIM_KEYS`` the folder of them that ``postroad dkim rotate`` keeps.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postroad.errors import ConfigurationError
from postroad.net.tls import Tls
from postroad.secret import Secret
from postroad.transport.contract import Transport
from postroad.transport.from_url import from_url
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport

if TYPE_CHECKING:
    from postroad.mailer.dkim import DkimKeys

_TLS_WORDS: Final = {one.value: one for one in Tls}


def route_from(environ: Mapping[str, str] | None = None) -> Transport:
    """The transport that the environment names.

    Raises:
        ConfigurationError: a variable is missing, unreadable, or contradicts another; it is named.
    """
    environ = os.environ if environ is None else environ
    url = value_of("POSTROAD_URL", environ)
    if url is not None:
        return _from_url(url, environ)
    host = value_of("SMTP_HOST", environ)
    if host is None:
        raise ConfigurationError(
            "neither POSTROAD_URL nor SMTP_HOST is set",
            setting="POSTROAD_URL",
            advice="Set POSTROAD_URL=smtp://user@host and POSTROAD_PASSWORD, or SMTP_HOST, SMTP_USER and SMTP_PASS.",
        )
    return SmtpTransport(_account(host, environ))


def dkim_from(environ: Mapping[str, str] | None = None) -> "DkimKeys | None":
    """The keys that ``POSTROAD_DKIM`` or ``POSTROAD_DKIM_KEYS`` names; ``None`` where neither is set.

    Raises:
        ConfigurationError: both are set, or it is not written as it must be.
    """
    environ = os.environ if environ is None else environ
    text, folder = value_of("POSTROAD_DKIM", environ), value_of("POSTROAD_DKIM_KEYS", environ)
    if text is not None and folder is not None:
        raise ConfigurationError("POSTROAD_DKIM and POSTROAD_DKIM_KEYS are both set", setting="POSTROAD_DKIM")
    if folder is not None:
        from postroad.mailer.key_folder import KeyFolder  # late, as below

        return KeyFolder(folder)
    if text is None:
        return None
    from postroad.mailer.dkim import Dkim  # late: most mail is signed by whoever relays it

    try:
        return Dkim.parse(text)
    except ConfigurationError as fault:
        raise _named("POSTROAD_DKIM", fault) from None


def _from_url(url: str, environ: Mapping[str, str]) -> Transport:
    username = value_of("POSTROAD_USERNAME", environ)
    password = _password("POSTROAD_PASSWORD", environ)
    try:
        return from_url(url, username=username, password=password)
    except ConfigurationError as fault:
        beside = {"username": username, "password": password}
        given = fault.setting if fault.setting is not None and beside.get(fault.setting) is not None else "url"
        raise _named(f"POSTROAD_{given.upper()}", fault) from fault


_SETTINGS: Final = {
    "host": "SMTP_HOST",
    "port": "SMTP_PORT",
    "username": "SMTP_USER",
    "password": "SMTP_PASS",
    "tls": "SMTP_TLS",
}


def _account(host: str, environ: Mapping[str, str]) -> Smtp:
    port = _port(environ)
    tls = _tls(port, environ)
    username = value_of("SMTP_USER", environ)
    password = _password("SMTP_PASS", environ)
    if (username is None) != (password is None):
        missing, given = ("SMTP_PASS", "SMTP_USER") if password is None else ("SMTP_USER", "SMTP_PASS")
        raise ConfigurationError(f"{given} is set and {missing} is not", setting=missing)
    try:
        return Smtp(host, port, username=username, password=password, tls=tls)
    except ConfigurationError as fault:
        raise _named(_SETTINGS.get(fault.setting or "", "SMTP_HOST"), fault) from fault


def _password(name: str, environ: Mapping[str, str]) -> Secret | None:
    """The password, or the reference to it that ``NAME_REF`` holds.

    Raises:
        ConfigurationError: both are set, or it is no reference.
    """
    value = value_of(name, environ)
    password = None if value is None else Secret(value)
    del value  # tracebacks may show variables
    reference = environ.get(f"{name}_REF")
    if not reference:
        return password
    if password is not None:
        raise ConfigurationError(f"{name} and {name}_REF are both set", setting=name)
    try:
        return Secret.ref(reference)
    except ConfigurationError as fault:
        raise _named(f"{name}_REF", fault) from None


def _named(variable: str, fault: ConfigurationError) -> ConfigurationError:
    """The same fault, told in terms of where the value came from."""
    return ConfigurationError(f"{variable}: {fault.message}", setting=variable, advice=fault.advice)


def _port(environ: Mapping[str, str]) -> int:
    text = value_of("SMTP_PORT", environ)
    if text is None:
        return 465 if (value_of("SMTP_TLS", environ) or "").lower() == Tls.IMPLICIT.value else 587
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ConfigurationError(f"SMTP_PORT={text!a} is not a port number", setting="SMTP_PORT")
    return int(text)


def _tls(port: int, environ: Mapping[str, str]) -> Tls:
    word = value_of("SMTP_TLS", environ)
    if word is None:
        return Tls.IMPLICIT if port == 465 else Tls.REQUIRED
    tls = _TLS_WORDS.get(word.lower())
    if tls is None:
        raise ConfigurationError(f"SMTP_TLS={word!a} is none of {', '.join(_TLS_WORDS)}", setting="SMTP_TLS")
    return tls


def value_of(name: str, environ: Mapping[str, str]) -> str | None:
    """The variable's value, or the content of the file that ``NAME_FILE`` names; ``None`` where neither is set.

    An empty variable counts as not set: that is how container tools pass what was left out.

    Raises:
        ConfigurationError: both are set, or the file cannot be read.
    """
    value, path = environ.get(name) or None, environ.get(f"{name}_FILE") or None
    if path is None:
        return value
    if value is not None:
        raise ConfigurationError(f"{name} and {name}_FILE are both set", setting=name)
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not worth its import here
            return file.read().rstrip("\r\n")  # editors end files with a line end; secrets do not
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "not UTF-8"
        raise ConfigurationError(f"{name}_FILE: cannot read {path!r}: {reason}", setting=f"{name}_FILE") from fault
