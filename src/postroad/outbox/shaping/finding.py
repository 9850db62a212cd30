"""What a check of rules has to say."""

from dataclasses import dataclass
from enum import StrEnum

from postroad.outbox.shaping.rules import Rules


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"  # it can never have an effect
    WARN = "warn"  # a part of it has none, or it is hardly what was meant
    NOTE = "note"  # good to know; nothing is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found where (``[site.google]``, ``[[reply]] my-rule``), and what to do about it."""

    level: Level
    place: str
    problem: str
    advice: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"level": self.level, "place": self.place, "problem": self.problem, "advice": self.advice}


@dataclass(frozen=True, slots=True)
class Case:
    """The rules that are judged, those that they are laid over, and both together."""

    judged: Rules
    shipped: Rules
    in_force: Rules

    def receiver(self, domain: str) -> str | None:
        """The site that this domain belongs to in the end, if it is a known one."""
        return next((site.name for site in self.in_force.sites.values() if domain in site.domains), None)
