"""The records of a DMARC aggregate report: how many messages came from an address, and what became of them."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, TypeVar

from postroad.reports.deviations import shown
from postroad.reports.dmarc_aggregate import DkimResult, Identifiers, PolicyEvaluated, Reason, Record, SpfResult
from postroad.reports.dmarc_words import (
    DISPOSITIONS,
    DKIM_RESULTS,
    REASONS,
    SCOPES,
    SPF_RESULTS,
    VERDICTS,
    Words,
    children,
    domain_of,
    texts_of,
)
from postroad.reports.xml_elements import Value

_T = TypeVar("_T")

_MAX_KNOWN: Final = 10_000  # results that are remembered while a report is read
_RECORD: Final = frozenset({"row", "identifiers", "identities", "auth_results"})
_ROW: Final = frozenset({"source_ip", "count", "policy_evaluated"})
_EVALUATED: Final = frozenset({"disposition", "dkim", "spf", "reason"})
_IDENTIFIERS: Final = frozenset({"header_from", "envelope_from", "envelope_to"})
_RESULT: Final = frozenset({"domain", "selector", "scope", "result", "human_result"})
_COUNT: Final = re.compile(r"([0-9]{1,20})(?:\.[0-9]{1,20})?")
_OCTETS: Final = {str(octet): octet for octet in range(256)}  # of an IPv4 address, without zeros before


class RecordReader:
    """Reads one after the other. Most records of a report repeat the results of others: what was read once, and was in
    order, is not read again."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._known: dict[tuple[str, Value], Any] = {}

    def read(self, value: Value) -> Record | None:
        """``None`` where it cannot be said whose messages it counts, or how many."""
        given = dict(children(value))
        row = dict(children(given.get("row", "")))
        if not (given.keys() <= _RECORD and row.keys() <= _ROW):
            self._words.only(given, _RECORD, "record")
            self._words.only(row, _ROW, "row")
        address, count = self._address(row.get("source_ip", "")), self._count(row.get("count", ""))
        if address is None or count is None:
            return None
        # Drafts before RFC 7489 called them identities.
        identifiers = given.get("identifiers") or given.get("identities", "")
        dkim, spf = self._once("auth_results", given.get("auth_results", ""), self._results)
        return Record(
            address,
            count,
            self._once("policy_evaluated", row.get("policy_evaluated", ""), self._evaluated),
            self._once("identifiers", identifiers, self._identifiers),
            dkim,
            spf,
        )

    def _once(self, name: str, value: Value, read: Callable[[Value], _T]) -> _T:
        known: _T | None = self._known.get((name, value))
        if known is None:
            noted = self._words.deviations.noted
            known = read(value)
            # What deviates is read each time, so that each time is counted.
            if noted == self._words.deviations.noted and len(self._known) < _MAX_KNOWN:
                self._known[name, value] = known
        return known

    def _address(self, value: Value) -> IPv4Address | IPv6Address | None:
        text = value if isinstance(value, str) else ""
        try:
            return IPv6Address(text) if ":" in text else _ipv4(text)
        except (ValueError, KeyError):
            self._words.note(f"left out: its <source_ip> is {shown(text)}, no address")
            return None

    def _count(self, value: Value) -> int | None:
        text = value if isinstance(value, str) else ""
        found = _COUNT.fullmatch(text)
        if found is None:
            self._words.note(f"left out: its <count> is {shown(text)}, no number")
            return None
        if found[1] != text:
            self._words.note(f"<count> is {shown(text)}, no whole number")
        return int(found[1])

    def _evaluated(self, value: Value) -> PolicyEvaluated:
        texts, word = texts_of(value), self._words.word
        self._words.only([name for name, _ in children(value)], _EVALUATED, "policy_evaluated")
        reasons = [texts_of(one) for name, one in children(value) if name == "reason"]
        return PolicyEvaluated(
            disposition=word("disposition", texts, DISPOSITIONS, needed=True),
            dkim=word("dkim", texts, VERDICTS, needed=True),
            spf=word("spf", texts, VERDICTS, needed=True),
            reasons=tuple([Reason(word("type", one, REASONS, needed=True), one.get("comment", "")) for one in reasons]),
        )

    def _identifiers(self, value: Value) -> Identifiers:
        texts = texts_of(value)
        self._words.only(texts, _IDENTIFIERS, "identifiers")
        if not texts.get("header_from"):
            self._words.note("<identifiers> has no <header_from>")
        return Identifiers(
            domain_of(texts.get("header_from", "")),
            domain_of(texts.get("envelope_from", "")),
            domain_of(texts.get("envelope_to", "")),
        )

    def _results(self, value: Value) -> tuple[tuple[DkimResult, ...], tuple[SpfResult, ...]]:
        results = children(value)
        return (
            tuple([self._once("dkim", value, self._dkim) for name, value in results if name == "dkim"]),
            tuple([self._once("spf", value, self._spf) for name, value in results if name == "spf"]),
        )

    def _dkim(self, value: Value) -> DkimResult:
        texts = texts_of(value)
        self._words.only(texts, _RESULT, "dkim")
        return DkimResult(
            domain=domain_of(texts.get("domain", "")),
            selector=texts.get("selector", ""),
            result=self._words.word("result", texts, DKIM_RESULTS, needed=True),
            human_result=texts.get("human_result", ""),
        )

    def _spf(self, value: Value) -> SpfResult:
        texts = texts_of(value)
        self._words.only(texts, _RESULT, "spf")
        return SpfResult(
            domain=domain_of(texts.get("domain", "")),
            scope=self._words.word("scope", texts, SCOPES) or "mfrom",  # the only one in RFC 9990
            result=self._words.word("result", texts, SPF_RESULTS, needed=True),
            human_result=texts.get("human_result", ""),
        )


def _ipv4(text: str) -> IPv4Address:
    """The address. IPv4Address takes four times as long for a text as for a number."""
    first, second, third, fourth = map(_OCTETS.__getitem__, text.split("."))
    return IPv4Address(first << 24 | second << 16 | third << 8 | fourth)
