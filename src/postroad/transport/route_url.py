"""The parts of a route URL that every scheme reads alike: split, options, account, and what may be shown of it."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from postroad.errors import ConfigurationError
from postroad.net.host_name import as_address
from postroad.secret import MASK, Secret

ENCODE: Final = "Percent-encode special characters of user and password, or give them apart: username=, password=."
_FORMS: Final = (
    "A port is a number from 1 to 65535, as in smtp://host:587; an IPv6 address stands in brackets: smtp://[::1]."
)
OPENING: Final = re.compile(r"\s*([A-Za-z_]*)\(")  # of several routes in one: failover(
_END_OF_HOST: Final = re.compile("[/?#]")
# What stands before the @ of these is one secret, and no name.
KEY_SCHEMES: Final = frozenset({"postmark", "sendgrid", "mailgun", "resend"})
_PASSWORD_OPTION: Final = re.compile(r"[?&](ssl)?password=[^&#]", re.IGNORECASE)  # libpq knows both
_SCHEME: Final = re.compile("[a-z]+$")
_PROXY: Final = re.compile(r"([?&]proxy=)([^&#]*)")  # the option that is a URL, with an account of its own


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password given beside the URL."""

    username: str | None = None
    password: Secret | str | None = None


def is_composed(text: str) -> bool:
    """Whether a text is meant as several routes, ``failover(A B)``, and not as a URL."""
    return OPENING.match(text) is not None


def has_password(route: str) -> bool:
    """Whether a password stands in a URL, or in one of several, where process lists and shell histories show it.

    The URL need not be readable otherwise, and be no route: whatever stands between ``user:`` and ``@`` counts, and an
    option that is called so, as in a URL of PostgreSQL.
    """
    return any(_holds_password(url) for url in (route.split() if is_composed(route) else [route]))


def _holds_password(url: str) -> bool:
    proxy = _PROXY.search(url)
    if proxy is not None and "://" in (inner := unquote(proxy[2])):
        return _holds_password(inner) or _holds_password(_PROXY.sub("", url))
    if _PASSWORD_OPTION.search(url):
        return True
    scheme, _, rest = url.partition("://")
    account, at, _ = rest.rpartition("@")
    is_secret = ":" in account or (bool(account) and _is_key(scheme))
    return not rest.startswith("/") and bool(at) and is_secret


def _is_key(scheme: str) -> bool:
    """Whether the account of such a URL is a key. Before a scheme stands whatever it was quoted or composed with."""
    named = _SCHEME.search(scheme.lower())
    return named is not None and named[0] in KEY_SCHEMES


def redacted(route: str) -> str:
    """The URL with its password masked, for messages and logs; whatever cannot be read is masked whole.

    A password that nobody encoded may hold any character, so everything up to the last @ counts as account. Of several
    routes each is masked.
    """
    if is_composed(route):
        return re.sub(r"\S+", lambda member: _redacted_url(member[0]), route)
    return _redacted_url(route)


def _redacted_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url if "@" not in url else MASK
    account, at, host = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    if _is_key(scheme):
        user, colon = account and MASK, ""
    # Percent-encoded as it should be, the account of a proxy has no @ that could be found.
    host = _PROXY.sub(lambda option: f"{option[1]}{MASK}" if "@" in unquote(option[2]) else option[0], host)
    return f"{scheme}://{user}{colon and ':' + MASK}{at}{host}"


def split(url: str) -> SplitResult:
    """The parts of a URL, still percent-encoded.

    Raises:
        ConfigurationError: it holds white space, or cannot be read; what is shown of it holds no password.
    """
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ConfigurationError(
            f"the URL {redacted(ascii(url))} holds white space or a control character", setting="url"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError as fault:
        _refuse_bare_ipv6(url)
        raise ConfigurationError(
            f"the URL {redacted(url)} cannot be read: {_without_secrets(fault)}",
            setting="url",
            # Where a password may stand, what cannot be read is most often one of its characters.
            advice=ENCODE if "@" in url else _FORMS,
        ) from None
    return parts


def _refuse_bare_ipv6(url: str) -> None:
    """An IPv6 address without brackets looks like a host with a malformed port (RFC 3986 §3.2.2)."""
    scheme, _, rest = url.partition("://")
    host = _END_OF_HOST.split(rest, maxsplit=1)[0].rpartition("@")[2]
    address, _, port = host.rpartition(":")
    # "::1:25" is an address, too; but whoever writes a number of such a size behind one means a port.
    if not (port.isdigit() and as_address(address) is not None):
        address, port = host, ""
    if as_address(address) is not None:
        raise ConfigurationError(
            f"the IPv6 address {address} in the URL has no brackets", setting="url",
            advice=f"Write IPv6 addresses in brackets: {scheme}://[{address}]{port and ':' + port}",
        )  # fmt: skip


def _without_secrets(fault: ValueError) -> str:
    # "Port could not be cast to integer value as 'part-of-a-password@host'": say what, not which.
    return "the port is not a number from 0 to 65535" if "ort" in str(fault) else "its host is malformed"


def options_of(parts: SplitResult) -> dict[str, str]:
    """What stands behind the question mark.

    Raises:
        ConfigurationError: an option is given twice.
    """
    return options_in(parts.query)


def options_in(query: str) -> dict[str, str]:
    """The options of a query.

    Raises:
        ConfigurationError: one is given twice.
    """
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in options:
            raise ConfigurationError(f"the option {name} is given twice", setting=name)
        options[name] = value
    return options


def seconds_from(name: str, value: str) -> float:
    """An option that is a number of seconds.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise ConfigurationError(f"{name}={value!a} is not a number of seconds", setting=name)
    return seconds


def count_from(name: str, value: str) -> int:
    """An option that counts something.

    Raises:
        ConfigurationError: it is no whole number of at least 1.
    """
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 10**12):
        raise ConfigurationError(f"{name}={value!a} is not a whole number of at least 1", setting=name)
    return int(value)


def octets_from(name: str, value: str) -> int:
    """An option that is a size.

    Raises:
        ConfigurationError: it is no whole number of octets.
    """
    try:
        return count_from(name, value)
    except ConfigurationError:
        raise ConfigurationError(
            f"{name}={value!a} is not a number of octets", setting=name,
            advice=f"Write the octets without a unit: 25 MB are {name}=25000000.",
        ) from None  # fmt: skip
