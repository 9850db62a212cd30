"""The values of a written zone as records: addresses, exchanges and texts from what people put into YAML."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from postroad.errors import ConfigurationError
from postroad.lookup import Mx, Record, RecordType, Tlsa

IGNORED_TYPES: Final = frozenset(
    {"CAA", "CDNSKEY", "CDS", "DNAME", "HINFO", "HTTPS", "LOC", "NAPTR", "NSEC", "NSEC3", "NSEC3PARAM", "OPENPGPKEY",
     "RP", "RRSIG", "SMIMEA", "SRV", "SSHFP", "SVCB", "URI"}
)  # fmt: skip
"""Types that a zone may well have, and that mail does not ask for."""

_MAX_OCTET: Final = 255
_MAX_PREFERENCE: Final = 65535  # 16 bits (RFC 1035 §3.3.9)


def record_of(kind: RecordType, value: object) -> Record:
    """The record that a value of the zone means.

    Raises:
        ConfigurationError: it is none of that type.
    """
    try:
        return _READERS[kind](value)
    except (ValueError, TypeError) as fault:
        raise ConfigurationError(f"{_shown(value)} is no value of type {kind}: {_FORMS[kind]}") from fault


def text_of(value: object) -> bytes:
    """The strings of a TXT record, joined without anything between (RFC 7208 §3.3)."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, Sequence):
        return b"".join(map(text_of, value))
    raise TypeError(type(value).__name__)


def host_of(value: object) -> str:
    """A name without its final dot, its case kept."""
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value.strip().removesuffix(".")


def _words(value: object) -> list[str]:
    """``[10, host]`` or ``10 host``."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, Sequence) and all(isinstance(one, str | int) for one in value):
        return [str(one) for one in value]
    raise TypeError(type(value).__name__)


def _number(word: str, limit: int) -> int:
    number = int(word)
    if not 0 <= number <= limit:
        raise ValueError(f"{number} is not from 0 to {limit}")
    return number


def _address4(value: object) -> IPv4Address:
    return IPv4Address(str(value).strip())


def _address6(value: object) -> IPv6Address:
    return IPv6Address(str(value).strip())


def _mx(value: object) -> Mx:
    preference, host = _words(value)
    return Mx(_number(preference, _MAX_PREFERENCE), host_of(host))


def _tlsa(value: object) -> Tlsa:
    usage, selector, matching, *data = _words(value)
    octets = bytes.fromhex("".join(data))
    return Tlsa(_number(usage, _MAX_OCTET), _number(selector, _MAX_OCTET), _number(matching, _MAX_OCTET), octets)


def _as_in_zone_file(value: object) -> str:
    return " ".join(_words(value))


def _shown(value: object) -> str:
    return ascii(value)[:80]


_READERS: Final[dict[RecordType, Callable[[object], Record]]] = {
    RecordType.A: _address4,
    RecordType.AAAA: _address6,
    RecordType.CNAME: host_of,
    RecordType.DNSKEY: _as_in_zone_file,
    RecordType.DS: _as_in_zone_file,
    RecordType.MX: _mx,
    RecordType.NS: host_of,
    RecordType.PTR: host_of,
    RecordType.SOA: _as_in_zone_file,
    RecordType.SPF: text_of,
    RecordType.TLSA: _tlsa,
    RecordType.TXT: text_of,
}
_A_NAME: Final = "write a host name"
_AS_THERE: Final = "write it as in a zone file"
_FORMS: Final = {
    RecordType.A: "write an IPv4 address",
    RecordType.AAAA: "write an IPv6 address",
    RecordType.CNAME: _A_NAME,
    RecordType.DNSKEY: _AS_THERE,
    RecordType.DS: _AS_THERE,
    RecordType.MX: "write [10, mail.example.com], a preference and a host",
    RecordType.NS: _A_NAME,
    RecordType.PTR: _A_NAME,
    RecordType.SOA: _AS_THERE,
    RecordType.TLSA: 'write "3 1 1 0123abcd", three numbers and hexadecimal digits',
    RecordType.SPF: "write a text, or a list of its strings",
    RecordType.TXT: "write a text, or a list of its strings",
}
