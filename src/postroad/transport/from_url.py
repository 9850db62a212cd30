"""A route as a URL, or as several in one text, and the transport it stands for.

``smtp://user@host:587?pool=20``: scheme, account, server, options. What stands behind ``smtp://`` is read by
``smtp/url``, ``failover(A B)`` by ``composed_text``; here are the schemes and what they make.
"""

import shlex
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, unquote

from postroad.errors import ConfigurationError
from postroad.providers.registry import PROVIDERS
from postroad.secret import Secret
from postroad.transport.composed_text import Written, read_composition
from postroad.transport.composition import Failover
from postroad.transport.contract import Transport
from postroad.transport.failover import ComposedTransport
from postroad.transport.route_url import (
    Credentials,
    count_from,
    is_composed,
    options_of,
    redacted,
    seconds_from,
    split,
)
from postroad.transport.sendmail import PROCESSES, SECONDS, SendmailTransport
from postroad.transport.smtp.transport import SmtpTransport
from postroad.transport.smtp.url import SMTP_SCHEMES, account_from
from postroad.transport.to_console import ConsoleTransport
from postroad.transport.to_file import FileTransport
from postroad.transport.to_maildir import MaildirTransport
from postroad.transport.to_memory import MemoryTransport, NullTransport


def from_url(url: str, *, username: str | None = None, password: Secret | str | None = None) -> Transport:
    """The transport a URL stands for; or one made of several, as in ``failover(smtp://a smtp://b)``.

    Raises:
        ConfigurationError: the URL, one of its options or the account is wrong; the message never shows the password.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"a route is a URL such as smtp://host, not {type(url).__name__}", setting="url")
    if is_composed(url):
        if username is not None or password is not None:
            raise account_beside_several("username" if username is not None else "password")
        return _composed(read_composition(url))
    parts = split(url.strip())
    make = _MAKERS.get(parts.scheme)
    if make is None and url.strip() and "://" not in url and "@" not in url:
        raise ConfigurationError(
            f"{redacted(url)!r} is no kind of route: it is no URL",
            setting="url",
            advice=f"Put smtp:// (or smtps://) before it: smtp://{url}",
        )
    if make is None:
        raise ConfigurationError(
            f"{parts.scheme or redacted(url)!r} is no kind of route that postroad knows",
            setting="url",
            advice=f"Use one of {', '.join(f'{scheme}://' for scheme in _MAKERS)}.",
        )
    if parts.scheme in SMTP_SCHEMES and not parts.netloc and "://" not in url:
        raise _slashes_missing(parts)
    return make(parts, Credentials(username, password))


def _slashes_missing(parts: SplitResult) -> ConfigurationError:
    rest = parts.path.lstrip("/") if "@" not in parts.geturl() and not parts.query else "mail.example"
    opening = "lmtp:///" if parts.scheme == "lmtp" and "/" in parts.path else f"{parts.scheme}://"
    sentence = f"slashes are missing behind {parts.scheme}:"
    return ConfigurationError(sentence, setting="url", advice=f"Write {opening}{rest}")


def _composed(written: Written) -> Transport:
    roads = [from_url(one) if isinstance(one, str) else _composed(one) for one, _ in written.members]
    weights = None if written.kind == Failover.kind else [weight for _, weight in written.members]
    return ComposedTransport(written.kind, roads, weights=weights, breaker=written.breaker)


def account_beside_several(setting: str) -> ConfigurationError:
    """One account is given beside several routes."""
    return ConfigurationError(
        "user name and password beside several routes do not say whose they are",
        setting=setting,
        advice="Give each URL its own: smtp://user@host?password_ref=env:NAME; or Smtp(…) objects, in Failover([…]).",
    )


def _smtp(parts: SplitResult, credentials: Credentials) -> Transport:
    return SmtpTransport(account_from(parts, credentials))


def _folder(make: Callable[[str], Transport]) -> Callable[[SplitResult, Credentials], Transport]:
    def made(parts: SplitResult, credentials: Credentials) -> Transport:
        _no_options(parts)
        return make(_path(parts, credentials, "folder"))

    return made


def _path(parts: SplitResult, credentials: Credentials, what: str) -> str:
    _no_account(parts, credentials)
    scheme = parts.scheme
    if parts.netloc not in ("", "localhost") or not parts.path:  # RFC 8089 §2
        sentence = f"{scheme}:// needs an absolute path: {scheme}:///{what}, with three slashes"
        raise ConfigurationError(sentence, setting="url")
    return unquote(parts.path)


def _sendmail(parts: SplitResult, credentials: Credentials) -> Transport:
    _no_account(parts, credentials)
    options = options_of(parts)
    if unknown := next((name for name in options if name not in ("args", "timeout", "pool")), None):
        raise ConfigurationError(f"sendmail:// has no option {unknown!a}; it has args, pool, timeout", setting=unknown)
    return SendmailTransport(
        _path(parts, credentials, "program") if parts.netloc or parts.path else None,
        args=_words("args", options.get("args", "")),
        timeout=seconds_from("timeout", options["timeout"]) if "timeout" in options else SECONDS,
        processes=count_from("pool", options["pool"]) if "pool" in options else PROCESSES,
    )


def _provider(parts: SplitResult, credentials: Credentials) -> Transport:
    # Loaded late: most programs name no provider in a route, and each would cost start-up time.
    from postroad.transport.provider_api.transport import ProviderApiTransport
    from postroad.transport.provider_api.url import provider_from

    return ProviderApiTransport(provider_from(parts, credentials))


def _direct(parts: SplitResult, credentials: Credentials) -> Transport:
    # Loaded late: with it come the DNS, MTA-STS and DANE, which no other route asks for.
    from postroad.transport.direct.transport import DirectTransport
    from postroad.transport.direct.url import direct_from

    _no_account(parts, credentials)
    return DirectTransport(direct_from(parts))


def _words(name: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as fault:
        raise ConfigurationError(f"{name} cannot be read: {fault}", setting=name) from None


def _bare(make: Callable[[], Transport]) -> Callable[[SplitResult, Credentials], Transport]:
    def made(parts: SplitResult, credentials: Credentials) -> Transport:
        _no_options(parts)
        _no_account(parts, credentials)
        if parts.netloc or parts.path.strip("/"):
            raise ConfigurationError(f"{parts.scheme}:// takes nothing behind it", setting="url")
        return make()

    return made


def _no_options(parts: SplitResult) -> None:
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{parts.scheme}:// has no options", setting="url")


def _no_account(parts: SplitResult, credentials: Credentials) -> None:
    if credentials.username is not None or credentials.password is not None:
        raise ConfigurationError(f"{parts.scheme}:// takes no user name and no password", setting="username")


_MAKERS: Final[dict[str, Callable[[SplitResult, Credentials], Transport]]] = {
    **dict.fromkeys(SMTP_SCHEMES, _smtp),
    "direct": _direct,
    "sendmail": _sendmail,
    "file": _folder(FileTransport),
    "maildir": _folder(MaildirTransport),
    "console": _bare(ConsoleTransport),
    "memory": _bare(MemoryTransport),
    "null": _bare(NullTransport),
    **dict.fromkeys(PROVIDERS, _provider),
}
