"""The head of a DMARC aggregate report: who reports about which time, and the policy that was found."""

import re
from datetime import UTC, datetime
from typing import Final

from postroad.reports.containers import refuse
from postroad.reports.deviations import shown
from postroad.reports.dmarc_aggregate import Metadata, PolicyPublished
from postroad.reports.dmarc_words import METHODS, MODES, POLICIES, TESTING, Words, children, domain_of, texts_of
from postroad.reports.xml_elements import Value

_METADATA: Final = frozenset(
    {"org_name", "email", "extra_contact_info", "report_id", "date_range", "error", "generator"}
)
_POLICY: Final = frozenset(
    {"domain", "p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method", "version_published"}
)
_ADVICE: Final = "Ask the reporter for it again, and tell them what is wrong with it."
_LATEST: Final = 253_402_300_799  # seconds since the epoch: the end of the year 9999, behind which no calendar goes
_NUMBER: Final = re.compile(r"([0-9]{1,20})(?:\.[0-9]{1,20})?")
_PERCENTAGE: Final = re.compile(r"0*(?:100|[0-9]{1,2})")


def read_metadata(value: Value, words: Words) -> Metadata:
    """Raises:
    MessageError: it does not say which time it is about.
    """
    given, texts = children(value), texts_of(value)
    words.only([name for name, _ in given], _METADATA, "report_metadata")
    _want(texts, ("org_name", "email", "report_id"), "report_metadata", words)
    span = texts_of(next((inner for name, inner in given if name == "date_range"), ""))
    begin, end = _moment("begin", span, words), _moment("end", span, words)
    if begin > end:
        words.note("<date_range> ends before it begins")
    return Metadata(
        org_name=texts.get("org_name", ""),
        email=texts.get("email", ""),
        extra_contact_info=texts.get("extra_contact_info", ""),
        report_id=texts.get("report_id", ""),
        begin=begin,
        end=end,
        errors=tuple([text for name, text in given if name == "error" and isinstance(text, str) and text]),
        generator=texts.get("generator", ""),
    )


def read_policy(value: Value, words: Words) -> PolicyPublished | None:
    """``None`` where it is the policy of no domain."""
    texts = texts_of(value)
    words.only([name for name, _ in children(value)], _POLICY, "policy_published")
    _want(texts, ("domain", "p"), "policy_published", words)
    if not texts.get("domain"):
        return None
    return PolicyPublished(
        domain=domain_of(texts["domain"]),
        p=words.word("p", texts, POLICIES),
        sp=words.word("sp", texts, POLICIES),
        np=words.word("np", texts, POLICIES),
        adkim=words.word("adkim", texts, MODES) or "r",  # RFC 7489 §6.3, RFC 9989 §4.7
        aspf=words.word("aspf", texts, MODES) or "r",
        pct=_percentage(texts.get("pct", ""), words),
        fo=texts.get("fo", ""),
        testing=words.word("testing", texts, TESTING),
        discovery_method=words.word("discovery_method", texts, METHODS),
    )


def _want(texts: dict[str, str], names: tuple[str, ...], inside: str, words: Words) -> None:
    for name in names:
        if not texts.get(name):
            words.note(f"<{inside}> has no <{name}>")


def _percentage(text: str, words: Words) -> int | None:
    if _PERCENTAGE.fullmatch(text):
        return int(text)
    if text:
        words.note(f"<pct> is {shown(text)}, no percentage")
    return None


def _moment(name: str, span: dict[str, str], words: Words) -> int:
    text = span.get(name, "")
    seconds = _seconds(text)
    if seconds is None:
        refuse(f"the <{name}> of its time is {shown(text)}, which is none", _ADVICE)
    if str(seconds) != text:
        words.note(f"<{name}> is {shown(text)}, not seconds since the epoch")
    return seconds


def _seconds(text: str) -> int | None:
    """Seconds since the epoch, UTC: from a number of them or of milliseconds, or from a date (ISO 8601)."""
    if found := _NUMBER.fullmatch(text):
        seconds = int(found[1])
        seconds = seconds if seconds <= _LATEST else seconds // 1_000
    else:
        try:
            moment = datetime.fromisoformat(text)
            seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            return None
    return seconds if 0 <= seconds <= _LATEST else None
