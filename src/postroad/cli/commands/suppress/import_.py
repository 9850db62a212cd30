"""``postroad suppress import``."""

from collections.abc import Iterator
from itertools import chain
from typing import TextIO

import click

from postroad.cli.counted import counted
from postroad.cli.database_option import database_option, outbox_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.suppressed import REASONS
from postroad.cli.terminal import note, say
from postroad.outbox.stream import checked_name
from postroad.suppression.entry import Suppression
from postroad.suppression.exchange import BadLine, Format, bounded_lines, read_entries
from postroad.suppression.reasons import read_reason
from postroad.terminal_text import one_line


@click.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig", errors="replace"))
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), help="Else what its first line looks like.")
@click.option("--reason", metavar="REASON", default="manual", show_default=True, help=f"Where none stands: {REASONS}.")
@click.option("--stream", metavar="NAME", help="For this stream, where none stands; else for all.")
@database_option
@form_options
def import_(form: Form, db: str | None, file: TextIO, kind: str | None, reason: str, stream: str | None) -> None:
    """Put the entries of a FILE on the list; - is standard input.

    A CSV file begins with the names of its columns (address, stream, reason, source, note, created_at, expires_at), or
    has one address a line. Exports of Amazon SES, Postmark and SendGrid are understood. A line that is wrong is told
    with its number, the others are taken, and the exit code is 65; doing it again doubles nothing.
    """
    lines = bounded_lines(file)
    first = next(lines, "")
    looks_like = Format.JSON_LINES if first.lstrip().startswith("{") else Format.CSV
    count = _Count()
    entries = read_entries(
        chain((first,), lines),
        Format(kind) if kind else looks_like,
        reason=read_reason(reason),
        stream=None if stream is None else checked_name(stream),
        checked_stream=checked_name,
    )
    with outbox_of(db) as outbox:
        changed = outbox.suppressions.add_many(count.entries(entries))
    numbers = {"read": count.read, "changed": changed, "refused": count.refused}
    if form is Form.TEXT:
        say(f"{counted(count.read, 'entry', 'entries')} read, {changed} new or longer, {count.refused} refused")
    else:
        say_json(numbers, form)
    if count.refused:
        raise Ended(ExitCode.BAD_MESSAGE)


class _Count:
    """Counts entries on their way, and tells of the lines that are none."""

    def __init__(self) -> None:
        self.read = 0
        self.refused = 0

    def entries(self, lines: Iterator[Suppression | BadLine]) -> Iterator[Suppression]:
        for line in lines:
            if isinstance(line, Suppression):
                self.read += 1
                yield line
            else:
                self.refused += 1
                note(f"line {line.number}: {one_line(line.why)}")
