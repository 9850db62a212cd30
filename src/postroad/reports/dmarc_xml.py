"""From the XML of a DMARC aggregate report to its value, tolerant of what real reporters write.

RFC 7489 Appendix C and RFC 9990 differ in few elements, and reporters mix them: both are read alike. A report is
refused where nobody could say what it means: without its reporter and time, the domain, or one record that counts.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, TypeVar

from postroad.errors import MessageError
from postroad.reports.containers import refuse
from postroad.reports.deviations import Deviations, shown
from postroad.reports.dmarc_aggregate import (
    AggregateReport,
    DkimResult,
    Identifiers,
    Metadata,
    PolicyEvaluated,
    PolicyPublished,
    Reason,
    Record,
    SpfResult,
)
from postroad.reports.dmarc_records import MARK, Shortened, shortened
from postroad.reports.xml_elements import Children, Value, read_elements

_T = TypeVar("_T")

MAX_RECORDS: Final = 250_000  # a hundred times what a large receiver sends about a large sender

_MAX_KNOWN: Final = 10_000  # results that are remembered while a report is read

_POLICIES: Final = frozenset({"none", "quarantine", "reject"})
_DISPOSITIONS: Final = _POLICIES | {"pass"}  # RFC 9990
_VERDICTS: Final = frozenset({"pass", "fail"})
_MODES: Final = frozenset({"r", "s"})
_DKIM: Final = frozenset({"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"})  # RFC 8601 §2.7.1
_SPF: Final = _DKIM | {"softfail"}  # RFC 8601 §2.7.2
_SCOPES: Final = frozenset({"mfrom", "helo"})
_REASONS: Final = frozenset(
    # RFC 7489 Appendix C; policy_test_mode is of RFC 9990, which has the first two no more.
    {"forwarded", "sampled_out", "trusted_forwarder", "mailing_list", "local_policy", "other", "policy_test_mode"}
)
_ADVICE: Final = "Ask the reporter for it again, and tell them what is wrong with it."
_LATEST: Final = 253_402_300_799  # seconds since the epoch: the end of the year 9999, behind which no calendar goes
_DIGITS: Final = re.compile(r"\d{1,20}")  # a count, or seconds; no real one has more
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_NUMBER: Final = re.compile(r"(\d{1,20})(?:\.\d{1,20})?")


def read_aggregate(octets: bytes) -> AggregateReport:
    """Read the XML of a report.

    Raises:
        MessageError: it is no well-formed XML, no DMARC aggregate report, or not one that can be understood.
    """
    short, whole = shortened(octets), Shortened(octets, [])
    try:
        report = _read(short)
    except MessageError:
        if not short.runs:
            raise
        # What is wrong is told with the line where it really stands.
        return _read(whole)
    return _read(whole) if any(MARK in one for one in report.deviations) and short.runs else report


def _read(short: Shortened) -> AggregateReport:
    reading = _Reading(short)
    root = read_elements(short.octets, "feedback", reading.take, reading.deviations.add)
    if root.before:
        reading.deviations.add(f"before the report stands the element {shown(root.before[0])}")
    return reading.report(root.namespace)


class _Reading:
    """What is read of one report so far."""

    def __init__(self, short: Shortened) -> None:
        self.deviations = Deviations()
        self._short = short
        self._version = ""
        self._metadata: Metadata | None = None
        self._policy: PolicyPublished | None = None
        self._records: list[Record] = []
        self._number = 0
        # Most records of a report repeat the results of others: what was read once and was in order is not read again.
        self._known: dict[tuple[str, Value], Any] = {}

    def take(self, name: str, value: Value) -> None:
        if name == "report_metadata":
            self._metadata = self._read_metadata(_children(value))
        elif name == "policy_published":
            self._take_policy(value)
        elif name == "version" and isinstance(value, str):
            self._version = value
        elif name == "record":
            self._take_record(value)
        elif self._short.runs and name.startswith(MARK):
            for record in self._short.records(name):
                self._take_record(record)
        elif name != "extension" and ":" not in name:
            self.deviations.add(f"{shown(name)} is no element of a report")

    def report(self, namespace: str) -> AggregateReport:
        if self._metadata is None:
            refuse("it has no <report_metadata>: nobody says who reports about which time", _ADVICE)
        if self._policy is None:
            refuse("it has no <policy_published> with a <domain>: it is about no domain", _ADVICE)
        if not self._records:
            left_out = "; ".join(self.deviations.sentences()[-3:])
            refuse("it has no <record> that can be read" + (f": {left_out}" if self._number else ""), _ADVICE)
        sentences = self.deviations.sentences()
        return AggregateReport(self._version, namespace, self._metadata, self._policy, tuple(self._records), sentences)

    # ── the head ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _read_metadata(self, given: Children) -> Metadata:
        if self._metadata is not None:
            refuse("it has two <report_metadata>", _ADVICE)
        texts = self._texts(given, "report_metadata", ("org_name", "email", "report_id"))
        span = _texts_of(_first(given, "date_range"))
        begin, end = self._moment("begin", span.get("begin", "")), self._moment("end", span.get("end", ""))
        if begin > end:
            self.deviations.add("<date_range> ends before it begins")
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

    def _moment(self, name: str, text: str) -> int:
        seconds = _seconds(text)
        if seconds is None:
            refuse(f"the <{name}> of its time is {shown(text)}, which is none", _ADVICE)
        if str(seconds) != text:
            self.deviations.add(f"<{name}> is {shown(text)}, not seconds since the epoch")
        return seconds

    def _take_policy(self, value: Value) -> None:
        given = _children(value)
        texts = self._texts(given, "policy_published", ("domain", "p"))
        if not texts.get("domain"):
            return
        if self._policy is not None:
            self.deviations.add("there are two <policy_published>; the first holds")
            return
        self._policy = PolicyPublished(
            domain=_domain(texts["domain"]),
            p=self._word("p", texts.get("p", ""), _POLICIES),
            sp=self._word("sp", texts.get("sp", ""), _POLICIES),
            np=self._word("np", texts.get("np", ""), _POLICIES),
            adkim=self._word("adkim", texts.get("adkim", ""), _MODES) or "r",  # RFC 7489 §6.3, RFC 9989 §4.7
            aspf=self._word("aspf", texts.get("aspf", ""), _MODES) or "r",
            pct=self._percentage(texts.get("pct", "")),
            fo=texts.get("fo", ""),
            testing=self._word("testing", texts.get("testing", ""), frozenset({"y", "n"})),
            discovery_method=self._word(
                "discovery_method", texts.get("discovery_method", ""), frozenset({"psl", "treewalk"})
            ),
        )

    def _percentage(self, text: str) -> int | None:
        if _DIGITS.fullmatch(text) and text.isascii() and int(text) <= 100:
            return int(text)
        if text:
            self.deviations.add(f"<pct> is {shown(text)}, no percentage")
        return None

    def _texts(self, given: Children, name: str, wanted: tuple[str, ...]) -> dict[str, str]:
        texts = {known: text for known, text in reversed(given) if isinstance(text, str)}
        for one in wanted:
            if not texts.get(one):
                self.deviations.add(f"<{name}> has no <{one}>")
        return texts

    # ── records ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _take_record(self, value: Value) -> None:
        self._number += 1
        if self._number > MAX_RECORDS:
            refuse(f"it has more than {MAX_RECORDS} records", _ADVICE)
        given = dict(_children(value))
        row = dict(_children(given.get("row", "")))
        source, count = row.get("source_ip", ""), row.get("count", "")
        try:
            address = _address(source)
        except ValueError:
            self._note(f"left out: its <source_ip> is {shown(str(source))}, no address")
            return
        messages = self._count(count if isinstance(count, str) else "")
        if messages is not None:
            self._records.append(self._record(address, messages, row.get("policy_evaluated", ""), given))

    def _record(
        self, address: IPv4Address | IPv6Address, count: int, evaluated: Value, given: dict[str, Value]
    ) -> Record:
        # Drafts before RFC 7489 called them identities.
        identifiers = given.get("identifiers") or given.get("identities", "")
        dkim, spf = self._once("auth_results", given.get("auth_results", ""), self._results)
        return Record(
            address,
            count,
            self._once("policy_evaluated", evaluated, self._evaluated),
            self._once("identifiers", identifiers, self._identifiers),
            dkim,
            spf,
        )

    def _results(self, value: Value) -> tuple[tuple[DkimResult, ...], tuple[SpfResult, ...]]:
        results = _children(value)
        return (
            tuple([self._once("dkim", value, self._dkim) for name, value in results if name == "dkim"]),
            tuple([self._once("spf", value, self._spf) for name, value in results if name == "spf"]),
        )

    def _once(self, name: str, value: Value, read: Callable[[Value], _T]) -> _T:
        known: _T | None = self._known.get((name, value))
        if known is None:
            noted = self.deviations.noted
            known = read(value)
            # What deviates is read each time, so that each time is counted.
            if noted == self.deviations.noted and len(self._known) < _MAX_KNOWN:
                self._known[name, value] = known
        return known

    def _count(self, text: str) -> int | None:
        found = _NUMBER.fullmatch(text)
        if found is None or not text.isascii():
            self._note(f"left out: its <count> is {shown(text)}, no number")
            return None
        if found[1] != text:
            self._note(f"<count> is {shown(text)}, no whole number")
        return int(found[1])

    def _evaluated(self, value: Value) -> PolicyEvaluated:
        texts = _texts_of(value)
        reasons = [_texts_of(one) for name, one in _children(value) if name == "reason"]
        return PolicyEvaluated(
            disposition=self._word("disposition", texts.get("disposition", ""), _DISPOSITIONS, needed=True),
            dkim=self._word("dkim", texts.get("dkim", ""), _VERDICTS, needed=True),
            spf=self._word("spf", texts.get("spf", ""), _VERDICTS, needed=True),
            reasons=tuple([self._reason(one) for one in reasons]),
        )

    def _reason(self, texts: dict[str, str]) -> Reason:
        return Reason(self._word("type", texts.get("type", ""), _REASONS, needed=True), texts.get("comment", ""))

    def _identifiers(self, value: Value) -> Identifiers:
        texts = _texts_of(value)
        if not texts.get("header_from"):
            self._note("<identifiers> has no <header_from>")
        return Identifiers(
            _domain(texts.get("header_from", "")),
            _domain(texts.get("envelope_from", "")),
            _domain(texts.get("envelope_to", "")),
        )

    def _dkim(self, value: Value) -> DkimResult:
        texts = _texts_of(value)
        return DkimResult(
            domain=_domain(texts.get("domain", "")),
            selector=texts.get("selector", ""),
            result=self._word("result", texts.get("result", ""), _DKIM, needed=True),
            human_result=texts.get("human_result", ""),
        )

    def _spf(self, value: Value) -> SpfResult:
        texts = _texts_of(value)
        return SpfResult(
            domain=_domain(texts.get("domain", "")),
            scope=self._word("scope", texts.get("scope", ""), _SCOPES) or "mfrom",  # the only one in RFC 9990
            result=self._word("result", texts.get("result", ""), _SPF, needed=True),
            human_result=texts.get("human_result", ""),
        )

    def _word(self, name: str, text: str, known: frozenset[str], *, needed: bool = False) -> str:
        """A word in the RFC's spelling."""
        if text in known:
            return text
        word = text.lower()
        if not word:
            if needed:
                self._note(f"<{name}> is missing or empty")
        elif word in known:
            self._note(f"<{name}> is {shown(text)}, not in lower case")
        else:
            self._note(f"<{name}> is {shown(text)}, a word that no RFC knows")
        return word

    def _note(self, what: str) -> None:
        self.deviations.add(what, self._number)


def _first(given: Children, name: str) -> Value:
    return next((value for known, value in given if known == name), "")


def _children(value: Value) -> Children:
    return value if isinstance(value, tuple) else ()


def _texts_of(value: Value) -> dict[str, str]:
    return {name: text for name, text in value if isinstance(text, str)} if isinstance(value, tuple) else {}


def _address(value: Value) -> IPv4Address | IPv6Address:
    if not isinstance(value, str):
        raise ValueError(value)
    # The usual ones are read here: IPv4Address takes four times as long for a text as for octets.
    if _IPV4.fullmatch(value):
        return IPv4Address(bytes(map(int, value.split("."))))
    return IPv6Address(value) if ":" in value else IPv4Address(value)


def _domain(text: str) -> str:
    return text.lower().removesuffix(".")


def _seconds(text: str) -> int | None:
    """Seconds since the epoch, UTC: from a number of them or of milliseconds, or from a date (ISO 8601)."""
    if found := _NUMBER.fullmatch(text) if text.isascii() else None:
        seconds = int(found[1])
        seconds = seconds if seconds <= _LATEST else seconds // 1_000
    else:
        try:
            moment = datetime.fromisoformat(text)
            seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            return None
    return seconds if 0 <= seconds <= _LATEST else None
