"""The domains that the From of a message names (RFC 9989 §5.3.1): of each mailbox the domain alone.

Readers show a From however odd a local part, a route or a comment is, so none of these may hide the domain from who
judges it or signs for it. Quoted strings, comments, groups and routes are understood (RFC 5322 §3.4, §4.4); an entry
without an @ is nobody, as before the comma of ``Smith, Ann <ann@example.com>``.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from postroad.mailauth.domain_name import domain_name
from postroad.message.header_decode import octets_resolved, one_line

_PIECE: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"'  # quoted string
    r"|=\?[^?\s]++\?[bBqQ]\?[^?\s]*+\?="  # encoded word, which may hold anything
    r"|\\."
    r'|(?:(?!=\?)[^"(\\])++'
    r"|.",
    re.DOTALL,
)
_IN_COMMENT: Final = re.compile(r"\\.|[()]", re.DOTALL)
_ENTRY: Final = re.compile(r"(?:<[^<>]*+>?|[^,;<])++")
_ANGLED: Final = re.compile(r"<([^<>]*+)>?")
_ENDS_FOR_SOME: Final = re.compile(r"[\x00\v\f]|\r(?!\n)")  # the field, or a line: what is before them is one reading
_OPAQUE: Final = "\x00"  # stands for a quoted string or an encoded word; ``one_line`` has left no other
_MAX_LABELS: Final = 127  # of a name (RFC 1035 §2.3.4: 255 octets, two a label)


class AuthorDomains(NamedTuple):
    """Each once, in its one spelling. ``ambiguous``: two readers of the field may see two authors, all of them here."""

    domains: tuple[str, ...]
    ambiguous: bool = False


def author_domains_of(fields: Iterable[str]) -> AuthorDomains:
    """What the values of From fields name; values as they stand, their octets as PEP 383 has them. It never raises."""
    domains: dict[str, None] = {}
    ambiguous = False
    for field in fields:
        value, endings = _ENDS_FOR_SOME.subn(",", field)
        ambiguous = ambiguous or endings > 0
        for entry in _ENTRY.findall(_plain(one_line(octets_resolved(value)))):
            named = _domains_in(entry)
            ambiguous = ambiguous or named.ambiguous
            domains.update(dict.fromkeys(map(_judged, named.domains)))
    return AuthorDomains(tuple(domains), ambiguous)


def _plain(text: str) -> str:
    """Without comments, and with a sign for whatever is quoted."""
    if not any(sign in text for sign in '"(\\=?'):
        return text
    kept: list[str] = []
    place = 0
    while found := _PIECE.match(text, place):
        piece, place = found.group(), found.end()
        if piece == "(":
            end = _end_of_comment(text, place)
            if end is None:  # it is none: what stands behind it may be read
                return "".join((*kept, " ", re.sub(r"[()]", " ", text[place:])))
            piece, place = " ", end
        elif len(piece) > 1 and piece.startswith(('"', "=?")):
            piece = _OPAQUE
        kept.append(piece)
    return "".join(kept)


def _end_of_comment(text: str, start: int) -> int | None:
    depth = 1
    for found in _IN_COMMENT.finditer(text, start):
        depth += (found.group() == "(") - (found.group() == ")")
        if not depth:
            return found.end()
    return None


def _domains_in(entry: str) -> AuthorDomains:
    group, colon, members = entry.partition(":")
    if colon and not ("@" in group or "<" in group):
        entry = members
    angled = _ANGLED.findall(entry)
    if not angled:
        return _of_specs([entry])
    behind = entry[entry.index("<") :]
    rest = _ANGLED.sub("", behind).strip()
    named = _of_specs([*map(_without_route, angled), rest])
    return AuthorDomains(named.domains, named.ambiguous or bool(rest) or len(angled) > 1)


def _without_route(angled: str) -> str:
    """``<@relay.example:ann@example.com>``: the hosts before the colon are not the author's (RFC 5322 §4.4)."""
    route, colon, spec = angled.partition(":")
    return spec if colon and route.lstrip().startswith("@") else angled


def _of_specs(specs: Iterable[str]) -> AuthorDomains:
    named: list[str] = []
    ambiguous = False
    for spec in specs:
        behind = spec.split("@")[1:]
        ambiguous = ambiguous or len(behind) > 1
        for text in behind:
            # White space may stand around the dots (RFC 5322 §4.4, obs-domain).
            parted = text if "[" in text else text.replace(":", " ")  # an address literal may hold colons
            words = " ".join(parted.split()).replace(" .", ".").replace(". ", ".").split()
            ambiguous = ambiguous or len(words) > 1
            named += words
            named += ["".join(words)] if len(words) > 1 else []
    return AuthorDomains(tuple(named), ambiguous)


def _judged(domain: str) -> str:
    """The name; where no DNS could hold it, the nearest one above it that could, whose owner is the one to ask."""
    return next(_names(domain), domain)


def _names(domain: str) -> Iterator[str]:
    labels = domain.removesuffix(".").split(".")[-_MAX_LABELS:]
    for start in range(max(1, len(labels) - 1)):
        if name := domain_name(".".join(labels[start:])):
            yield name
