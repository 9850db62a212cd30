"""A rule about messages: what it wants, who says so, and the function that looks for what is against it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from postroad.lint.finding import Finding, Level
from postroad.lint.message import LintedMessage

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
        seen = "; ".join(fault.seen for fault in found[:MAX_SHOWN])
        more = f"; and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
        add = "\n".join(dict.fromkeys(fault.add for fault in found if fault.add)) or None
        return Finding(self.id, found[0].level, seen + more, self.rule, self.rfc, add)


def excerpt(text: str) -> str:
    """A piece of a message for a sentence: on one line, escaped, and cut."""
    cut = text if len(text) <= MAX_EXCERPT else f"{text[: MAX_EXCERPT - 1]}…"
    return cut if cut.isprintable() else ascii(cut)[1:-1]
