"""The Date of a message: RFC 5322 §3.3, always in UTC, so that equal instants are equal bytes."""

from typing import TYPE_CHECKING, Final

from postroad.errors import MessageError

if TYPE_CHECKING:
    from datetime import datetime

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FIRST_YEAR: Final = 1900  # RFC 5322 §3.3: year of four digits, 1900 or later


def checked(value: object, field: str = "date") -> "datetime | None":
    """``value`` if it is an aware datetime that a header can hold, in UTC and whole seconds.

    Raises:
        MessageError: naming ``field``; a naive datetime means another instant on every machine.
    """
    if value is None:
        return None
    from datetime import UTC, datetime  # loaded late: a message rarely brings its own date

    if not isinstance(value, datetime):
        raise MessageError(f"{field}: a datetime is needed, not {type(value).__name__}", field=field)
    if value.utcoffset() is None:
        raise MessageError(
            f"{field}: the datetime has no time zone",
            field=field,
            advice="Use an aware datetime, such as datetime.now(timezone.utc).",
        )
    try:
        instant = value.astimezone(UTC).replace(microsecond=0)
    except OverflowError as fault:
        raise MessageError(f"{field}: out of range in UTC", field=field) from fault
    if instant.year < _FIRST_YEAR:
        raise MessageError(f"{field}: before {_FIRST_YEAR} (RFC 5322 §3.3)", field=field)
    return instant


def rendered(instant: "datetime") -> str:
    """``Tue, 01 Jul 2003 08:52:37 +0000`` for an aware datetime."""
    year, month, day, hour, minute, second, weekday, *_ = instant.utctimetuple()
    return f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month - 1]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} +0000"
