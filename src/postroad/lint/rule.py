"""A rule about messages: what it wants, who says so, and the function that looks for what is against it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from postroad.lint.finding import Finding, Level
from postroad.lint.message import LintedMessage
from postroad.lint.telling import listed, shortened

MAX_SHOWN: Final = 5  # faults of one rule that are told; the rest are counted
MAX_EXCERPT: Final = 80  # characters of what stands in a message that are shown


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is against a rule. ``add`` is the header field that mends it."""

    level: Level
    seen: str
    add: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """``faults`` looks at a message; ``fine`` says what a message looks like in which it finds nothing."""

    id: str
    rule: str
    rfc: str
    fine: str
    faults: Callable[[LintedMessage], Iterable[Fault]]

    def apply(self, message: LintedMessage) -> Finding:
        """One finding, as grave as the gravest fault."""
        found = sorted(self.faults(message), key=lambda fault: -fault.level.gravity)
        if not found:
            return Finding(self.id, Level.PASS, self.fine, self.rule, self.rfc)
        seen = listed((fault.seen for fault in found), MAX_SHOWN)
        add = "\n".join(dict.fromkeys(fault.add for fault in found if fault.add)) or None
        return Finding(self.id, found[0].level, seen, self.rule, self.rfc, add)


def excerpt(text: str) -> str:
    """A piece of a message for a sentence."""
    return shortened(text, MAX_EXCERPT)
