"""The results of the bench: a table for people, JSON for programs."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.contest import Comparison, Figure, Result


def print_table(results: Sequence[Result], console: Console) -> None:
    table = Table()
    for heading in ("row", "what", "ours", "peer", "theirs"):
        table.add_column(heading, justify="right" if heading in ("ours", "theirs") else "left")
    table.add_column("ratio", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("met")
    for result in results:
        head = (result.row.name, result.row.what, _figure(result.row.figure, result.ours))
        for comparison in result.comparisons:
            table.add_row(*head, *_cells(result.row.figure, comparison))
            head = ("", "", "")
        table.add_section()
    console.print(table)


def _cells(figure: Figure, comparison: Comparison) -> tuple[str, ...]:
    goal = "" if comparison.goal is None else f"{figure.sign} {comparison.goal:g} ×"
    if comparison.theirs is None or comparison.ratio is None:
        return comparison.peer, comparison.absent, "", goal, "not measured"
    met = {True: "yes", False: "NO", None: ""}[comparison.met]
    return comparison.peer, _figure(figure, comparison.theirs), f"{comparison.ratio:.2f} ×", goal, met


def _figure(figure: Figure, value: float) -> str:
    return f"{value:,.0f} {figure.value}" if figure is Figure.RATE else f"{value:.1f} {figure.value}"


def as_json(results: Sequence[Result]) -> str:
    return json.dumps([_plain(result) for result in results], indent=2, ensure_ascii=False)


def _plain(result: Result) -> dict[str, object]:
    return {
        "name": result.row.name,
        "what": result.row.what,
        "unit": result.row.figure.value,
        "ours": result.ours,
        "peers": [
            {
                "name": comparison.peer,
                "theirs": comparison.theirs,
                "ratio": comparison.ratio,
                "goal": comparison.goal,
                "met": comparison.met,
                "absent": comparison.absent,
            }
            for comparison in result.comparisons
        ],
    }


def goals_missed(results: Sequence[Result]) -> list[str]:
    return [
        f"{result.row.name} beside {comparison.peer}"
        for result in results
        for comparison in result.comparisons
        if comparison.met is False
    ]
