"""Blocklists in the DNS: which there are, how to ask one, and whether its answers can be believed (RFC 5782)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Final

from postroad.doctor.subject import Address
from postroad.errors import ConfigurationError
from postroad.lookup import Answer, RecordType, Resolver, Status

_LISTINGS: Final = IPv4Network("127.0.0.0/8")  # RFC 5782 §2.1: anything else is no answer of a list
_ERRORS: Final = IPv4Network("127.255.255.0/24")  # what lists say of a question, by a convention that many follow
MAX_OCTETS: Final = 1_000_000  # of a file of lists


class Kind(StrEnum):
    """What is asked about."""

    ADDRESS = "address"  # RFC 5782 §2.1
    DOMAIN = "domain"  # RFC 5782 §3


class Weight(StrEnum):
    """How many receivers act on a listing."""

    MAJOR = "major"
    MINOR = "minor"


@dataclass(frozen=True, slots=True)
class Blocklist:
    """A list. ``errors`` are answers about the question, not about what was asked for. ``listed`` are names of which
    at least one has to be listed, ``unlisted`` must not be; ``about`` says where to look a listing up.
    """

    zone: str
    kind: Kind
    weight: Weight
    about: str = ""
    errors: tuple[IPv4Address, ...] = ()
    listed: tuple[str, ...] = ()
    unlisted: str = ""

    @property
    def test_points(self) -> tuple[tuple[str, ...], str]:
        """Names below the zone that are listed, and one that is not (RFC 5782 §5)."""
        if self.kind is Kind.ADDRESS:
            return self.listed or ("2.0.0.127",), self.unlisted or "1.0.0.127"
        return self.listed or ("test",), self.unlisted or "invalid"


def backwards(ip: Address) -> str:
    """The name below a list's zone that is about an address (RFC 5782 §2.1, §2.4)."""
    return ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


class Word(StrEnum):
    """What a list says."""

    LISTED = "listed"
    CLEAN = "not listed"
    ERROR = "an error of the list"  # the question was refused, or the answer is no list's
    SILENCE = "no answer"


@dataclass(frozen=True, slots=True)
class Entry:
    """A list's word; ``codes`` are its answers, ``reason`` is for people."""

    word: Word
    codes: tuple[str, ...] = ()
    reason: str = ""


UNTESTED: Final = Entry(Word.ERROR, reason="its test entry is missing")
"""What a self-test comes to where a list lists nothing that it may not, and not what it must either."""


async def ask(blocklist: Blocklist, name: str, resolver: Resolver) -> Entry:
    """What the list says about a name below its zone. It never raises."""
    answer = await resolver.lookup(f"{name}.{blocklist.zone}", RecordType.A)
    if answer.status.temporary:
        return Entry(Word.SILENCE, reason=answer.reason or answer.status.value)
    if answer.status is not Status.FOUND:
        return Entry(Word.CLEAN)
    return _read(blocklist, answer)


def _read(blocklist: Blocklist, answer: Answer) -> Entry:
    codes = tuple(str(one) for one in answer.addresses)
    strange = [one for one in answer.addresses if not isinstance(one, IPv4Address) or one not in _LISTINGS]
    if strange:  # somebody on the way answers for names that do not exist
        return Entry(Word.ERROR, codes, f"{', '.join(codes)} is outside 127.0.0.0/8: a resolver invents answers")
    refusals = [one for one in answer.addresses if one in _ERRORS or one in blocklist.errors]
    if refusals:
        reason = _REFUSALS.get(str(refusals[0]), "the list refuses the question")
        return Entry(Word.ERROR, codes, f"{refusals[0]} is no listing: {reason}")
    return Entry(Word.LISTED, codes)


# Spamhaus' words, which others have taken over.
_REFUSALS: Final = {
    "127.255.255.252": "there is no such list; its name is misspelt",
    "127.255.255.254": "the list answers no public resolvers; ask through one of your own",
    "127.255.255.255": "too many questions came from here",
    "127.0.1.255": "this list is about names, and an address was asked for",
}


async def self_test(blocklist: Blocklist, resolver: Resolver) -> Entry:
    """Whether the list can be believed: CLEAN if so; else LISTED (it lists everything), or ERROR (RFC 5782 §5)."""
    listed, unlisted = blocklist.test_points
    innocent = await ask(blocklist, unlisted, resolver)
    if innocent.word is not Word.CLEAN:
        reason = f"it lists {unlisted}, which no list may" if innocent.word is Word.LISTED else innocent.reason
        return Entry(innocent.word, innocent.codes, reason)
    points = [await ask(blocklist, name, resolver) for name in listed]
    if any(one.word is Word.LISTED for one in points):
        return Entry(Word.CLEAN)
    failed = next((one for one in points if one.word is not Word.CLEAN), None)
    return failed or UNTESTED


# ── which there are ───────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def usual_blocklists() -> tuple[Blocklist, ...]:
    """The lists that come with the package."""
    return read_blocklists(files("postroad.doctor").joinpath("blocklists.toml").read_bytes())


def read_blocklists(content: bytes) -> tuple[Blocklist, ...]:
    """Lists as ``blocklists.toml`` has them.

    Raises:
        ConfigurationError: an entry is none; the sentence names it.
    """
    if len(content) > MAX_OCTETS:
        raise ConfigurationError(f"a file of lists has at most {MAX_OCTETS} octets", setting="blocklists")
    try:
        entries = tomllib.loads(content.decode()).get("list", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigurationError(f"the file of lists is no TOML: {fault}", setting="blocklists") from fault
    if not isinstance(entries, list):
        raise ConfigurationError("the file of lists has no [[list]]", setting="blocklists")
    return tuple(_blocklist(number, entry) for number, entry in enumerate(entries, 1))


def _blocklist(number: int, entry: Mapping[str, Any]) -> Blocklist:
    try:
        return Blocklist(
            zone=str(entry["zone"]).lower().rstrip("."),
            kind=Kind(entry["kind"]),
            weight=Weight(entry["weight"]),
            about=str(entry.get("about", "")),
            errors=tuple(IPv4Address(one) for one in entry.get("errors", ())),
            listed=tuple(str(one) for one in entry.get("listed", ())),
            unlisted=str(entry.get("unlisted", "")),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as fault:
        missing = f"{fault.args[0]} is missing" if isinstance(fault, KeyError) else str(fault)
        raise ConfigurationError(f"blocklists: list {number}: {missing}", setting="blocklists") from fault
