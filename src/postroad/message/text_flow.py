"""Lines of plain text as they are being written: white space collapsed, blocks set apart, lists indented."""

import re
from typing import Final

_SPACES: Final = re.compile(r"[ \t\n\r\f]+")
# No-break spaces are spaces in plain text; soft hyphens and other fillers of hidden preheaders are nothing.
_CHARACTERS: Final = {
    **dict.fromkeys((0xA0, 0x2007, 0x202F), " "),
    **dict.fromkeys((0xAD, 0x34F, 0x200B, 0x2060, 0xFEFF)),
}
_INVISIBLE: Final = " \u200c\u200d\u200e\u200f"
_MAX_INDENTS: Final = 16  # nested lists and quotations that are still set in; deeper ones could not be read anyway
_MAX_UNDERLINE: Final = 60  # characters
_TABLE_WIDTH: Final = 78  # characters; wider tables lose their columns on most screens
_GAP: Final = "  "


class _Indent:
    """What stands before the lines of a list item or a quotation: ``first`` once, then ``rest``."""

    __slots__ = ("first", "rest")

    def __init__(self, first: str, rest: str) -> None:
        self.first = first
        self.rest = rest


class Flow:
    """Text that grows line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.said = 0  # lines that hold text, not counting blank ones
        self._line: list[str] = []
        self._after_space = True
        self._blank_at: int | None = None  # a blank line is wanted, inside so many indents
        self._indents: list[_Indent] = []
        self._too_deep = 0
        self._preformatted = 0
        self._width = 0  # of the last line of text

    def text(self, text: str) -> None:
        """Add running text; white space collapses as a browser does it."""
        if not text.isascii():
            text = text.translate(_CHARACTERS)
        if self._preformatted:
            self._preformatted_text(text)
            return
        text = _SPACES.sub(" ", text)
        if self._after_space and text[:1] == " ":
            text = text[1:]
        if text:
            self._line.append(text)
            self._after_space = text[-1] == " "

    def _preformatted_text(self, text: str) -> None:
        first, *others = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(8).split("\n")
        self._line.append(first)
        for line in others:
            self._finish_line()
            self._line.append(line)
        self._after_space = False

    def newline(self) -> None:
        """A forced line break; on an empty line, a blank line."""
        if not self.block():
            self._want_blank()

    def block(self) -> bool:
        """Be at the beginning of a line; whether a line had to be ended for it."""
        before = self.said
        if self._line:
            self._finish_line(forced=False)
        return self.said > before

    def paragraph(self) -> None:
        """Be at the beginning of a line with a blank line before it."""
        self.block()
        self._want_blank()

    def _want_blank(self) -> None:
        depth = len(self._indents)
        self._blank_at = depth if self._blank_at is None else min(depth, self._blank_at)

    def indent(self, first: str, rest: str) -> None:
        """Set the following lines in, until ``outdent``."""
        if len(self._indents) < _MAX_INDENTS:
            self._indents.append(_Indent(first, rest))
        else:
            self._too_deep += 1

    def outdent(self) -> None:
        """End the innermost ``indent``."""
        self.block()
        if self._too_deep:
            self._too_deep -= 1
        else:
            self._indents.pop()

    def preformatted(self, change: int) -> None:
        """Enter (1) or leave (-1) text whose white space counts."""
        self._preformatted += change

    def underline(self, character: str) -> None:
        """Underline the last line."""
        self._line.append(character * min(self._width, _MAX_UNDERLINE))
        self._finish_line()

    def add_table(self, table: "Table") -> None:
        """Add what a table says; one that holds data stands apart."""
        if table.holds_data:
            self.paragraph()
        self._add_lines(table.lines())
        if table.holds_data:
            self.paragraph()

    def _add_lines(self, lines: list[str]) -> None:
        self.block()
        for line in lines:
            if line:
                self._line.append(line)
                self._finish_line()
            else:
                self._want_blank()

    def finished(self) -> str:
        """Everything, with ``\\n`` line ends."""
        self.block()
        return "\n".join([*self.lines, ""]) if self.lines else ""

    def _finish_line(self, *, forced: bool = True) -> None:
        text = "".join(self._line).rstrip(_INVISIBLE)
        self._line.clear()
        self._after_space = True
        if not text.strip(_INVISIBLE):
            if forced and self._preformatted:
                self._want_blank()
            return
        if self._blank_at is not None and self.lines:
            self.lines.append("".join([indent.rest for indent in self._indents[: self._blank_at]]).rstrip())
        self._blank_at = None
        self.lines.append(self._prefix() + text)
        self.said += 1
        self._width = len(text)

    def _prefix(self) -> str:
        prefix = "".join([indent.first for indent in self._indents])
        for indent in self._indents:
            indent.first = indent.rest
        return prefix


class Table:
    """The cells of a table, each a list of lines, until it can be laid out."""

    def __init__(self) -> None:
        self._rows: list[list[list[str]]] = []

    def begin_row(self) -> None:
        self._rows.append([])

    def add_cell(self, lines: list[str]) -> None:
        if not self._rows:
            self._rows.append([])
        self._rows[-1].append(lines)

    @property
    def holds_data(self) -> bool:
        """More than one row, more than one column, every cell of one line: anything else is layout."""
        rows = self._filled()
        return len(rows) > 1 and any(len(row) > 1 for row in rows) and _is_short(rows)

    def lines(self) -> list[str]:
        """Short cells in columns, anything else cell below cell."""
        rows = self._filled()
        if _is_short(rows):
            return _columns([[cell[0] if cell else "" for cell in row] for row in rows])
        return _stacked(rows)

    def _filled(self) -> list[list[list[str]]]:
        return [row for row in self._rows if any(row)]


def _is_short(rows: list[list[list[str]]]) -> bool:
    return all(len(cell) <= 1 for row in rows for cell in row)


def _columns(rows: list[list[str]]) -> list[str]:
    count = max((len(row) for row in rows), default=0)
    widths = [max(len(row[index]) for row in rows if len(row) == count) for index in range(count)]
    if sum(widths) + len(_GAP) * (count - 1) > _TABLE_WIDTH:
        return [" | ".join(filter(None, row)) for row in rows]
    return [
        _GAP.join(map(str.ljust, row, widths)).rstrip() if len(row) == count else _GAP.join(filter(None, row))
        for row in rows
    ]


def _stacked(rows: list[list[list[str]]]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        if all(len(cell) <= 1 for cell in row):
            lines.append(_GAP.join(cell[0] for cell in row if cell))
            continue
        for cell in row:
            lines += ["", *cell, ""]
    return lines
