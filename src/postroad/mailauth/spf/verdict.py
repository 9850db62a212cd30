"""What a check comes to, and how it came to that."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from postroad.lookup import Answer


class Result(StrEnum):
    """The results of ``check_host()`` (RFC 7208 §2.6)."""

    NONE = "none"  # no policy was found
    NEUTRAL = "neutral"  # the domain says nothing about this host
    PASS = "pass"  # noqa: S105 - a result, not a password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"  # the DNS did not answer; later it may
    PERMERROR = "permerror"  # the policy cannot be read


class Identity(StrEnum):
    """Whose policy was asked (RFC 7208 §2.2)."""

    MAIL_FROM = "mailfrom"
    HELO = "helo"


class Outcome(Enum):
    """What became of one term."""

    RECORD = "record"  # not a term, but the record that those after it stand in
    MATCH = "match"
    NO_MATCH = "no match"
    FOLLOWED = "followed"  # a redirect
    ENDED = "ended"  # an error ended the check


@dataclass(frozen=True, slots=True)
class Step:
    """One term of one record: what it asked, and what became of it.

    ``domain`` is whose record it stands in, ``depth`` how many includes lead there.
    """

    domain: str
    depth: int
    term: str
    outcome: Outcome
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class SpfVerdict:
    """The result of a check, and all that led to it.

    ``mechanism`` is the term that matched, as it stands in the record of ``domain`` or of where that redirects to.
    ``explanation`` is what the domain wishes to be told to a sender who fails (RFC 7208 §6.2): a text of strangers.
    ``lookups`` counts the terms that asked the DNS, ``void_lookups`` the questions without an answer, of which a
    policy may have few (§4.6.4). ``reason`` says in a sentence why there is no verdict.
    """

    result: Result
    identity: Identity
    domain: str
    mechanism: str | None = None
    explanation: str | None = None
    lookups: int = 0
    void_lookups: int = 0
    trace: tuple[Step, ...] = field(default=(), repr=False)  # a stranger decides how long it is
    reason: str = ""
