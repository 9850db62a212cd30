"""A certificate as a server showed it, verified or not: whom it names, until when, and with which key (RFC 5280)."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from postroad.net.host_name import as_address
from postroad.net.pin import pin_of

if TYPE_CHECKING:
    from cryptography import x509

MAX_NAMES: Final = 200  # that are compared; certificates of public authorities have at most 100


@dataclass(frozen=True, slots=True)
class Certificate:
    """``names`` and ``addresses`` are what it is for; ``issuer`` and ``subject`` are as RFC 4514 writes them. The
    dates are aware. ``pin`` is the digest of its key, ``""`` for a kind of key that is not known.
    """

    names: tuple[str, ...]
    addresses: tuple[IPv4Address | IPv6Address, ...]
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    pin: str

    @property
    def self_issued(self) -> bool:
        """It vouches for itself."""
        return self.subject == self.issuer

    def is_for(self, host: str) -> bool:
        """Whether it names this host; ``*`` stands for the whole leftmost label (RFC 6125 §6.4.3)."""
        address = as_address(host)
        if address is not None:
            return address in self.addresses
        wanted = host.lower().rstrip(".")
        label, dot, rest = wanted.partition(".")
        return wanted in self.names or bool(label and dot and f"*.{rest}" in self.names)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names and addresses, as texts."""
        return (*self.names, *map(str, self.addresses))


def read_certificate(octets: bytes) -> Certificate | None:
    """The certificate (DER); ``None`` where it is none that can be read."""
    from cryptography import x509  # late: it takes 50 ms, and only who looks at certificates needs it

    try:
        return _read(x509.load_der_x509_certificate(octets), _pin(octets))
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None  # of strangers: whatever is malformed inside


def _read(certificate: "x509.Certificate", pin: str) -> Certificate:
    from cryptography import x509  # late, as above

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName)[:MAX_NAMES]
        addresses = names.get_values_for_type(x509.IPAddress)[:MAX_NAMES]
    except x509.ExtensionNotFound:  # the subject's common name no longer counts (RFC 9525 §2)
        hosts, addresses = [], []
    return Certificate(
        tuple([host.lower().rstrip(".") for host in hosts]),
        tuple([one for one in addresses if isinstance(one, IPv4Address | IPv6Address)]),
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        pin,
    )


def _pin(octets: bytes) -> str:
    try:
        return pin_of(octets)
    except ValueError:
        return ""
