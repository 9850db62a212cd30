"""What a check found: of a message here, of a domain, a host or an address in the doctor. One form for all."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How grave it is, the mildest first."""

    PASS = "pass"  # noqa: S105 - a level, not a password
    INFO = "info"  # good to know; nothing needs to be done
    UNKNOWN = "unknown"  # it could not be found out; a look-up that got no answer is never a fault
    WARN = "warn"  # some receivers will mind, or will one day
    FAIL = "fail"  # it is against a rule that receivers enforce

    @property
    def gravity(self) -> int:
        """To compare levels with; more is graver."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """``id`` names the check; ``seen`` is what is there, ``rule`` what should be, ``rfc`` who says so; ``publish`` is
    the record or header field, complete, that makes the finding go, where one does."""

    id: str
    level: Level
    seen: str
    rule: str
    rfc: str
    publish: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """For JSON."""
        return {
            "id": self.id,
            "level": self.level.value,
            "seen": self.seen,
            "rule": self.rule,
            "rfc": self.rfc,
            "publish": self.publish,
        }
