"""SPF records written anew: with what is missing, without what does harm, everything else as it stood."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from postroad.doctor.subject import Address
from postroad.mailauth.spf.record import RecordError, read_record

_ALL: Final = re.compile(r"[+\-~?]?all", re.IGNORECASE)
_REDIRECT: Final = re.compile(r"redirect=", re.IGNORECASE)
VERSION: Final = "v=spf1"


def terms_of(text: str) -> list[str]:
    """The terms behind the version."""
    return text[len(VERSION) :].split()


def record_of(terms: Iterable[str]) -> str:
    """A record of these terms, none of them twice, ``all`` at the end of the mechanisms."""
    given = list(dict.fromkeys(terms))
    ends = [term for term in given if _ALL.fullmatch(term)]
    return " ".join((VERSION, *(term for term in given if term not in ends), *ends[:1]))


def ended(text: str, all_: str = "~all") -> str:
    """The record with this last mechanism, and without a redirect that it makes void."""
    kept = [term for term in terms_of(text) if not _ALL.fullmatch(term) and not _REDIRECT.match(term)]
    return record_of([*kept, all_])


def without(text: str, unwanted: Callable[[str], bool]) -> str:
    """The record without some of its terms."""
    return record_of(term for term in terms_of(text) if not unwanted(term))


def with_addresses(text: str, addresses: Iterable[Address]) -> str:
    """The record with addresses in front: what stands there costs no look-up, and is found first."""
    return record_of([*map(address_term, addresses), *terms_of(text)])


def address_term(ip: Address) -> str:
    return f"ip{ip.version}:{ip}"


def is_read(text: str) -> bool:
    try:
        read_record(text.encode("latin-1", "replace"))
    except RecordError:
        return False
    return True
