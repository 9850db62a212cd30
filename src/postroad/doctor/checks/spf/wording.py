"""SPF records written anew: with what is missing, without what does harm, everything else as it stood."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from postroad.doctor.subject import Address
from postroad.mailauth.spf.record import Kind, RecordError, read_record
from postroad.mailauth.spf.verdict import Result

_ALL: Final = re.compile(r"([+\-~?]?)all", re.IGNORECASE)
_REDIRECT: Final = re.compile(r"redirect=", re.IGNORECASE)
_ONCE: Final = re.compile(r"(redirect|exp)=", re.IGNORECASE)  # modifiers of which there may be one (RFC 7208 §6)
VERSION: Final = "v=spf1"


def terms_of(text: str) -> list[str]:
    """The terms behind the version."""
    return text[len(VERSION) :].split()


def record_of(terms: Iterable[str]) -> str:
    """A record of these terms, none of them twice, ``all`` at the end of the mechanisms."""
    given = _each_once(terms)
    ends = [term for term in given if is_all(term)]
    return " ".join((VERSION, *(term for term in given if term not in ends), *ends[:1]))


def _each_once(terms: Iterable[str]) -> list[str]:
    kept: dict[str, str] = {}
    for term in terms:
        modifier = _ONCE.match(term)
        kept.setdefault(modifier[1].lower() if modifier else term, term)
    return list(kept.values())


def ended(text: str, all_: str = "~all") -> str:
    """The record with this last mechanism, and without a redirect that it makes void."""
    kept = [term for term in terms_of(text) if not is_all(term) and not is_redirect(term)]
    return record_of([*kept, all_])


def without(text: str, unwanted: Collection[str]) -> str:
    """The record without these terms. One that loses its redirect, and so its end, gets a mild one."""
    terms = [_REDIRECT.sub("redirect=", term) for term in terms_of(text)]
    kept = record_of(term for term in terms if term not in unwanted)
    lost = any(is_redirect(term) and term in unwanted for term in terms)
    return ended(kept) if lost and not has_end(kept) else kept


def with_addresses(text: str, addresses: Iterable[Address]) -> str:
    """The record with addresses in front: what stands there costs no look-up, and is found first."""
    return record_of([*map(address_term, addresses), *terms_of(text)])


def address_term(ip: Address) -> str:
    return f"ip{ip.version}:{ip}"


def is_all(term: str) -> bool:
    return _ALL.fullmatch(term) is not None


def is_redirect(term: str) -> bool:
    return _REDIRECT.match(term) is not None


def has_end(text: str) -> bool:
    """Whether the record says what is to become of everybody else."""
    return any(is_all(term) or is_redirect(term) for term in terms_of(text))


def is_read(text: str) -> bool:
    try:
        read_record(text.encode("latin-1", "replace"))
    except RecordError:
        return False
    return True


def allows_some(text: str) -> bool:
    """Whether anybody may send by this record, which can be read."""
    record = read_record(text.encode("latin-1", "replace"))
    for mechanism in record.mechanisms:
        if mechanism.qualifier is Result.PASS:
            return True
        if mechanism.kind is Kind.ALL:
            return False
    return record.redirect is not None
