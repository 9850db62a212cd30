"""``direct://?port=25&ehlo=mail.example``: what such a URL means."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult

from postroad.errors import ConfigurationError
from postroad.net.dns.settings import Nameserver, Trust
from postroad.routing.tls_requirement import Wish
from postroad.transport.direct.settings import HOST_LIMITS, PATIENT, Direct
from postroad.transport.route_url import count_from, octets_from, options_of, redacted, seconds_from

T = TypeVar("T")


def direct_from(parts: SplitResult) -> Direct:
    """The settings that a ``direct://`` URL stands for.

    Raises:
        ConfigurationError: something stands behind it but options, or one of these is wrong, naming it.
    """
    if parts.netloc or parts.path.strip("/") or parts.fragment:
        raise ConfigurationError(
            f"{redacted(parts.geturl())} names a host, and direct:// finds them itself",
            setting="url",
            advice="Write direct:// and options behind a ?, as in direct://?ehlo=mail.example.com; for one host use "
            "smtp://HOST.",
        )
    options = options_of(parts)
    known = sorted([*_OPTIONS, *_LIMITS, "timeout", "dot_timeout"])
    if unknown := next((name for name in options if name not in known), None):
        raise ConfigurationError(f"direct:// has no option {unknown!a}; it has {', '.join(known)}", setting=unknown)
    said = {name: _OPTIONS[name](name, value) for name, value in options.items() if name in _OPTIONS}
    if "nameserver" in said:
        said["nameservers"] = said.pop("nameserver")
    limits = {_LIMITS[name][0]: _LIMITS[name][1](name, value) for name, value in options.items() if name in _LIMITS}
    timeouts = PATIENT
    if "timeout" in options:
        timeouts = timeouts.capped(seconds_from("timeout", options["timeout"]))
    if "dot_timeout" in options:
        timeouts = replace(timeouts, dot=seconds_from("dot_timeout", options["dot_timeout"]))
    return Direct(**said, limits=replace(HOST_LIMITS, **limits), timeouts=timeouts)


def _text(name: str, value: str) -> str:
    if not value:
        raise ConfigurationError(f"{name} is empty", setting=name)
    return value


def _list(name: str, value: str) -> tuple[str, ...]:
    return tuple([_text(name, one.strip()) for one in value.split(",")])


def _one_of(words: Mapping[str, T]) -> Callable[[str, str], T]:
    def read(name: str, value: str) -> T:
        if value not in words:
            raise ConfigurationError(f"{name}={value!a} is none of {', '.join(words)}", setting=name)
        return words[value]

    return read


def _nameservers(name: str, value: str) -> tuple[Nameserver, ...]:
    """``127.0.0.1``, ``127.0.0.1:5353``, ``[::1]:5353``; several with commas between them."""
    return tuple([_nameserver(name, one) for one in _list(name, value)])


def _nameserver(name: str, text: str) -> Nameserver:
    address, colon, port = text.rpartition(":")
    if not colon or (":" in address and not address.endswith("]")):
        return Nameserver(text.strip("[]"))
    return Nameserver(address.strip("[]"), count_from(name, port))


_SWITCH: Final = _one_of({"on": True, "off": False})
_OPTIONS: Final[dict[str, Callable[[str, str], Any]]] = {
    "port": count_from,
    "ehlo": _text,
    "source": _list,
    "tls": _one_of({"opportunistic": Wish.NOTHING, "verified": Wish.VERIFIED}),
    "mta_sts": _SWITCH,
    "dane": _SWITCH,
    "ca": _text,
    "max_size": octets_from,
    "concurrency": count_from,
    "nameserver": _nameservers,
    "dnssec": _one_of({"configured": Trust.AS_CONFIGURED, "trusted": Trust.TRUSTED, "untrusted": Trust.UNTRUSTED}),
}
_LIMITS: Final[dict[str, tuple[str, Callable[[str, str], Any]]]] = {
    "pool": ("connections", count_from),
    "messages": ("messages", count_from),
    "max_age": ("age", seconds_from),
    "idle": ("idle", seconds_from),
    "pool_timeout": ("wait", seconds_from),
}
