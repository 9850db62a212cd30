"""The parts of a route URL that every scheme reads alike: split, options, account, and what may be shown of it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from postroad.errors import ConfigurationError
from postroad.secret import MASK, Secret

ENCODE: Final = "Percent-encode special characters of user and password, or give them apart: username=, password=."


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password given beside the URL."""

    username: str | None = None
    password: Secret | str | None = None


def has_password(url: str) -> bool:
    """Whether a password stands in the URL itself, where process lists and shell histories show it."""
    try:
        return split(url.strip()).password is not None
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


def split(url: str) -> SplitResult:
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
            advice=ENCODE,
        ) from None
    return parts


def _without_secrets(fault: ValueError) -> str:
    # "Port could not be cast to integer value as 'part-of-a-password@host'": say what, not which.
    return "the port is not a number from 0 to 65535" if "ort" in str(fault) else "its host is malformed"


def options_of(parts: SplitResult) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in options:
            raise ConfigurationError(f"the option {name} is given twice", setting=name)
        options[name] = value
    return options


def seconds_from(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise ConfigurationError(f"{name}={value!a} is not a number of seconds", setting=name)
    return seconds


def count_from(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 10**12):
        raise ConfigurationError(f"{name}={value!a} is not a whole number of at least 1", setting=name)
    return int(value)
