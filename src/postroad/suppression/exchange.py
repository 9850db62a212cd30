"""Suppression lists as files: CSV and JSON lines, read and written line by line, however long.

What is read may come from elsewhere: columns have the names that the exports of others give them, and those that
nobody here knows are passed over.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TextIO

from postroad.errors import MessageError
from postroad.suppression.entry import Suppression
from postroad.suppression.reasons import Reason, read_reason

COLUMNS: Final = ("address", "stream", "reason", "source", "note", "created_at", "expires_at")
# What others call the columns, in lower case: Amazon SES, Postmark, SendGrid, Mailgun.
_CALLED: Final = {
    "address": ("address", "emailaddress", "email", "email address", "recipient"),
    "stream": ("stream",),
    "reason": ("reason", "suppressionreason"),
    "source": ("source",),
    "note": ("note",),
    "created_at": ("created_at", "createdat", "lastupdatetime", "created"),
    "expires_at": ("expires_at", "expiresat"),
}
MAX_LINE: Final = 64 * 1024  # characters; far beyond any entry, so that a wrong file does not fill the memory
# A spreadsheet takes a cell that begins so for a formula (owasp.org, CSV Injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_APOSTROPHE: Final = "'"  # in front of a cell it says that this is text; so one that is meant gets another


class Format(StrEnum):
    """The form of a file."""

    CSV = "csv"
    JSON_LINES = "jsonl"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no entry; ``number`` counts from 1."""

    number: int
    why: str


def bounded_lines(file: TextIO) -> Iterator[str]:
    """The lines of a file, of each no more than ``MAX_LINE``: however long one is, it never stands in memory."""
    while line := file.readline(MAX_LINE):
        yield line
        while len(line) == MAX_LINE and not line.endswith("\n"):  # the rest of it
            line = file.readline(MAX_LINE)


def read_entries(
    lines: Iterable[str],
    form: Format,
    *,
    reason: Reason = Reason.MANUAL,
    stream: str | None = None,
    checked_stream: Callable[[str], str] = str,
) -> Iterator[Suppression | BadLine]:
    """The entries of a file, each when its line has been read; ``reason`` and ``stream`` are for those that name none.

    A CSV file begins with the names of its columns, or has one address a line. ``checked_stream`` raises a
    ``MessageError`` for what is no name of a stream. Where the file may be anybody's, ``lines`` are ``bounded_lines``.
    """
    usual = {"reason": reason, "stream": stream}
    rows = _csv_rows(iter(lines)) if form is Format.CSV else _json_rows(iter(lines))
    for number, row in rows:
        try:
            yield BadLine(number, row) if isinstance(row, str) else _entry(row, usual, checked_stream)
        except MessageError as fault:
            yield BadLine(number, fault.message)


def _csv_rows(lines: Iterator[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    reader = csv.reader(lines)
    names: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as fault:
            yield reader.line_num, f"no CSV: {fault}"
            continue
        if cells is None:
            return
        if not any(cells):
            continue
        if names is None:
            names = [_column(cell) for cell in cells]
            if "address" in names:
                continue
            names = ["address"]
        yield reader.line_num, {name: _unquoted(cell) for name, cell in zip(names, cells, strict=False) if name}


def _column(title: str) -> str:
    plain = title.strip("\ufeff \t").lower()
    return next((name for name, called in _CALLED.items() if plain in called), "")


def _unquoted(cell: str) -> str:
    """A cell as it was before ``_quoted``."""
    return cell[1:] if cell[:1] == _APOSTROPHE and cell[1:].startswith((_APOSTROPHE, *_FORMULA)) else cell


def _json_rows(lines: Iterator[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip("\ufeff \t\r\n"):
            continue
        try:
            document = json.loads(line.lstrip("\ufeff"))
        except (ValueError, RecursionError) as fault:
            yield number, f"no JSON: {fault}"
            continue
        if isinstance(document, dict):
            yield number, {_column(name): value for name, value in document.items() if _column(name)}
        else:
            yield number, "no JSON object"


def _entry(row: Mapping[str, Any], usual: Mapping[str, Any], checked_stream: Callable[[str], str]) -> Suppression:
    told = {name: value for name, value in row.items() if value not in (None, "")}
    if "address" not in told:
        raise MessageError("no address", field="address")
    stream = told.get("stream", usual["stream"])
    return Suppression(
        address=str(told["address"]).strip(),
        reason=read_reason(told.get("reason", usual["reason"])),
        stream=None if stream is None else checked_stream(stream),
        source=_text(told.get("source")),
        note=_text(told.get("note")),
        created_at=_moment(told.get("created_at"), "created_at"),
        expires_at=_moment(told.get("expires_at"), "expires_at"),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(value: object, name: str) -> datetime | None:
    """A time: ISO 8601, in UTC where no zone is said, or seconds since the epoch, as SendGrid writes them."""
    if value is None:
        return None
    try:
        if str(value).isdecimal():
            return datetime.fromtimestamp(int(str(value)), UTC)
        read = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise MessageError(f"{name}: {value!r:.80} is no time like 2026-12-01T09:00Z", field=name) from None
    return read.replace(tzinfo=UTC) if read.utcoffset() is None else read


def written(entries: Iterable[Suppression], form: Format) -> Iterator[str]:
    """The lines of a file with these entries, without their ends."""
    if form is Format.JSON_LINES:
        for entry in entries:
            yield json.dumps(entry.as_dict())
        return
    yield csv_line(COLUMNS)
    for entry in entries:
        facts = entry.as_dict()
        yield csv_line([facts[name] for name in COLUMNS])


def csv_line(cells: Iterable[object]) -> str:
    """A line of CSV (RFC 4180) without its end; no spreadsheet takes a cell in it for a formula."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([_quoted(cell) for cell in cells])
    return line.getvalue()


def _quoted(value: object) -> str:
    text = "" if value is None else str(value)
    return f"{_APOSTROPHE}{text}" if text.startswith((_APOSTROPHE, *_FORMULA)) else text
