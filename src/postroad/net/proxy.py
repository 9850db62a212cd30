"""A proxy as a value: of which kind, where, and as whom."""

from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from postroad.errors import ConfigurationError
from postroad.net.host_name import authority, checked_host, checked_port
from postroad.secret import Secret

SOCKS_PORT: Final = 1080  # RFC 1928 §3; for HTTP there is no port that everybody uses


class ProxyKind(Enum):
    """Which protocol the proxy speaks, and who resolves the name of the host behind it: as curl writes them."""

    SOCKS5 = "socks5"  # RFC 1928; the name is resolved here
    SOCKS5H = "socks5h"  # RFC 1928; the name is resolved by the proxy
    HTTP = "http"  # CONNECT, RFC 9110 §9.3.6; the name is resolved by the proxy


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that connections are made through.

    ``username`` and ``password`` are sent as they are, without encryption, when the proxy wants them (RFC 1929, HTTP
    Basic). The password may be a reference (``Secret.ref``).

    Raises:
        ConfigurationError: a part is missing, malformed or too long for the protocol.
    """

    kind: ProxyKind
    host: str
    port: int = 0
    username: str | None = None
    password: Secret | str | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "host", checked_host(self.host, "proxy"))
        if not self.port and self.kind is ProxyKind.HTTP:
            raise ConfigurationError("proxy: an HTTP proxy needs its port, such as http://host:3128", setting="proxy")
        put(self, "port", checked_port(self.port or SOCKS_PORT, "proxy"))
        if isinstance(self.password, str):
            put(self, "password", Secret(self.password))
        if self.password is not None and self.username is None:
            raise ConfigurationError("proxy: a password is given and a user name is not", setting="proxy")
        if self.username is not None:
            checked_account(self)

    @classmethod
    def from_url(cls, url: str, *, password: Secret | str | None = None) -> "Proxy":
        """``socks5://user:password@host:port``, ``socks5h://…``, ``http://…``; the account percent-encoded or left out.

        Raises:
            ConfigurationError: it is not written so. What was written is not shown: it may hold a password.
        """
        parts = _split(url)
        kind = next((kind for kind in ProxyKind if kind.value == parts.scheme), None)
        if kind is None:
            raise _malformed(f"its scheme is none of {', '.join(f'{kind.value}://' for kind in ProxyKind)}")
        if not parts.hostname:
            raise _malformed("it has no host name")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise _malformed("something follows its host and port")
        if parts.password is not None and password is not None:
            raise _malformed("a password stands in it, and is given beside it")
        inside = _decoded(parts.password)
        username = _decoded(parts.username)
        return cls(kind, parts.hostname, parts.port or 0, username or None, password if inside is None else inside)

    @property
    def where(self) -> str:
        """``host:port``."""
        return authority(self.host, self.port)

    @property
    def secret(self) -> Secret | None:
        """The password, as a value or a reference."""
        return self.password if isinstance(self.password, Secret) else None

    def __str__(self) -> str:
        user = f"{self.username}@" if self.username else ""
        return f"{self.kind.value}://{user}{self.where}"


def checked_account(proxy: Proxy) -> Proxy:
    """The proxy, if its user name and password can be sent; a password by reference is looked at when it is found.

    Raises:
        ConfigurationError: they cannot.
    """
    if fault := _fault(proxy.username or "", proxy.kind) or ("" if proxy.username else "is empty"):
        raise ConfigurationError(f"proxy: the user name {fault}", setting="proxy")
    if proxy.kind is ProxyKind.HTTP and ":" in (proxy.username or ""):  # RFC 7617 §2
        raise ConfigurationError("proxy: the user name holds a colon", setting="proxy")
    secret = proxy.secret
    if secret is not None and secret.reference is None and (fault := _fault(secret.reveal(), proxy.kind)):
        raise ConfigurationError(f"proxy: the password {fault}", setting="proxy")
    return proxy


def _fault(text: str, kind: ProxyKind) -> str:
    """What is wrong, returned and not raised: a traceback may show the variables of every frame."""
    try:
        octets = len(text.encode())
    except UnicodeEncodeError:  # bytes that a locale could not decode
        return "is not valid text; it must be UTF-8"
    if any(character < " " or character == "\x7f" for character in text):
        return "holds a control character"
    if kind is not ProxyKind.HTTP and octets > 255:  # RFC 1929 §2
        return "is longer than 255 octets"
    return ""


def _split(url: str) -> SplitResult:
    if not url.isprintable() or " " in url:
        raise _malformed("it holds white space or a control character")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:  # its words may be parts of a password
        raise _malformed("host or port cannot be read") from None
    return parts


def _decoded(text: str | None) -> str | None:
    try:
        return None if text is None else unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _malformed("user name or password are not percent-encoded UTF-8") from None


def _malformed(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"proxy: {reason}",
        setting="proxy",
        advice="Write socks5://user:password@host:1080, socks5h://… or http://…, "
        "with special characters of user and password percent-encoded.",
    )
