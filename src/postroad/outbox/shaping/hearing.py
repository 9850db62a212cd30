"""What replies change: a rule that replies meet often enough slows down or suspends a destination for a while. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from postroad.outbox.shaping.limits import Limits, Scope
from postroad.outbox.shaping.rules import ReplyRule, Rules
from postroad.reply import Phase, Reply


class Heard(NamedTuple):
    """A refusal, as it came. ``site`` is ``None`` where a relay said it: it speaks for itself, not for the site."""

    reply: Reply
    phase: Phase
    site: str | None


class Measure(NamedTuple):
    """What is to hold for a while: limits, or without any, nothing at all may go. Times are seconds since the epoch."""

    scope: Scope
    key: str
    since: float
    until: float
    limits: Limits | None
    who: str
    why: str

    def beside(self, other: "Measure") -> "Measure":
        """This one, where the other holds for the same thing, too."""
        limits = self.limits if self.limits is None or other.limits is None else self.limits.and_also(other.limits)
        return self._replace(limits=limits, until=max(self.until, other.until))


def together(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """All of them, and of what is limited twice the lower limits until the later end: the last one says why."""
    held: dict[tuple[Scope, str, bool], Measure] = {}
    for one in measures:
        kind = (one.scope, one.key, one.limits is None)
        known = held.get(kind)
        held[kind] = one if known is None else one.beside(known)
    return tuple(held.values())


class Ear:
    """Counts what was heard, and finds the rule that it comes to."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._times: dict[tuple[str, str], deque[float]] = {}

    def hear(self, heard: Heard, key: str, now: float) -> ReplyRule | None:
        """The first rule that this reply meets, if it has been met often enough; ``key`` is what would be slowed."""
        rule = self._rules.reply_rule(*heard)
        if rule is None:
            return None
        times = self._times.setdefault((rule.id, key), deque(maxlen=rule.action.after))
        times.append(now)
        if len(times) < rule.action.after or now - times[0] > rule.action.within:
            return None
        times.clear()
        return rule
