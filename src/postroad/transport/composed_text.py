"""How a composed route is written: ``failover(A B)``, ``roundrobin(A B)``, ``weighted(A=9 B=1)``.

White space separates; a member is a URL or such a text itself; the last ``=`` of a member of ``weighted`` is its
weight. Behind the closing parenthesis may stand the breaker's settings: ``failover(A B)?failures=5&seconds=60``.
"""

import re
from typing import Final, NamedTuple

from postroad.errors import ConfigurationError
from postroad.transport.breaker import BreakerSettings
from postroad.transport.composition import MAX_WEIGHT, Failover, RoundRobin, Weighted, checked_weight
from postroad.transport.route_url import OPENING, count_from, options_in, seconds_from

MAX_DEPTH: Final = 8  # compositions within one another; nobody can read more
_COMMA: Final = re.compile(r"[,;](?:$|[a-z+]+://)")  # where another member is meant to begin
_END_OF_SUFFIX: Final = re.compile(r"[\s)]|$")


class Written(NamedTuple):
    """A composition as it was written: its members are URLs or such values, each with what stands behind its ``=``."""

    kind: str
    members: "tuple[tuple[str | Written, int], ...]"  # the weight is 1 where there is none to give
    breaker: BreakerSettings


_KINDS: Final = (Failover.kind, RoundRobin.kind, Weighted.kind)


def read_composition(text: str) -> Written:
    """Read a composition.

    Raises:
        ConfigurationError: it is not one; what is shown of it holds no password.
    """
    written, suffix, end = _Reader(text).composition(0, 1)
    if text[end:].strip():
        raise _wrong("something stands behind its closing parenthesis")
    return written._replace(breaker=_breaker(suffix))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def composition(self, start: int, depth: int) -> tuple[Written, str, int]:
        """The composition at ``start``, what is written right behind its parenthesis, and where that ends."""
        opening = OPENING.match(self._text, start)
        assert opening is not None
        kind = opening[1]
        if kind not in _KINDS:
            raise _wrong(f"{kind}( is unknown", f"Use one of {', '.join(f'{known}(…)' for known in _KINDS)}.")
        if depth > MAX_DEPTH:
            raise _wrong(f"more than {MAX_DEPTH} compositions within one another")
        members: list[tuple[str | Written, int]] = []
        position = self._past_space(opening.end())
        while not self._text.startswith(")", position):
            if position >= len(self._text):
                raise _wrong(f"{kind}( is not closed")
            member, position = self._member(position, depth, weighted=kind == Weighted.kind)
            members.append(member)
            position = self._past_space(position)
        if not members:
            raise _wrong(f"{kind}() has no routes")
        end = _end(self._text, position + 1)
        return Written(kind, tuple(members), BreakerSettings()), self._text[position + 1 : end], end

    def _member(self, start: int, depth: int, *, weighted: bool) -> tuple[tuple[str | Written, int], int]:
        if OPENING.match(self._text, start) is None:
            end = self._end_of_url(start)
            if _COMMA.search(self._text[start:end]):
                raise _wrong("a comma stands between its routes", "White space separates: failover(smtp://a smtp://b)")
            url, weight = _apart(self._text[start:end]) if weighted else (self._text[start:end], 1)
            return (url, weight), end
        written, suffix, end = self.composition(start, depth + 1)
        suffix, weight = _apart(suffix) if weighted else (suffix, 1)
        return (written._replace(breaker=_breaker(suffix)), weight), end

    def _end_of_url(self, start: int) -> int:
        """A URL ends before white space, or a parenthesis that it has not opened itself."""
        opened = 0
        for position in range(start, len(self._text)):
            character = self._text[position]
            opened += (character == "(") - (character == ")")
            if opened < 0 or character.isspace():
                return position
        return len(self._text)

    def _past_space(self, position: int) -> int:
        while position < len(self._text) and self._text[position].isspace():
            position += 1
        return position


def _end(text: str, start: int) -> int:
    match = _END_OF_SUFFIX.search(text, start)
    assert match is not None
    return match.start()


def _apart(text: str) -> tuple[str, int]:
    """A member of ``weighted`` and its weight."""
    member, _, weight = text.rpartition("=")
    if not (weight.isascii() and weight.isdigit()):
        raise _wrong("a member of weighted(…) does not end in =WEIGHT", "Write weighted(smtp://a=9 smtp://b=1).")
    return member, checked_weight(int(weight) if len(weight) < 10 else MAX_WEIGHT + 1)


def _breaker(suffix: str) -> BreakerSettings:
    if not suffix:
        return BreakerSettings()
    if not suffix.startswith("?"):
        raise _wrong("only ?options follow a closing parenthesis", "A parenthesis inside a URL is written %28 or %29.")
    options = options_in(suffix[1:])
    if unknown := set(options) - {"failures", "seconds"}:
        names = ", ".join(sorted(map(ascii, unknown)))
        raise ConfigurationError(f"a composed route has no option {names}; it has failures, seconds", setting="url")
    usual = BreakerSettings()
    return BreakerSettings(
        count_from("failures", options["failures"]) if "failures" in options else usual.failures,
        seconds_from("seconds", options["seconds"]) if "seconds" in options else usual.seconds,
    )


def _wrong(what: str, advice: str | None = None) -> ConfigurationError:
    return ConfigurationError(f"the composed route cannot be read: {what}", setting="url", advice=advice)
