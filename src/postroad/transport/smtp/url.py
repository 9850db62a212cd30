"""``smtp://user@host:587?pool=20``: the account that such a URL stands for.

User and password may be given apart, so that nobody has to percent-encode a password; inside the URL they are
percent-decoded (RFC 3986 §2.1). A password is always itself, never taken for a reference to one: that is what
``?password_ref=`` is for.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, unquote

from postroad.errors import ConfigurationError
from postroad.net.tls import Tls
from postroad.secret import Secret
from postroad.smtp.sasl import checked_mechanisms
from postroad.transport.route_url import ENCODE, Credentials, count_from, options_of, redacted, seconds_from
from postroad.transport.smtp.settings import Smtp

SMTP_SCHEMES: Final = {
    "smtp": Tls.REQUIRED,
    "smtps": Tls.IMPLICIT,
    "smtp+opportunistic": Tls.OPPORTUNISTIC,
    "smtp+insecure": Tls.NONE,
}


def account_from(parts: SplitResult, credentials: Credentials) -> Smtp:
    """The account that a URL with one of ``SMTP_SCHEMES`` stands for.

    Raises:
        ConfigurationError: a part or an option is wrong, naming it.
    """
    if any("@" in part for part in (parts.path, parts.query, parts.fragment)):
        # The rest of a password that holds / ? or # would be read, and shown, as a folder or an option.
        raise ConfigurationError(
            f"the URL {redacted(parts.geturl())} holds a @ behind its host", setting="url", advice=ENCODE
        )
    if parts.path not in ("", "/") or parts.fragment:
        raise ConfigurationError(
            f"nothing follows host and port in a {parts.scheme}:// URL but ?options", setting="url"
        )
    options = options_of(parts)
    reference = options.pop(_BY_REFERENCE, None)
    if reference is not None:
        if parts.password is not None or credentials.password is not None:
            raise ConfigurationError(f"password and {_BY_REFERENCE} are both given", setting=_BY_REFERENCE)
        credentials = replace(credentials, password=Secret.ref(reference))
    return _with_options(_account(parts, credentials), options)


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


def _with_options(account: Smtp, options: Mapping[str, str]) -> Smtp:
    for name, value in options.items():
        change = _SMTP_OPTIONS.get(name)
        if change is None:
            known = ", ".join(sorted([*_SMTP_OPTIONS, _BY_REFERENCE]))
            raise ConfigurationError(f"smtp:// has no option {name!a}; it has {known}", setting=name)
        account = change(account, value)
    return account


_BY_REFERENCE: Final = "password_ref"
_SMTP_OPTIONS: Final[dict[str, Callable[[Smtp, str], Smtp]]] = {
    "pool": lambda one, value: replace(one, limits=replace(one.limits, connections=count_from("pool", value))),
    "messages": lambda one, value: replace(one, limits=replace(one.limits, messages=count_from("messages", value))),
    "max_age": lambda one, value: replace(one, limits=replace(one.limits, age=seconds_from("max_age", value))),
    "idle": lambda one, value: replace(one, limits=replace(one.limits, idle=seconds_from("idle", value))),
    "pool_timeout": lambda one, value: replace(
        one, limits=replace(one.limits, wait=seconds_from("pool_timeout", value))
    ),
    "timeout": lambda one, value: replace(one, timeouts=one.timeouts.capped(seconds_from("timeout", value))),
    "dot_timeout": lambda one, value: replace(
        one, timeouts=replace(one.timeouts, dot=seconds_from("dot_timeout", value))
    ),
    "auth": lambda one, value: replace(one, mechanisms=checked_mechanisms(value, token=False)),
    "ehlo": lambda one, value: replace(one, ehlo=value),
    "ca": lambda one, value: replace(one, ca=value),
    "server_name": lambda one, value: replace(one, server_name=value),
    "max_size": lambda one, value: replace(one, max_size=count_from("max_size", value)),
}
