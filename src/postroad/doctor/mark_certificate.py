"""Mark certificates (VMC and CMC): who may show a logo, as an authority has seen to it.

Sources: draft-fetch-validation-vmc-wchuang, RFC 3709 (logotypes), RFC 9399.
"""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from postroad.doctor.svg import NoSvg, unfolded

if TYPE_CHECKING:
    from cryptography import x509

PURPOSE: Final = "1.3.6.1.5.5.7.3.31"  # id-kp-BrandIndicatorforMessageIdentification
_LOGOTYPE: Final = "1.3.6.1.5.5.7.1.12"  # RFC 9399 §4.1
MAX_OCTETS: Final = 256 * 1024  # of a file; real ones have some 30 KB with their logo
_DATA: Final = re.compile(rb"data:image/svg\+xml(?:\+gzip)?(?:;[a-z0-9=-]+)*?;base64,", re.IGNORECASE)
_STRING: Final = 0x16  # IA5String (X.690 §8.23), in which the data: URI stands


class NoMark(ValueError):
    """This is no mark certificate that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class MarkCertificate:
    """The first certificate of a file. ``logo`` is the SVG inside, unfolded. The dates are aware."""

    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    purposes: tuple[str, ...]
    logo: bytes | None
    length: int  # certificates in the file

    def covers(self, domain: str) -> bool:
        """Whether it is for this domain, or for one above it."""
        return any(domain == name or domain.endswith(f".{name}") for name in self.names)


def read_mark(octets: bytes) -> MarkCertificate:
    """Read a PEM file, the mark certificate first.

    Raises:
        NoMark: it is none.
    """
    from cryptography import x509  # late: it takes 50 ms

    try:
        chain = x509.load_pem_x509_certificates(octets[:MAX_OCTETS])
    except (ValueError, x509.InvalidVersion) as fault:
        raise NoMark("it holds no certificates in PEM form that can be read") from fault
    try:
        return _read(chain[0], len(chain))
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as fault:
        raise NoMark(f"its certificate is malformed: {fault}") from fault


def _read(certificate: "x509.Certificate", length: int) -> MarkCertificate:
    from cryptography import x509  # late, as above

    names: list[str] = []
    purposes: list[str] = []
    logo: bytes | None = None
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            names += [_domain(one) for one in value.get_values_for_type(x509.DNSName)]
        elif isinstance(value, x509.ExtendedKeyUsage):
            purposes += [one.dotted_string for one in value]
        elif isinstance(value, x509.UnrecognizedExtension) and value.oid.dotted_string == _LOGOTYPE:
            logo = _logo(value.value)
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return MarkCertificate(tuple(names), start, end, tuple(purposes), logo, length)


def _domain(name: str) -> str:
    """A name may be that of the record itself: ``default._bimi.example.com``."""
    return name.lower().rstrip(".").rpartition("._bimi.")[2]


def _logo(logotype: bytes) -> bytes | None:
    """The SVG in the extension: of its structure only the string that holds it is read."""
    for found in _DATA.finditer(logotype):
        text = logotype[found.end() : found.start() + _length_before(logotype, found.start())]
        try:
            return unfolded(b64decode(text, validate=True))
        except (binascii.Error, NoSvg):
            continue
    return None


def _length_before(octets: bytes, start: int) -> int:
    """The length of the string that begins there, as DER has it before it (X.690 §8.1.3); 0 where it does not."""
    if start > 1 and octets[start - 1] < 0x80 and octets[start - 2] == _STRING:  # the short form
        return octets[start - 1]
    for count in (1, 2, 3):
        head = start - count - 2
        if head >= 0 and octets[head] == _STRING and octets[head + 1] == 0x80 | count:
            return int.from_bytes(octets[start - count : start], "big")
    return 0
