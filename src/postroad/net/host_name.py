"""What can be the name of a host in a setting: nothing that could end a line of somebody's protocol."""

import ipaddress

from postroad.errors import ConfigurationError


def checked_host(host: str, setting: str = "host") -> str:
    """The name in lower case, or the address without its brackets.

    Raises:
        ConfigurationError: it is missing, or holds what no host name holds.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare:
        raise ConfigurationError("the host name is missing", setting=setting)
    if any(character.isspace() or not character.isprintable() or character in "/@?#<>" for character in bare):
        raise ConfigurationError(f"{ascii(bare)[:80]} is not a host name", setting=setting)
    return bare if ":" in bare else bare.lower().rstrip(".")


def checked_port(port: int, setting: str = "port") -> int:
    """The port.

    Raises:
        ConfigurationError: there is no such port.
    """
    if not 1 <= port <= 65535:
        raise ConfigurationError(f"{setting} {port} is not from 1 to 65535", setting=setting)
    return port


def authority(host: str, port: int) -> str:
    """``host:port``, an IPv6 address in brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ascii_host(host: str) -> str:
    """The name as it stands in DNS and in protocols, an address as it is.

    Raises:
        UnicodeError: the name has a label that is empty, too long, or not to be encoded.
    """
    if isinstance(as_address(host), ipaddress.IPv6Address):
        return host
    return host.encode("idna").decode("ascii")  # as the resolver of the standard library does it


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, where the host is given as one."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
