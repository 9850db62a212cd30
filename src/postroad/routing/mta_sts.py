"""MTA-STS: a domain's word, over HTTPS, that its mail exchangers have valid certificates (RFC 8461)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from postroad.lookup import Fetched, Fetcher, FetchFailed, RecordType, Resolver

MAX_OCTETS: Final = 64 * 1024  # of a policy (RFC 8461 §3.3)
FETCH_SECONDS: Final = 60.0  # RFC 8461 §3.3: "a suggested timeout is one minute"
MAX_AGE_LIMIT: Final = 31_557_600  # seconds: a year (RFC 8461 §3.2)
_RECORD: Final = re.compile(r"v=STSv1[ \t]*;(.*)", re.DOTALL)
_FIELD: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)")
_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_LINE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*(.*?)[ \t]*")
_MX: Final = re.compile(r"(?:\*\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_SECONDS: Final = re.compile(r"[0-9]{1,10}")


class Mode(StrEnum):
    """What is to be done by the policy (RFC 8461 §5)."""

    ENFORCE = "enforce"  # no mail to a host that does not satisfy it
    TESTING = "testing"  # mail goes out, and failures are reported
    NONE = "none"  # the domain takes its policy back


class Trouble(StrEnum):
    """Why there is no policy, in the words of TLS reports (RFC 8460 §4.3)."""

    FETCH = "sts-policy-fetch-error"
    INVALID = "sts-policy-invalid"
    WEBPKI = "sts-webpki-invalid"  # the certificate of the web server


class PolicyError(ValueError):
    """A record or a policy that is none; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain promises. ``mx`` holds patterns of hosts, ``max_age`` is in seconds; ``text`` is as it came."""

    mode: Mode
    max_age: int
    mx: tuple[str, ...]
    text: str = ""

    def allows(self, host: str) -> bool:
        """Whether a mail exchanger is one of those that the domain names (RFC 8461 §4.1)."""
        return any(matches(host, pattern) for pattern in self.mx)


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy that was fetched; ``id`` is that of the record then, ``until`` in seconds since the epoch."""

    domain: str
    id: str
    policy: Policy
    until: float


@dataclass(frozen=True, slots=True)
class Discovered:
    """What holds for a domain. ``kept`` is to be remembered in the place of what was, ``trouble`` to be reported."""

    kept: Kept | None
    trouble: Trouble | None = None
    reason: str = ""

    @property
    def policy(self) -> Policy | None:
        """The policy, unless it says that there is none."""
        return self.kept.policy if self.kept is not None and self.kept.policy.mode is not Mode.NONE else None


async def discover(domain: str, kept: Kept | None, resolver: Resolver, fetcher: Fetcher, now: float) -> Discovered:
    """The policy of a domain, fetched anew if its record has changed. It never raises.

    A policy that was fetched holds until it expires, even if it can no longer be found (RFC 8461 §5.1): else an
    attacker who blocks the DNS or the web server would have removed it.
    """
    good = kept if kept is not None and kept.until > now else None
    answer = await resolver.lookup(f"_mta-sts.{domain}", RecordType.TXT)
    try:
        id_ = record_id(answer.texts)
    except PolicyError as fault:
        return Discovered(good, reason=str(fault))
    if id_ is None or (good is not None and good.id == id_):
        return Discovered(good)
    fetched = await fetcher.get(policy_url(domain), limit=MAX_OCTETS, timeout=FETCH_SECONDS)
    try:
        policy = read_policy(_body(fetched))
    except PolicyError as fault:
        return Discovered(good, _trouble(fetched), str(fault))
    return Discovered(Kept(domain, id_, policy, now + policy.max_age))


def policy_url(domain: str) -> str:
    """Where a domain has its policy (RFC 8461 §3.3)."""
    return f"https://mta-sts.{domain}/.well-known/mta-sts.txt"


def record_id(texts: tuple[bytes, ...]) -> str | None:
    """The id of the one record among the TXT records at ``_mta-sts``; ``None``: there is none (RFC 8461 §3.1).

    Raises:
        PolicyError: there are several, or it is malformed; then the domain has no policy.
    """
    records = [text for text in texts if re.match(rb"v=STSv1[ \t]*;", text)]
    if len(records) > 1:
        raise PolicyError(f"there are {len(records)} MTA-STS records, and one is allowed")
    return _id_of(records[0]) if records else None


def _id_of(record: bytes) -> str:
    found = _RECORD.fullmatch(record.decode("latin-1"))
    assert found is not None  # it begins so
    fields = [field.strip(" \t") for field in found[1].split(";")]
    if fields[-1] == "":  # the last one may be closed
        fields.pop()
    pairs = [_FIELD.fullmatch(field) for field in fields]
    if not all(pairs):
        raise PolicyError("the MTA-STS record is malformed")
    ids = [pair[2] for pair in pairs if pair and pair[1] == "id"]
    if len(ids) != 1 or not _ID.fullmatch(ids[0]):
        raise PolicyError("the id of an MTA-STS record has 1 to 32 letters and digits, and stands there once")
    return ids[0]


def read_policy(content: bytes) -> Policy:
    """Read a policy (RFC 8461 §3.2).

    Raises:
        PolicyError: it is none.
    """
    if len(content) > MAX_OCTETS:
        raise PolicyError(f"the policy has more than {MAX_OCTETS} octets")
    fields: dict[str, str] = {}
    mx: list[str] = []
    text = content.decode("utf-8", "replace")
    for name, value in _fields(text):
        if name == "mx":
            mx.append(_pattern(value))
        else:
            fields.setdefault(name, value)  # "all entries except for the first MUST be ignored"
    if fields.get("version") != "STSv1":
        raise PolicyError("the policy has no version: STSv1")
    mode = _mode(fields.get("mode"))
    if not mx and mode is not Mode.NONE:
        raise PolicyError("the policy names no mx")
    return Policy(mode, _max_age(fields.get("max_age")), tuple(mx), text)


def matches(host: str, pattern: str) -> bool:
    """Whether a host is meant by a pattern; ``*`` stands for the whole leftmost label (RFC 8461 §4.1)."""
    name, wanted = host.lower().rstrip("."), pattern.lower().rstrip(".")
    if not wanted.startswith("*."):
        return name == wanted
    label, dot, rest = name.partition(".")
    return bool(label and dot) and rest == wanted[2:]


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        if not line.strip(" \t"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise PolicyError(f"line {number} of the policy is no field")
        yield found[1], found[2]


def _pattern(value: str) -> str:
    if not _MX.fullmatch(value):
        raise PolicyError(f"{value[:80]!a} is no pattern of a host")
    return value


def _mode(value: str | None) -> Mode:
    if value is None or value not in list(Mode):
        raise PolicyError("the mode is enforce, testing or none" if value else "the policy has no mode")
    return Mode(value)


def _max_age(value: str | None) -> int:
    if value is None or not _SECONDS.fullmatch(value):
        raise PolicyError("max_age is a number of seconds" if value else "the policy has no max_age")
    return min(int(value), MAX_AGE_LIMIT)


def _body(fetched: Fetched | FetchFailed) -> bytes:
    if isinstance(fetched, FetchFailed):
        raise PolicyError(f"the policy cannot be fetched: {fetched.reason}")
    if fetched.code != 200:
        raise PolicyError(f"the policy cannot be fetched: the web server answers {fetched.code}")
    media_type = fetched.content_type.partition(";")[0].strip().lower()
    if media_type != "text/plain":  # RFC 8461 §3.3, so that what users upload is no policy
        raise PolicyError(f"the policy comes as {media_type[:80]!a}, not as text/plain")
    return fetched.body


def _trouble(fetched: Fetched | FetchFailed) -> Trouble:
    if isinstance(fetched, FetchFailed):
        return Trouble.WEBPKI if fetched.untrusted else Trouble.FETCH
    return Trouble.INVALID if fetched.code == 200 else Trouble.FETCH
