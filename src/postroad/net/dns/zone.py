"""A DNS made of a mapping, for tests and for records that are not published yet: the ``zonedata`` of the openSPF suite.

A name has a list of records, each ``{TYPE: value}``; beside them may stand a word:

- ``TIMEOUT`` and ``SERVFAIL`` are what asking for a type comes to that has no record there;
- ``{TYPE: TIMEOUT}`` and ``{TYPE: SERVFAIL}``, that asking for this type comes to it;
- ``{TXT: NONE}``, that there is no such record. Without it, and without a TXT record, the records of the retired type
  SPF are TXT records, too: the suite writes most of its policies once, for both.

A name that has others below it exists (RFC 8020). A name ``*.acme.example`` stands for those below acme.example that do
not exist, as RFC 4592 has it. What is at or below a name with a DS record is signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from postroad.errors import ConfigurationError
from postroad.lookup import Answer, Record, RecordType, Status
from postroad.net.dns.question import question_name
from postroad.net.dns.zone_values import IGNORED_TYPES, record_of

TTL: Final = 300.0  # seconds; nobody waits for a written zone
_MAX_ALIASES: Final = 16  # as far as the resolvers in use follow (BIND)
_FAILURES: Final = {"TIMEOUT": Status.TIMEOUT, "SERVFAIL": Status.FAILED}


@dataclass(slots=True)
class _Node:
    """What stands at one name."""

    records: dict[RecordType, list[Record]] = field(default_factory=dict)
    failures: dict[RecordType, Status] = field(default_factory=dict)
    otherwise: Status = Status.NO_DATA  # for a type without a record
    texts_are_told: bool = False  # by a TXT record, or by its absence

    def records_of(self, kind: RecordType) -> Sequence[Record]:
        if kind is RecordType.SPF and not self.texts_are_told:
            return ()
        if kind is RecordType.TXT and not self.texts_are_told:
            kind = RecordType.SPF
        return self.records.get(kind, ())

    def status_without(self, kind: RecordType) -> Status:
        return self.failures.get(kind, self.otherwise)


class Zone:
    """A ``Resolver`` that answers from a mapping; it asks nobody.

    Raises:
        ConfigurationError: an entry is no record; the sentence names it.
    """

    def __init__(self, records: Mapping[str, object] | None = None) -> None:
        self._nodes: dict[str, _Node] = {}
        self._above: set[str] = {""}  # names that exist because others are below them
        self.unaskable: list[str] = []  # names that the DNS cannot hold: what stands there is never found
        for name, entries in (records or {}).items():
            self.add(name, entries)

    def add(self, name: str, entries: object) -> None:
        """Put records at a name: a list of entries, or one.

        Raises:
            ConfigurationError: one is no record.
        """
        at = question_name(name)
        if at is None:
            self.unaskable.append(name)
        node = _Node() if at is None else self._node(at)
        for entry in entries if isinstance(entries, list | tuple) else (entries,):
            try:
                _enter(node, entry)
            except ConfigurationError as fault:
                raise ConfigurationError(f"{ascii(name)[:80]}: {fault.message}", advice=ADVICE) from fault

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        return self.answer(name, kind)

    def answer(self, name: str, kind: RecordType) -> Answer:
        """As ``lookup``, at once."""
        at = question_name(name)
        if at is None:
            return Answer(name, kind, Status.NO_NAME)
        asked, aliases = at, list[str]()
        while (target := self._alias(at, kind)) is not None:
            at = question_name(target) or ""
            if at in (asked, *aliases) or len(aliases) == _MAX_ALIASES:
                return Answer(asked, kind, Status.FAILED, reason="the aliases do not end")
            aliases.append(at)
        status, records = self._at(at, kind)
        return Answer(asked, kind, status, records, TTL, self._signed(asked, *aliases), tuple(aliases), _reason(status))

    def _node(self, at: str) -> _Node:
        above = at
        while above not in self._above:
            self._above.add(above)
            above = above.partition(".")[2]
        return self._nodes.setdefault(at, _Node())

    def _alias(self, at: str, kind: RecordType) -> str | None:
        """Where the name leads to, unless it has what is asked for itself (RFC 1034 §3.6.2)."""
        node = self._standing_at(at)
        if node is None or kind is RecordType.CNAME or node.records_of(kind):
            return None
        target = next(iter(node.records_of(RecordType.CNAME)), None)
        return target if isinstance(target, str) else None

    def _at(self, at: str, kind: RecordType) -> tuple[Status, tuple[Record, ...]]:
        node = self._standing_at(at)
        if node is None:
            return (Status.NO_DATA if at in self._above else Status.NO_NAME), ()
        records = tuple(node.records_of(kind))
        return (Status.FOUND if records else node.status_without(kind)), records

    def _standing_at(self, at: str) -> _Node | None:
        """What is at a name, or what a wildcard puts there: one right below the nearest name above that exists
        (RFC 4592 §3.3.1)."""
        if at in self._above:
            return self._nodes.get(at)
        closest = next(above for above in (*_upwards(at)[1:], "") if above in self._above)
        return self._nodes.get(f"*.{closest}" if closest else "*")

    def _signed(self, *names: str) -> bool:
        return all(any(self._has_ds(above) for above in _upwards(name)) for name in names)

    def _has_ds(self, name: str) -> bool:
        node = self._nodes.get(name)
        return node is not None and bool(node.records_of(RecordType.DS))


ADVICE: Final = "An entry is TYPE: value, as in A: 192.0.2.1, or one of the words TIMEOUT and SERVFAIL."


def _enter(node: _Node, entry: object) -> None:
    if isinstance(entry, str) and entry in _FAILURES:
        node.otherwise = _FAILURES[entry]
    elif isinstance(entry, Mapping):
        for type_, value in entry.items():
            _enter_record(node, str(type_).upper(), value)
    elif entry is not None:  # a name without anything exists, and that is all
        raise ConfigurationError(f"{ascii(entry)[:80]} is no record")


def _enter_record(node: _Node, type_: str, value: object) -> None:
    if type_ in IGNORED_TYPES:
        return
    if type_ not in RecordType.__members__:
        raise ConfigurationError(f"{ascii(type_)[:40]} is no type of record")
    kind = RecordType[type_]
    node.texts_are_told |= kind is RecordType.TXT
    if isinstance(value, str) and value in _FAILURES:
        node.failures[kind] = _FAILURES[value]
    elif value != "NONE":
        node.records.setdefault(kind, []).append(record_of(kind, value))


def _upwards(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[first:]) for first in range(len(labels))]


def _reason(status: Status) -> str:
    return "the zone says so" if status.temporary else ""
