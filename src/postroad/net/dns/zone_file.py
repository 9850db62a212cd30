"""A zone written down in YAML: read with its limits, every fault with its line."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from postroad.errors import ConfigurationError
from postroad.net.dns.zone import ADVICE, Zone

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_OCTETS: Final = 16 * 1024 * 1024  # of a file: some hundred thousand records, more than anybody tries by hand
MAX_RECORDS: Final = 500_000  # in all: a list that is named once and meant everywhere must not fill the memory
_MAX_DEPTH: Final = 5  # names, records, record, value, its strings


def read_zone(content: bytes) -> Zone:
    """The zone in a YAML document: a mapping from names to lists of records, as ``Zone`` has it.

    Every scalar is taken as it is written: no number, date or truth value is made of it.

    Raises:
        ConfigurationError: it is no YAML, no such mapping, or too large; the sentence names the line.
    """
    if len(content) > MAX_OCTETS:
        raise ConfigurationError(f"the zone has {len(content)} octets, and {MAX_OCTETS} are the limit")
    zone = Zone()
    count = 0
    for name, items in _document(content).pairs("names"):
        for item in items.items() or [_Node(items.line, None)]:
            count += 1
            if count > MAX_RECORDS:
                raise _at(item.line, f"there are more than {MAX_RECORDS} records")
            _add(zone, name, item)
    return zone


def _add(zone: Zone, name: "_Node", item: "_Node") -> None:
    if not isinstance(name.value, str):
        raise _at(name.line, "a name is missing")
    try:
        zone.add(name.value, [item.plain()])
    except ConfigurationError as fault:
        raise _at(item.line, fault.message, fault.advice) from fault


def _at(line: int, sentence: str, advice: str | None = None) -> ConfigurationError:
    return ConfigurationError(f"line {line}: {sentence}", advice=advice or ADVICE)


@dataclass(frozen=True, slots=True)
class _Node:
    """A value and the line where it stands: a text, octets, ``None``, a list of nodes, or pairs of them."""

    line: int
    value: "str | bytes | list[_Node] | tuple[tuple[_Node, _Node], ...] | None"

    def pairs(self, what: str) -> "tuple[tuple[_Node, _Node], ...]":
        if self.value is None:
            return ()
        if not isinstance(self.value, tuple):
            raise _at(self.line, f"a mapping of {what} is wanted here")
        return self.value

    def items(self) -> "list[_Node]":
        """The records at a name: one each for the entries of a list; a single one needs no list."""
        return self.value if isinstance(self.value, list) else [self]

    def plain(self) -> object:
        if isinstance(self.value, list):
            return [one.plain() for one in self.value]
        if isinstance(self.value, tuple):
            return {str(name.plain()): value.plain() for name, value in self.value}
        return self.value


def _document(content: bytes) -> _Node:
    import yaml  # late: it is large, and only who gives a zone needs it

    # The events are read one by one, because composing nodes recurses: deep nesting would end the interpreter.
    events = yaml.parse(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        return _Composer(events).document()
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        reason = getattr(fault, "problem", None) or str(fault).partition("\n")[0]
        raise _at(mark.line + 1 if mark else 1, f"no YAML: {reason}") from fault
    except UnicodeDecodeError as fault:
        raise ConfigurationError(f"the zone is not UTF-8 at octet {fault.start}") from fault


class _Composer:
    """Makes nodes of events, as deep as a zone goes."""

    def __init__(self, events: "Iterator[Any]") -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}

    def document(self) -> _Node:
        for event in self._events:
            kind = type(event).__name__
            if kind not in ("StreamStartEvent", "DocumentStartEvent"):
                if kind == "StreamEndEvent":
                    break
                node = self._node(event, 1)
                self._end()
                return node
        return _Node(1, None)

    def _end(self) -> None:
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                raise _at(event.start_mark.line + 1, "a second document begins, and a zone is one")

    def _node(self, event: Any, depth: int) -> _Node:
        line = event.start_mark.line + 1
        kind = type(event).__name__
        if kind == "AliasEvent":
            if event.anchor not in self._anchors:
                raise _at(line, f"nothing is called {ascii(event.anchor)[:40]}")
            return self._anchors[event.anchor]
        if depth > _MAX_DEPTH:
            raise _at(line, "this is nested deeper than a record can be")
        node = _Node(line, self._value(kind, event, depth))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _value(self, kind: str, event: Any, depth: int) -> Any:
        if kind == "SequenceStartEvent":
            return list(self._children(depth))
        if kind == "MappingStartEvent":
            children = list(self._children(depth))
            return tuple(zip(children[::2], children[1::2], strict=True))
        return _scalar(event)

    def _children(self, depth: int) -> "Iterator[_Node]":
        for event in self._events:
            if type(event).__name__ in ("SequenceEndEvent", "MappingEndEvent"):
                return
            yield self._node(event, depth + 1)


def _scalar(event: Any) -> str | bytes | None:
    if event.tag == "tag:yaml.org,2002:binary":
        return _octets(event)
    plain = event.style in (None, "")
    return None if plain and event.value in ("", "~", "null") else str(event.value)


def _octets(event: Any) -> bytes:
    from base64 import b64decode  # late, beside yaml

    try:
        return b64decode(event.value)
    except ValueError as fault:
        raise _at(event.start_mark.line + 1, "!!binary is no base64") from fault
