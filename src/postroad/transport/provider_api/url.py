"""``postmark://TOKEN@?stream=broadcast``, ``mailgun://KEY@example.com?region=eu``: the account such a URL stands for.

The key may be given apart, as a password is, or as ``?password_ref=env:NAME``; left out, it is looked up in the
variable that the provider's own tools read.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, unquote

from postroad.errors import ConfigurationError
from postroad.providers.contract import Provider
from postroad.providers.registry import provider_class
from postroad.secret import Secret
from postroad.transport.route_url import ENCODE, Credentials, count_from, options_of, seconds_from

_BY_REFERENCE: Final = "password_ref"
_NOWHERE: Final = (None, "", "default")  # a URL is easier to write with a host behind its @


def provider_from(parts: SplitResult, credentials: Credentials) -> Provider:
    """The provider that a URL stands for.

    Raises:
        ConfigurationError: a part or an option is wrong, naming it; the key is never shown.
    """
    kind = provider_class(parts.scheme)
    if parts.path.strip("/") or parts.fragment or "@" in parts.query:
        raise ConfigurationError(f"nothing follows {parts.scheme}:// but an account and ?options", setting="url",
                                 advice=ENCODE)  # fmt: skip
    options = options_of(parts)
    reference = options.pop(_BY_REFERENCE, None)
    account = _account(kind, parts, credentials, reference)
    return kind(**account, **_place(kind, parts), **_options(kind, options))


def _account(
    kind: type[Provider], parts: SplitResult, credentials: Credentials, reference: str | None
) -> Mapping[str, Any]:
    user, password = _inside(parts.username), _inside(parts.password)
    if len(kind.account_fields) == 1:
        user, password = None, _only(parts.scheme, user, password)
        if credentials.username is not None:
            raise ConfigurationError(
                f"{parts.scheme}:// has a key and no user name", setting="username",
                advice="Give the key as password=, or in the URL before the @.",
            )  # fmt: skip
    by_reference = None if reference is None else Secret.ref(reference)
    chosen = _one("password", password, credentials.password, by_reference)
    named = _one("username", user, credentials.username)
    given = {kind.account_fields[-1]: chosen}
    if len(kind.account_fields) > 1:
        given[kind.account_fields[0]] = named
    return {name: value for name, value in given.items() if value is not None}


def _only(scheme: str, user: str | None, password: str | None) -> str | None:
    if user is not None and password is not None:
        raise ConfigurationError(f"{scheme}:// has one key before its @, not two", setting="url")
    return password if user is None else user


def _one(setting: str, *given: Secret | str | None) -> Secret | str | None:
    said = [one for one in given if one is not None]
    if len(said) > 1:
        raise ConfigurationError(f"{setting} stands in the URL and is given beside it", setting=setting)
    return said[0] if said else None


def _inside(text: str | None) -> str | None:
    try:
        return unquote(text, errors="strict") if text else None
    except UnicodeDecodeError:
        raise ConfigurationError("the key in the URL is not percent-encoded UTF-8", setting="password") from None


def _place(kind: type[Provider], parts: SplitResult) -> Mapping[str, Any]:
    if parts.port is not None:
        raise ConfigurationError(f"{parts.scheme}:// has no port; give ?endpoint= instead", setting="url")
    if kind.host_field is not None and parts.hostname:
        return {kind.host_field: parts.hostname}
    if kind.host_field is None and parts.hostname not in _NOWHERE:
        raise ConfigurationError(
            f"{parts.scheme}:// takes no host", setting="url",
            advice=f"The key stands before an @: {parts.scheme}://KEY@",
        )  # fmt: skip
    return {}


def _options(kind: type[Provider], options: Mapping[str, str]) -> Mapping[str, Any]:
    known = {**_OF_ALL, **{name: (name, _text) for name in kind.options}}
    if unknown := next((name for name in options if name not in known), None):
        names = ", ".join(sorted([*known, _BY_REFERENCE]))
        raise ConfigurationError(f"{kind.name}:// has no option {unknown!a}; it has {names}", setting=unknown)
    return {known[name][0]: known[name][1](name, value) for name, value in options.items()}


def _text(name: str, value: str) -> str:
    if not value:
        raise ConfigurationError(f"{name} is empty", setting=name)
    return value


_OF_ALL: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "endpoint": ("endpoint", _text),
    "pool": ("connections", count_from),
    "timeout": ("timeout", seconds_from),
    "rate": ("rate", _text),
    "burst": ("burst", count_from),
    "ca": ("ca", _text),
}
