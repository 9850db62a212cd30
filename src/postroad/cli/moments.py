"""Times on a command line: a date with its time zone, or how long from now."""

import re
from datetime import datetime, timedelta
from typing import Final

import click

_SPAN: Final = re.compile(r"\+(\d{1,6})([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ADVICE: Final = "a date like 2026-12-01T09:00Z"


def moment(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | timedelta | None:
    """``2026-12-01T09:00Z``, ``2026-12-01T10:00+01:00``, or ``+90s``, ``+15m``, ``+2h``, ``+3d``, ``+1w`` from now.

    Raises:
        click.BadParameter: neither, or a date without its time zone.
    """
    if value is not None and (span := _SPAN.fullmatch(value)):
        return timedelta(**{_UNITS[span[2]]: int(span[1])})
    return _date(value, f"neither {_ADVICE} nor a span like +90s, +15m, +2h or +3d")


def date(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """``2026-12-01T09:00Z`` or ``2026-12-01T10:00+01:00``.

    Raises:
        click.BadParameter: no date, or one without its time zone.
    """
    return _date(value, f"not {_ADVICE}")


def _date(value: str | None, wrong: str) -> datetime | None:
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!a} is {wrong}") from None
    if read.utcoffset() is None:
        raise click.BadParameter(f"{value!a} has no time zone; add Z for UTC, or +01:00")
    return read
