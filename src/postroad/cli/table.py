"""Tables: drawn on a terminal, plain columns for a pipe or a log."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.cli.terminal import say
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from rich.text import Text


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading.

    ``below`` heads what stands on a second line on a terminal; elsewhere that is a column of its own. A ``whole``
    column is never wrapped: somebody will copy what it holds.
    """

    title: str
    below: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a column, its colour on a terminal, and what stands below it."""

    text: str
    below: str = ""
    colour: str | None = None


Row = Sequence[Cell | object]  # whatever is no cell is shown as a text


def say_table(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Print a table. Everything is escaped. A pipe gets everything whole, one row a line."""
    cells = [[cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(columns, cells)
    else:
        _write(columns, cells)


def _write(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    heads = [Cell(column.title, column.below) for column in columns]
    texts = [list(_flat(columns, row)) for row in (heads, *rows)]
    texts[0] = [text.upper() for text in texts[0]]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        say("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _flat(columns: Sequence[Column], row: Sequence[Cell]) -> Iterable[str]:
    for column, cell in zip(columns, row, strict=True):
        yield one_line(cell.text)
        if column.below:
            yield one_line(cell.below)


def _draw(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    # Loaded only where there is a terminal to draw on: it takes as long to load as everything else together.
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in columns:
        heading = _stacked(Cell(column.title, column.below))
        table.add_column(heading, no_wrap=column.whole, overflow="fold")
    for row in rows:
        table.add_row(*map(_stacked, row))
    Console(highlight=False).print(table)


def _stacked(cell: Cell) -> "Text":
    from rich.text import Text  # late, as above

    text = Text(one_line(cell.text), style=cell.colour or "")
    return text.append(f"\n{one_line(cell.below)}", style="dim") if cell.below else text
