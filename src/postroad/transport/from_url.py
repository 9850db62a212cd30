"""A route as a URL, and the transport it stands for.

``smtp://user@host:587?pool=20``: scheme, account, server, options. User and password may be given apart, so that nobody
has to percent-encode a password; inside the URL they are percent-decoded (RFC 3986 §2.1). A password is always itself,
never taken for a reference to one: that is what ``?password_ref=`` is for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from postroad.errors import ConfigurationError
from postroad.net.tls import Tls
from postroad.secret import MASK, Secret
from postroad.smtp.sasl import checked_mechanisms
from postroad.transport.contract import Transport
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from postroad.transport.to_console import ConsoleTransport
from postroad.transport.to_file import FileTransport
from postroad.transport.to_memory import MemoryTransport, NullTransport

SMTP_SCHEMES: Final = {
    "smtp": Tls.REQUIRED,
    "smtps": Tls.IMPLICIT,
    "smtp+opportunistic": Tls.OPPORTUNISTIC,
    "smtp+insecure": Tls.NONE,
}


_ENCODE: Final = "Percent-encode special characters of user and password, or give them apart: username=, password=."


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password given beside the URL."""

    username: str | None = None
    password: Secret | str | None = None


def from_url(url: str, *, username: str | None = None, password: Secret | str | None = None) -> Transport:
    """The transport a URL stands for.

    Raises:
        ConfigurationError: the URL, one of its options or the account is wrong; the message never shows the password.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"a route is a URL such as smtp://host, not {type(url).__name__}", setting="url")
    parts = _split(url.strip())
    make = _MAKERS.get(parts.scheme)
    if make is None:
        raise ConfigurationError(
            f"{parts.scheme or redacted(url)!r} is no kind of route that postroad knows",
            setting="url",
            advice=f"Use one of {', '.join(f'{scheme}://' for scheme in _MAKERS)}.",
        )
    return make(parts, Credentials(username, password))


def has_password(url: str) -> bool:
    """Whether a password stands in the URL itself, where process lists and shell histories show it."""
    try:
        return _split(url.strip()).password is not None
    except ConfigurationError:
        return False


def redacted(url: str) -> str:
    """The URL with its password masked, for messages and logs; whatever cannot be read is masked whole.

    A password that nobody encoded may hold any character, so everything up to the last @ counts as account.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url if "@" not in url else MASK
    account, at, host = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    return f"{scheme}://{user}{colon and ':' + MASK}{at}{host}"


def _split(url: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ConfigurationError(
            f"the URL {redacted(ascii(url))} holds white space or a control character", setting="url"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError as fault:
        raise ConfigurationError(
            f"the URL {redacted(url)} cannot be read: {_without_secrets(fault)}",
            setting="url",
            advice=_ENCODE,
        ) from None
    return parts


def _without_secrets(fault: ValueError) -> str:
    # "Port could not be cast to integer value as 'part-of-a-password@host'": say what, not which.
    return "the port is not a number from 0 to 65535" if "ort" in str(fault) else "its host is malformed"


# ── SMTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _smtp(parts: SplitResult, credentials: Credentials) -> Transport:
    if any("@" in part for part in (parts.path, parts.query, parts.fragment)):
        # The rest of a password that holds / ? or # would be read, and shown, as a folder or an option.
        raise ConfigurationError(
            f"the URL {redacted(parts.geturl())} holds a @ behind its host", setting="url", advice=_ENCODE
        )
    if parts.path not in ("", "/") or parts.fragment:
        raise ConfigurationError(
            f"nothing follows host and port in a {parts.scheme}:// URL but ?options", setting="url"
        )
    options = _options(parts)
    reference = options.pop(_BY_REFERENCE, None)
    if reference is not None:
        if parts.password is not None or credentials.password is not None:
            raise ConfigurationError(f"password and {_BY_REFERENCE} are both given", setting=_BY_REFERENCE)
        credentials = replace(credentials, password=Secret.ref(reference))
    return SmtpTransport(_with_options(_account(parts, credentials), options))


def _account(parts: SplitResult, credentials: Credentials) -> Smtp:
    if not parts.hostname:
        raise ConfigurationError(f"{parts.scheme}:// has no host name", setting="url")
    inside_user = _decoded("username", parts.username) if parts.username else None
    inside_password = _decoded("password", parts.password) if parts.password is not None else None
    if parts.port == 0:
        raise ConfigurationError("port 0 is not from 1 to 65535", setting="port")
    return Smtp(
        parts.hostname,
        parts.port or 0,
        username=_user(inside_user, credentials.username),
        password=_one_of("password", inside_password, credentials.password),
        tls=SMTP_SCHEMES[parts.scheme],
    )


def _decoded(setting: str, text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ConfigurationError(f"the {setting} in the URL is not percent-encoded UTF-8", setting=setting) from None


def _user(inside: str | None, beside: str | None) -> str | None:
    chosen = _one_of("username", inside, beside)
    return chosen if chosen is None or isinstance(chosen, str) else chosen.reveal()


def _one_of(setting: str, inside: str | None, beside: Secret | str | None) -> Secret | str | None:
    if inside is not None and beside is not None:
        raise ConfigurationError(f"{setting} stands in the URL and is given beside it", setting=setting)
    return inside if inside is not None else beside


def _options(parts: SplitResult) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in options:
            raise ConfigurationError(f"the option {name} is given twice", setting=name)
        options[name] = value
    return options


def _with_options(account: Smtp, options: Mapping[str, str]) -> Smtp:
    for name, value in options.items():
        change = _SMTP_OPTIONS.get(name)
        if change is None:
            known = ", ".join(sorted([*_SMTP_OPTIONS, _BY_REFERENCE]))
            raise ConfigurationError(f"smtp:// has no option {name!a}; it has {known}", setting=name)
        account = change(account, value)
    return account


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise ConfigurationError(f"{name}={value!a} is not a number of seconds", setting=name)
    return seconds


def _count(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 10**12):
        raise ConfigurationError(f"{name}={value!a} is not a whole number of at least 1", setting=name)
    return int(value)


_BY_REFERENCE: Final = "password_ref"
_SMTP_OPTIONS: Final[dict[str, Callable[[Smtp, str], Smtp]]] = {
    "pool": lambda one, value: replace(one, limits=replace(one.limits, connections=_count("pool", value))),
    "messages": lambda one, value: replace(one, limits=replace(one.limits, messages=_count("messages", value))),
    "max_age": lambda one, value: replace(one, limits=replace(one.limits, age=_seconds("max_age", value))),
    "idle": lambda one, value: replace(one, limits=replace(one.limits, idle=_seconds("idle", value))),
    "pool_timeout": lambda one, value: replace(one, limits=replace(one.limits, wait=_seconds("pool_timeout", value))),
    "timeout": lambda one, value: replace(one, timeouts=one.timeouts.capped(_seconds("timeout", value))),
    "dot_timeout": lambda one, value: replace(one, timeouts=replace(one.timeouts, dot=_seconds("dot_timeout", value))),
    "auth": lambda one, value: replace(one, mechanisms=checked_mechanisms(value, token=False)),
    "ehlo": lambda one, value: replace(one, ehlo=value),
    "ca": lambda one, value: replace(one, ca=value),
    "server_name": lambda one, value: replace(one, server_name=value),
    "max_size": lambda one, value: replace(one, max_size=_count("max_size", value)),
}


# ── without a server ──────────────────────────────────────────────────────────────────────────────────────────────


def _file(parts: SplitResult, credentials: Credentials) -> Transport:
    _nothing_but_path(parts, credentials)
    if parts.netloc not in ("", "localhost") or not parts.path:  # RFC 8089 §2
        raise ConfigurationError("file:// needs an absolute folder: file:///folder, with three slashes", setting="url")
    return FileTransport(unquote(parts.path))


def _bare(make: Callable[[], Transport]) -> Callable[[SplitResult, Credentials], Transport]:
    def made(parts: SplitResult, credentials: Credentials) -> Transport:
        _nothing_but_path(parts, credentials)
        if parts.netloc or parts.path.strip("/"):
            raise ConfigurationError(f"{parts.scheme}:// takes nothing behind it", setting="url")
        return make()

    return made


def _nothing_but_path(parts: SplitResult, credentials: Credentials) -> None:
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{parts.scheme}:// has no options", setting="url")
    if credentials.username is not None or credentials.password is not None:
        raise ConfigurationError(f"{parts.scheme}:// takes no user name and no password", setting="username")


_MAKERS: Final[dict[str, Callable[[SplitResult, Credentials], Transport]]] = {
    **dict.fromkeys(SMTP_SCHEMES, _smtp),
    "file": _file,
    "console": _bare(ConsoleTransport),
    "memory": _bare(MemoryTransport),
    "null": _bare(NullTransport),
}
