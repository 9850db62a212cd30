"""SOCKS version 5, the client's side, without a socket: bytes in, bytes out.

Sources: RFC 1928 (the protocol), RFC 1929 (user name and password).
"""

import ipaddress
from enum import Enum
from typing import Final

from postroad.errors import ConfigurationError, ConnectError, ProxyError, ProxyRefused
from postroad.net.host_name import as_address, ascii_host, authority, checked_host
from postroad.net.proxy import Proxy
from postroad.reply import Phase

VERSION: Final = 5
LOG_IN_VERSION: Final = 1  # RFC 1929 §2
NO_LOG_IN, BY_PASSWORD, NOTHING_SUITS = 0x00, 0x02, 0xFF  # §3
CONNECT: Final = 1  # §4
IPV4, NAME, IPV6 = 1, 3, 4  # §5
_ADDRESS_OCTETS: Final = {IPV4: 4, IPV6: 16}

RULES, NO_COMMAND, NO_ADDRESS_TYPE = 2, 7, 8
_REPLIES: Final = {  # §6
    1: "general failure",
    RULES: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    NO_COMMAND: "it does not support CONNECT",
    NO_ADDRESS_TYPE: "it does not support this type of address",
}


class _Step(Enum):
    METHOD = "method"
    LOG_IN = "log-in"
    REPLY = "reply"
    DONE = "done"


class Socks5:
    """One negotiation: send what ``opening`` returns, give ``receive`` what arrives and send what it returns, until
    ``done``. Then the connection is the host's, and ``rest`` holds what it has said already.
    """

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        """A name is resolved by the proxy, an address goes as it is.

        Raises:
            ConfigurationError: no host name, or longer than the protocol carries.
            UnicodeError: not to be encoded for DNS.
        """
        self.rest = b""
        self._proxy = proxy
        self._target = authority(host, port)
        self._address = _address(ascii_host(checked_host(host))) + port.to_bytes(2, "big")
        self._step = _Step.METHOD
        self._buffer = b""

    @property
    def done(self) -> bool:
        """The proxy has connected us."""
        return self._step is _Step.DONE

    def opening(self) -> bytes:
        """The methods that we can log in by (§3)."""
        methods = bytes([NO_LOG_IN, BY_PASSWORD] if self._proxy.username is not None else [NO_LOG_IN])
        return bytes([VERSION, len(methods)]) + methods

    def receive(self, data: bytes) -> bytes:
        """Take what has arrived, in whatever pieces; returns what to send.

        Raises:
            ProxyError: the proxy broke the protocol.
            ProxyRefused: it does not let us through.
            ConnectError: it does not reach the host.
        """
        self._buffer += data
        answer = b""
        while len(self._buffer) >= 2 and not self.done:
            if self._step is _Step.METHOD:
                answer += self._method(*self._take(2))
            elif self._step is _Step.LOG_IN:
                answer += self._logged_in(*self._take(2))
            elif not self._replied():
                break
        return answer

    def _take(self, octets: int) -> bytes:
        taken, self._buffer = self._buffer[:octets], self._buffer[octets:]
        return taken

    def _method(self, version: int, method: int) -> bytes:
        if version != VERSION:
            hint = "; it may be an HTTP proxy: use http://" if version == ord("H") else ""
            raise ProxyError(f"{self._proxy} does not speak SOCKS 5{hint}", phase=Phase.CONNECT)
        if method == NO_LOG_IN:
            return self._request()
        if method == BY_PASSWORD and self._proxy.username is not None:
            self._step = _Step.LOG_IN
            return _counted(LOG_IN_VERSION, self._proxy.username, _password(self._proxy))
        if method != NOTHING_SUITS:
            raise ProxyError(f"{self._proxy} chose a way to log in that was not offered", phase=Phase.CONNECT)
        wanted = "another way to log in" if self._proxy.username is not None else "a user name and a password"
        raise ProxyRefused(f"{self._proxy} wants {wanted}", phase=Phase.CONNECT)

    def _logged_in(self, _version: int, status: int) -> bytes:
        # Whoever is asked for the version of this part answers 1 or 5; the status alone counts (RFC 1929 §2).
        if status != 0:
            raise ProxyRefused(f"{self._proxy} refused user name and password", phase=Phase.CONNECT)
        return self._request()

    def _request(self) -> bytes:
        self._step = _Step.REPLY
        return bytes([VERSION, CONNECT, 0]) + self._address

    def _replied(self) -> bool:
        version, reply = self._buffer[:2]
        if version != VERSION:
            raise ProxyError(f"{self._proxy} broke the protocol in its reply", phase=Phase.CONNECT)
        if reply != 0:  # the rest of a refusal says nothing, and some proxies leave it out
            raise self._refusal(reply)
        length = self._reply_octets()
        if length is None or len(self._buffer) < length:
            return False
        self._take(length)
        self.rest, self._buffer = self._buffer, b""
        self._step = _Step.DONE
        return True

    def _reply_octets(self) -> int | None:
        """How long the reply is (§6); ``None`` while that is not known."""
        if len(self._buffer) < 5:
            return None
        kind = self._buffer[3]
        if kind not in (IPV4, NAME, IPV6):
            raise ProxyError(f"{self._proxy} broke the protocol in its reply", phase=Phase.CONNECT)
        return 4 + (1 + self._buffer[4] if kind == NAME else _ADDRESS_OCTETS[kind]) + 2

    def _refusal(self, reply: int) -> ConnectError:
        reason = _REPLIES.get(reply, f"reply {reply:#04x}")
        message = f"{self._proxy} does not connect us to {self._target}: {reason}"
        if reply in (RULES, NO_COMMAND):
            return ProxyRefused(message, phase=Phase.CONNECT)
        advice = "With socks5h:// the proxy resolves the name itself." if reply == NO_ADDRESS_TYPE else None
        return ConnectError(message, phase=Phase.CONNECT, advice=advice)


def _address(host: str) -> bytes:
    address = as_address(host)
    if isinstance(address, ipaddress.IPv4Address):
        return bytes([IPV4]) + address.packed
    if isinstance(address, ipaddress.IPv6Address):
        return bytes([IPV6]) + address.packed
    if len(host) > 255:
        raise ConfigurationError("the host name is longer than 255 octets", setting="host")
    return bytes([NAME, len(host)]) + host.encode("ascii")


def _password(proxy: Proxy) -> str:
    return proxy.secret.reveal() if proxy.secret is not None else ""


def _counted(version: int, *texts: str) -> bytes:
    encoded = [text.encode() for text in texts]
    return bytes([version]) + b"".join(bytes([len(one)]) + one for one in encoded)
