"""A DMARC Policy Record: what its tags say (RFC 9989 §4.7), and what became of those that say nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, TypeVar

from postroad.mailauth.dmarc.reporting_uri import ReportingUri, reporting_uri

MAX_OCTETS: Final = 65_535  # of a TXT record's data (RFC 1035 §3.2.1); there is no more to read
# §4.8: "v" in either case, its value exactly so; the version ends the record or a separator follows. Nothing before.
_VERSION: Final = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_TAG: Final = re.compile(r"([A-Za-z]+)[ \t]*=[ \t]*([\t\x20-\x3a\x3c-\x7e]+)")
_FO: Final = re.compile(r"[01ds](?::[01ds]){0,2}")
REMOVED: Final = frozenset({"pct", "rf", "ri"})  # §9.3: historic


class Policy(StrEnum):
    """What the owner of a domain wishes for mail that fails (RFC 9989 §4.7), the mildest first."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def lowered(self) -> "Policy":
        """One level below, as ``t=y`` asks for."""
        return Policy.QUARANTINE if self is Policy.REJECT else Policy.NONE

    @property
    def strictness(self) -> int:
        """To compare policies with; more is stricter."""
        return list(Policy).index(self)


class Alignment(StrEnum):
    """How near an authenticated domain must be to the author's (RFC 9989 §3.2.10)."""

    RELAXED = "r"
    STRICT = "s"


class Psd(StrEnum):
    """Whether a domain is a public suffix (``psd``)."""

    YES = "y"
    NO = "n"
    UNKNOWN = "u"


class Oddity(Enum):
    """What in a record does not count, or not any more."""

    UNKNOWN = "unknown tag"
    REMOVED = "tag removed by RFC 9989"
    REPEATED = "tag that stands there with different values"
    INVALID = "invalid value"
    MALFORMED = "no tag=value"
    SIZE_LIMIT = "obsolete size limit"


@dataclass(frozen=True, slots=True)
class Note:
    """Something in a record that readers ignore; ``text`` is how it stands there."""

    oddity: Oddity
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """The tags as they apply: what is absent or invalid has its default, ``None`` for policies.

    ``fo`` holds the letters of that tag. ``testing`` is ``t=y``.
    """

    text: str
    p: Policy | None = None
    sp: Policy | None = None
    np: Policy | None = None
    adkim: Alignment = Alignment.RELAXED
    aspf: Alignment = Alignment.RELAXED
    psd: Psd = Psd.UNKNOWN
    testing: bool = False
    rua: tuple[ReportingUri, ...] = ()
    ruf: tuple[ReportingUri, ...] = ()
    fo: frozenset[str] = frozenset("0")
    notes: tuple[Note, ...] = ()

    @property
    def misstated(self) -> tuple[Note, ...]:
        """The policies that are written but say nothing valid."""
        wrong = (Oddity.INVALID, Oddity.REPEATED)
        return tuple(note for note in self.notes if note.tag in ("p", "sp", "np") and note.oddity in wrong)

    @property
    def applicable(self) -> bool:
        """Whether DMARC is to be applied at all: without valid policies, only if reports are asked for (§4.10.1)."""
        return bool(self.rua) or (self.p is not None and not self.misstated)

    @property
    def own_policy(self) -> Policy:
        """For mail from the very domain that has the record."""
        return Policy.NONE if self.p is None or self.misstated else self.p

    @property
    def subdomain_policy(self) -> Policy:
        """For mail from a subdomain that exists."""
        return self.own_policy if self.sp is None or self.p is None or self.misstated else self.sp

    @property
    def absent_subdomain_policy(self) -> Policy:
        """For mail from a subdomain that does not exist."""
        return self.subdomain_policy if self.np is None or self.p is None or self.misstated else self.np


def is_dmarc_record(octets: bytes) -> bool:
    """Whether a TXT record, its strings joined, begins as a DMARC Policy Record must (§4.7, ``v``)."""
    return _VERSION.match(octets) is not None


def read_record(octets: bytes) -> DmarcRecord | None:
    """Read a TXT record, its strings joined (§4.5); ``None`` if it is no DMARC Policy Record. It never raises.

    A syntax error costs the tag that it stands in, never the record (§4.8).
    """
    if not is_dmarc_record(octets):
        return None
    text = octets[:MAX_OCTETS].decode("utf-8", "backslashreplace")
    notes: list[Note] = []
    values = _values(text, notes)
    return DmarcRecord(
        text,
        p=_choice(Policy, "p", values, notes),
        sp=_choice(Policy, "sp", values, notes),
        np=_choice(Policy, "np", values, notes),
        adkim=_choice(Alignment, "adkim", values, notes) or Alignment.RELAXED,
        aspf=_choice(Alignment, "aspf", values, notes) or Alignment.RELAXED,
        psd=_choice(Psd, "psd", values, notes) or Psd.UNKNOWN,
        testing=_choice(_YesOrNo, "t", values, notes) is _YesOrNo.YES,
        rua=_uris("rua", values, notes),
        ruf=_uris("ruf", values, notes),
        fo=_failure_options(values, notes),
        notes=tuple(notes),
    )


class _YesOrNo(StrEnum):
    YES = "y"
    NO = "n"


_Value = TypeVar("_Value", bound=StrEnum)
_KNOWN: Final = frozenset({"p", "sp", "np", "adkim", "aspf", "psd", "t", "rua", "ruf", "fo", "v"})


def _values(text: str, notes: list[Note]) -> dict[str, str]:
    values: dict[str, str] = {}
    repeated: dict[str, str] = {}
    for tag, value in _tags(text, notes):
        if tag not in _KNOWN:
            notes.append(Note(Oddity.REMOVED if tag in REMOVED else Oddity.UNKNOWN, tag, value))
        elif values.setdefault(tag, value) != value:
            repeated[tag] = value
    # Nobody knows which of them is meant, so both are discarded as the syntax error they are (§4.8).
    for tag, value in repeated.items():
        notes.append(Note(Oddity.REPEATED, tag, f"{values.pop(tag)}; {value}"))
    return values


def _tags(text: str, notes: list[Note]) -> Iterator[tuple[str, str]]:
    # RFC 6376 §3.2 tells tags by case; §4.8 spells "v" in either, so that the others are taken in either, too.
    for written in text.split(";")[1:]:
        found = _TAG.fullmatch(written.strip(" \t"))
        if found:
            yield found[1].lower(), found[2].rstrip(" \t")
        elif written.strip(" \t"):
            name = written.partition("=")[0].strip(" \t").lower()
            known = name in _KNOWN
            notes.append(Note(Oddity.INVALID if known else Oddity.MALFORMED, name if known else "", written.strip()))


def _choice(kind: type[_Value], tag: str, values: dict[str, str], notes: list[Note]) -> _Value | None:
    value = values.get(tag)
    if value is None:
        return None
    try:
        return kind(value.lower())  # literals of the ABNF are read in either case (RFC 5234 §2.3)
    except ValueError:
        notes.append(Note(Oddity.INVALID, tag, value))
        return None


def _uris(tag: str, values: dict[str, str], notes: list[Note]) -> tuple[ReportingUri, ...]:
    uris = []
    for written in values.get(tag, "").split(",") if tag in values else ():
        uri = reporting_uri(written.strip(" \t"))
        if uri is None:
            notes.append(Note(Oddity.INVALID, tag, written.strip(" \t")))
            continue
        if uri.limit is not None:
            notes.append(Note(Oddity.SIZE_LIMIT, tag, f"!{uri.limit}"))
        uris.append(uri)
    return tuple(uris)


def _failure_options(values: dict[str, str], notes: list[Note]) -> frozenset[str]:
    value = values.get("fo", "0")
    options = value.lower().split(":")
    if not _FO.fullmatch(value.lower()) or len(set(options)) < len(options) or {"0", "1"} <= set(options):
        notes.append(Note(Oddity.INVALID, "fo", value))
        return frozenset("0")
    return frozenset(options)
