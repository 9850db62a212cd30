"""Where a server is: its port by protocol and TLS mode, a UNIX socket, the address of ours to come from."""

import os
from enum import Enum
from typing import Final

from postroad.errors import ConfigurationError
from postroad.net.host_name import as_address, checked_port
from postroad.net.tls import Tls

DEFAULT_PORT: Final = {
    Tls.REQUIRED: 587,
    Tls.IMPLICIT: 465,
    Tls.OPPORTUNISTIC: 25,
    Tls.NONE: 25,
}  # RFC 6409, 8314, 5321
LMTP_PORT: Final = 24  # registered for "any private mail system"; RFC 2033 §5 names none, and forbids 25
PATH_LIMIT: Final = 107  # octets of a UNIX socket's path: Linux's sun_path without its NUL; unix(7)


class Protocol(Enum):
    """What is spoken over the connection."""

    SMTP = "smtp"  # RFC 5321
    LMTP = "lmtp"  # RFC 2033: the last hop, with a reply for each recipient


def settled_port(port: int, protocol: Protocol, tls: Tls) -> int:
    """The port; where it is 0, the usual one.

    Raises:
        ConfigurationError: there is no such port, or it is not for this protocol.
    """
    port = checked_port(port or (LMTP_PORT if protocol is Protocol.LMTP else DEFAULT_PORT[tls]))
    if protocol is Protocol.LMTP and port == 25:
        raise ConfigurationError(
            "LMTP is not spoken on port 25 (RFC 2033 §5)",
            setting="port",
            advice=f"lmtp:// uses port {LMTP_PORT} unless another one is given; smtp:// is for port 25.",
        )
    return port


def checked_path(path: str) -> str:
    """The path of a UNIX socket.

    Raises:
        ConfigurationError: it is not absolute, or longer than such a path may be.
    """
    octets = os.fsencode(path)
    if not path.startswith("/") or b"\0" in octets:
        raise ConfigurationError(f"{ascii(path)[:80]} is not the absolute path of a socket", setting="socket_path")
    if len(octets) > PATH_LIMIT:
        message = f"{ascii(path)[:80]} is longer than the {PATH_LIMIT} octets that a socket's path may have"
        raise ConfigurationError(message, setting="socket_path")
    return path


def checked_source(source: str, host: str) -> str:
    """The address of ours to connect from, in its usual form; ``host`` is what it leads to, as far as that is known.

    Raises:
        ConfigurationError: it is no IP address, or of another family than the host's.
    """
    address, target = as_address(source), as_address(host)
    if address is None:
        raise ConfigurationError(f"{ascii(source)[:80]} is not an IP address", setting="source")
    if target is not None and target.version != address.version:
        message = f"{source} is an IPv{address.version} address and cannot reach {host}"
        raise ConfigurationError(message, setting="source")
    return str(address)


def is_loopback(host: str) -> bool:
    """The host is this machine, by its name or address."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 §6.3
        return True
    address = as_address(host)
    return address is not None and address.is_loopback
