"""How deliveries are shown: their states in colour, times as people read them."""

from datetime import UTC, datetime
from typing import Final

_COLOURS: Final = {
    "sent": "green",
    "accepted": "green",
    "refused": "red",
    "expired": "red",
    "uncertain": "yellow",
    "unknown": "yellow",
    "held": "yellow",
    "ready": "cyan",
    "scheduled": "cyan",
    "leased": "cyan",
}


def colour_of(state: object) -> str | None:
    """The colour of a state or a result."""
    return _COLOURS.get(str(state))


def moment(at: datetime | None) -> str:
    """A time in UTC, to the second; it sorts as text."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def due(at: datetime | None, now: datetime) -> str:
    """When something is due, seen from now: ``now``, ``in 40 s``, ``in 5 min``, ``in 3 h``, ``in 2 d``."""
    if at is None:
        return ""
    seconds = (at - now).total_seconds()
    return "now" if seconds <= 0 else f"in {span(seconds)}"


def span(seconds: float) -> str:
    """A length of time in its largest unit of which there are two."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def reply_text(code: int | None, enhanced: str | None, text: str | None) -> str:
    """What the server said, or what kept it from being asked."""
    return " ".join(str(part) for part in (code, enhanced, text) if part)
