"""Slips of the pen in SPF records, and what was meant."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Final

from postroad.doctor.checks.spf.wording import (
    VERSION,
    ended,
    has_end,
    is_all,
    is_read,
    is_redirect,
    record_of,
    terms_of,
)

_ADDRESS: Final = re.compile(r"(?:\+?ip(?:v?[46])?[:=])?([0-9a-f.:]+)(?:/(\d{1,9}))?", re.IGNORECASE)
_TERM: Final = re.compile(r"([+\-~?]?)([a-z0-9]+)([:=/]?)(.*)", re.IGNORECASE)
# "ip4: 192.0.2.1" and "- all": a space that nobody meant.
_TORN: Final = re.compile(r"(?:(?<=ip[46]:)|(?<=include:)|(?<=redirect=))\s+|(?<=\s[+\-~?])\s+(?=[a-z])", re.IGNORECASE)
_NAMES: Final = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists", "redirect")
_ANYBODY: Final = re.compile(r" \+?all\Z", re.IGNORECASE)
# What is no error, and does nothing: it is read as a modifier that nobody knows (RFC 7208 §6).
_EQUALS: Final = re.compile(r"(?:include|a|mx|ip4|ip6|exists)=", re.IGNORECASE)
_SIMILAR: Final = 0.7  # "inlcude" and "al" are; "mail" and "all" are not


def repaired(text: str) -> str:
    """The record with its slips put right, and without the terms that say nothing.

    It ends as it did; mildly where no end is left, for that may have been among what nobody could read, or where it let
    the whole world send.
    """
    torn = _TORN.sub("", text.replace(",", " "))
    record = _one_end(record_of(filter(None, map(_meant, terms_of(torn)))))
    return record if has_end(record) and not _ANYBODY.search(record) else ended(record)


def passed_over(text: str) -> list[str]:
    """The terms that were meant as mechanisms, and have ``=`` where ``:`` belongs."""
    return [term for term in terms_of(text) if _EQUALS.match(term)]


def _one_end(record: str) -> str:
    """Without the redirect that never counts beside ``all`` (RFC 7208 §6.1)."""
    terms = terms_of(record)
    return record_of(term for term in terms if not is_redirect(term)) if any(map(is_all, terms)) else record


def _meant(word: str) -> str | None:
    return next((one for one in _readings(word) if is_read(f"{VERSION} {one}")), None)


def _readings(word: str) -> Iterator[str]:
    if _EQUALS.match(word):
        yield word.replace("=", ":", 1)
    yield word
    bare = word.strip(";.\"'")
    yield bare
    address = _ADDRESS.fullmatch(bare)
    if address:
        yield from _addresses(address[1], address[2])
    term = _TERM.fullmatch(bare)
    if term:
        qualifier, name, mark, rest = term.groups()
        for near in get_close_matches(name.lower(), _NAMES, cutoff=_SIMILAR):
            sign = "=" if near == "redirect" else "/" if mark == "/" else ":"
            yield f"{'' if near == 'redirect' else qualifier}{near}{sign if rest else ''}{rest}"


def _addresses(text: str, prefix: str | None) -> Iterator[str]:
    """The network; where there is no such prefix, the address alone."""
    try:
        ip = ip_address(text)
    except ValueError:
        return
    if prefix is not None and int(prefix) <= ip.max_prefixlen:
        yield f"ip{ip.version}:{ip}/{int(prefix)}"
    yield f"ip{ip.version}:{ip}"
