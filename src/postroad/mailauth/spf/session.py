"""Who wants to send, and from where: what a policy is asked about (RFC 7208 §4.1)."""

from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from postroad.mailauth.domain_name import domain_name
from postroad.mailauth.spf.record import Address
from postroad.mailauth.spf.verdict import Identity

_MAX_INPUT: Final = 1024  # characters of a local part or a HELO name that count; RFC 5321 §4.5.3.1 has 64 and 255
_MAX_LABEL: Final = 63  # octets (RFC 1035 §2.3.4)
_MAX_NAME: Final = 253  # octets of a name in text
_POSTMASTER: Final = "postmaster"  # RFC 7208 §2.4, §4.3


@dataclass(frozen=True, slots=True)
class Session:
    """The client, what it said, and the identity that is checked."""

    ip: Address
    helo: str
    local: str
    domain: str  # of the sender
    identity: Identity

    @property
    def sender(self) -> str:
        return f"{self.local}@{self.domain}"


def session_of(ip: Address, helo: str, mail_from: str) -> Session:
    """The session; a MAIL FROM without anything is checked by the HELO name (RFC 7208 §2.4)."""
    client = (ip.ipv4_mapped or IPv6Address(int(ip))) if ip.version == 6 else ip  # RFC 7208 §5; without a zone
    name = _ascii(helo[:_MAX_INPUT].strip())
    local, _, domain = _bare(mail_from).rpartition("@")
    if not local and not domain:
        return Session(client, name, _POSTMASTER, name, Identity.HELO)
    return Session(client, name, local[:_MAX_INPUT] or _POSTMASTER, _ascii(domain), Identity.MAIL_FROM)


def is_policy_domain(name: str) -> bool:
    """Whether a policy can be looked for: a name of several labels that is no address (RFC 7208 §4.3)."""
    return "." in name and not name.startswith("[") and is_name(name)


def is_name(name: str) -> bool:
    """Whether the DNS can hold the name. An expanded macro may be anything, and then it does not exist (§4.8)."""
    fits = name.isascii() and len(name) <= _MAX_NAME
    return fits and all(0 < len(label) <= _MAX_LABEL for label in name.split("."))


def _bare(mail_from: str) -> str:
    """Without the angle brackets of the command."""
    stripped = mail_from.strip()
    return stripped[1:-1] if stripped.startswith("<") and stripped.endswith(">") else stripped


def _ascii(name: str) -> str:
    """Without its final dot, and in A-labels, if it can be (RFC 8616 §3)."""
    bare = name.removesuffix(".")
    return bare if bare.isascii() else domain_name(bare) or bare
