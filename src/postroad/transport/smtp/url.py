"""``smtp://user@host:587?pool=20``: the account that such a URL stands for; ``lmtp:///path`` leads to a UNIX socket.

User and password may be given apart, so that nobody has to percent-encode a password; inside the URL they are
percent-decoded (RFC 3986 §2.1). A password is always itself, never taken for a reference to one: that is what
``?password_ref=`` is for.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import SplitResult, unquote

from postroad.errors import ConfigurationError
from postroad.net.pin import checked_pins
from postroad.net.proxy import Proxy
from postroad.net.tls import Tls, Trust
from postroad.secret import Secret
from postroad.smtp.sasl import checked_mechanisms
from postroad.transport.gcra import Rate
from postroad.transport.route_url import (
    ENCODE,
    Credentials,
    count_from,
    octets_from,
    options_of,
    redacted,
    seconds_from,
)
from postroad.transport.smtp.limits import PoolLimits, Timeouts, limits_at
from postroad.transport.smtp.place import Protocol
from postroad.transport.smtp.settings import Smtp

SMTP_SCHEMES: Final = {
    "smtp": Tls.REQUIRED,
    "smtps": Tls.IMPLICIT,
    "smtp+opportunistic": Tls.OPPORTUNISTIC,
    "smtp+insecure": Tls.NONE,
    "lmtp": None,  # ?tls= says, else what is usual for LMTP
}


def account_from(parts: SplitResult, credentials: Credentials) -> Smtp:
    """The account that a URL with one of ``SMTP_SCHEMES`` stands for.

    Raises:
        ConfigurationError: a part or an option is wrong, naming it.
    """
    if any("@" in part for part in (parts.path, _PROXY.sub("", parts.query), parts.fragment)):
        # The rest of a password that holds / ? or # would be read, and shown, as a folder or an option.
        raise ConfigurationError(
            f"the URL {redacted(parts.geturl())} holds a @ behind its host", setting="url", advice=ENCODE
        )
    if parts.fragment or (parts.path not in ("", "/") and not _is_socket(parts)):
        raise ConfigurationError(
            f"nothing follows host and port in a {parts.scheme}:// URL but ?options",
            setting="url",
            advice=_three_slashes(parts) if parts.scheme == "lmtp" else None,
        )
    options = options_of(parts)
    reference = options.pop(_BY_REFERENCE, None)
    if reference is not None:
        if parts.password is not None or credentials.password is not None:
            raise ConfigurationError(f"password and {_BY_REFERENCE} are both given", setting=_BY_REFERENCE)
        credentials = replace(credentials, password=Secret.ref(reference))
    return Smtp(**_place(parts), **_account(parts, credentials), **_said(parts.scheme, parts.hostname or "", options))


def _three_slashes(parts: SplitResult) -> str:
    path = f"{parts.netloc}{parts.path}" if "@" not in parts.netloc else "run/dovecot/lmtp"
    return f"The path of a UNIX socket comes behind three slashes: lmtp:///{path}"


def _is_socket(parts: SplitResult) -> bool:
    return not parts.hostname and parts.port is None and parts.path.startswith("/") and parts.path != "/"


def _place(parts: SplitResult) -> dict[str, Any]:
    if _is_socket(parts):
        return {"socket_path": _decoded("socket_path", parts.path)}
    if not parts.hostname:
        raise ConfigurationError(f"{parts.scheme}:// has no host name", setting="url")
    if parts.port == 0:
        raise ConfigurationError("port 0 is not from 1 to 65535", setting="port")
    return {"host": parts.hostname, "port": parts.port or 0}


def _account(parts: SplitResult, credentials: Credentials) -> dict[str, Any]:
    inside_user = _decoded("username", parts.username) if parts.username else None
    inside_password = _decoded("password", parts.password) if parts.password is not None else None
    return {
        "username": _user(inside_user, credentials.username),
        "password": _one_of("password", inside_password, credentials.password),
    }


def _said(scheme: str, host: str, options: Mapping[str, str]) -> dict[str, Any]:
    """What scheme and options say, all at once: one option may contradict, or need, another."""
    known = {**_OF_LIMITS, **_OF_TIMEOUTS, **_OF_ACCOUNT, **(_OF_LMTP if scheme == "lmtp" else {})}
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        names = ", ".join(sorted([*known, _BY_REFERENCE]))
        raise ConfigurationError(f"{scheme}:// has no option {unknown!a}; it has {names}", setting=unknown)
    said: dict[str, Any] = {
        "tls": SMTP_SCHEMES[scheme],
        "limits": _limits(options, host),
        "timeouts": _timeouts(options),
    }
    said["protocol"] = Protocol.LMTP if scheme == "lmtp" else Protocol.SMTP
    for name, value in options.items():
        if name in _OF_ACCOUNT or name in _OF_LMTP:
            setting, read = {**_OF_ACCOUNT, **_OF_LMTP}[name]
            said[setting] = read(name, value)
    if (reference := said.pop(_PROXY_PASSWORD, None)) is not None:
        said["proxy"] = _proxy_with(options.get("proxy"), reference)
    if (burst := said.pop("burst", None)) is not None:
        said["rate"] = _with_burst(options.get("rate"), burst)
    return said


def _limits(options: Mapping[str, str], host: str) -> PoolLimits:
    return replace(
        limits_at(host),
        **{_OF_LIMITS[name][0]: _OF_LIMITS[name][1](name, options[name]) for name in options if name in _OF_LIMITS},
    )


def _timeouts(options: Mapping[str, str]) -> Timeouts:
    timeouts = Timeouts()
    if "timeout" in options:
        timeouts = timeouts.capped(seconds_from("timeout", options["timeout"]))
    if "dot_timeout" in options:
        timeouts = replace(timeouts, dot=seconds_from("dot_timeout", options["dot_timeout"]))
    return timeouts


def _proxy_with(url: str | None, password: Secret) -> Proxy:
    if url is None:
        raise ConfigurationError(f"{_PROXY_PASSWORD} is given and proxy is not", setting="proxy")
    return Proxy.from_url(url, password=password)


def _with_burst(rate: str | None, burst: int) -> Rate:
    if rate is None:
        raise ConfigurationError("burst is given and rate is not", setting="burst")
    return Rate.read(rate, burst=burst)


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


# ── options ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _text(_: str, value: str) -> str:
    return value


def _word_of(words: Mapping[str, Any]) -> Callable[[str, str], Any]:
    def read(name: str, value: str) -> Any:
        if value not in words:
            raise ConfigurationError(f"{name}={value!a} is none of {', '.join(words)}", setting=name)
        return words[value]

    return read


def _pins(_: str, value: str) -> tuple[str, ...]:
    return checked_pins(value.replace(" ", "+"))  # base64 has plus signs, and in a query they mean spaces


_BY_REFERENCE: Final = "password_ref"
_PROXY_PASSWORD: Final = "proxy_password_ref"  # noqa: S105 - the name of an option
_PROXY: Final = re.compile(r"(?:^|(?<=&))proxy=[^&]*")  # the one option that may hold a @, before the proxy's host

_Option = tuple[str, Callable[[str, str], Any]]  # the setting, and how its value is read
_OF_LIMITS: Final[dict[str, _Option]] = {
    "pool": ("connections", count_from),
    "messages": ("messages", count_from),
    "max_age": ("age", seconds_from),
    "idle": ("idle", seconds_from),
    "pool_timeout": ("wait", seconds_from),
}
_OF_TIMEOUTS: Final = {"timeout": seconds_from, "dot_timeout": seconds_from}
_OF_ACCOUNT: Final[dict[str, _Option]] = {
    "auth": ("mechanisms", lambda _, value: checked_mechanisms(value, token=False)),
    "ehlo": ("ehlo", _text),
    "max_size": ("max_size", octets_from),
    "rate": ("rate", lambda _, value: Rate.read(value)),
    "burst": ("burst", count_from),
    "ca": ("ca", _text),
    "server_name": ("server_name", _text),
    "pin": ("pin", _pins),
    "trust": ("trust", _word_of({one.value: one for one in Trust})),
    "client_cert": ("client_cert", _text),
    "client_key": ("client_key", _text),
    "client_key_password_ref": ("client_key_password", lambda _, value: Secret.ref(value)),
    "proxy": ("proxy", lambda _, value: value),
    _PROXY_PASSWORD: (_PROXY_PASSWORD, lambda _, value: Secret.ref(value)),
    "source": ("source", _text),
}
_OF_LMTP: Final[dict[str, _Option]] = {"tls": ("tls", _word_of({one.value: one for one in Tls}))}
