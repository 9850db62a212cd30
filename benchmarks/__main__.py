"""The command: ``python -m benchmarks``."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks import contest
from benchmarks.contest import Effort, Result, Row
from benchmarks.report import as_json, goals_missed, print_table
from benchmarks.rows import (
    accept,
    blocking,
    bounces,
    client_one,
    client_twenty,
    command_help,
    depth,
    dkim_sign,
    dmarc_aggregate,
    enqueueing,
    fairness,
    latency,
    outbox,
    outbox_postgresql,
    outbox_signed,
    render,
    sendmail_start,
    startup,
    workers,
)

FILE_WIDTH = 140  # columns, where the table goes into a file or a pipe
ROWS = {
    row.name: row
    for row in (
        render.ROW,
        dkim_sign.ROW,
        client_one.ROW,
        client_twenty.ROW,
        latency.ROW,
        blocking.ROW,
        accept.ONE_MESSAGE,
        accept.MANY_MESSAGES,
        startup.ROW,
        sendmail_start.ROW,
        command_help.ROW,
        outbox.ROW,
        outbox_signed.ROW,
        outbox_postgresql.ROW,
        workers.ROW,
        depth.EACH,
        depth.START,
        depth.MEMORY,
        fairness.USUAL,
        fairness.WORST,
        enqueueing.ROW,
        bounces.ROW,
        dmarc_aggregate.ROW,
    )
}


def main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    progress = Console(stderr=True)
    rows = [ROWS[name] for name in options.names or ROWS]
    results = [_run(row, Effort.QUICK if options.quick else Effort.FULL, progress) for row in rows]
    if options.json:
        print(as_json(results))
    else:
        print_table(results, Console(width=None if sys.stdout.isatty() else FILE_WIDTH))
    missed = goals_missed(results)
    if missed:
        progress.print(f"goals not met: {', '.join(missed)}")
    return 1 if missed and options.strict else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="Compare postroad with its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these rows, of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="short turns: to see that it works, not how fast")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a goal is not met")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return options


def _run(row: Row, effort: Effort, progress: Console) -> Result:
    progress.print(f"{row.name}: {row.what} …")
    return contest.run(row, effort)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
