"""A readable text made from HTML, for the reader whose client shows no HTML.

Links become ``text (address)``, lists keep their marks, tables their columns, quotations their ``>``. What a browser
would not show (scripts, hidden preheaders) is not said. Any input gives a text, in linear time.
"""

import re
from typing import Final

from postroad.message.html_structure import BLOCKS, CELLS, HEADINGS, LISTS, PARAGRAPHS, TABLE_PARTS, Structure
from postroad.message.html_tokens import StartTag, Text, tokens
from postroad.message.text_flow import Flow, Table

_UNDERLINED: Final = frozenset({"h1", "h2"})
_NO_ADDRESS: Final = re.compile(r"(?i)\s*(?:#|javascript:|data:|cid:|$)")
_RULE: Final = "-" * 40
_MAX_TABLES: Final = 32  # nested tables that keep their rows; deeper ones, which no design needs, become plain blocks
_MAX_DIGITS: Final = 6  # of the number of a list item


def plain_text(markup: str) -> str:
    """The text of an HTML document or fragment, with ``\\n`` line ends; empty where nothing would be seen."""
    writer = _Writer()
    structure = Structure(writer)
    for token in tokens(markup):
        if isinstance(token, Text):
            structure.text(token.text)
        elif isinstance(token, StartTag):
            structure.start(token)
        else:
            structure.end(token.name)
    structure.finish()
    return writer.finished()


class _List:
    """An open list: what its next item is numbered, ``None`` for bullets."""

    __slots__ = ("number",)

    def __init__(self, number: int | None) -> None:
        self.number = number

    def mark(self, value: int | None) -> str:
        """What stands before the next item; ``value`` is the number it gives itself."""
        if self.number is None:
            return "- "
        number = self.number if value is None else value
        self.number = number + 1
        return f"{number}. "


class _Writer:
    """Says what is seen, in the flow of the innermost table cell."""

    def __init__(self) -> None:
        self._flow = Flow()
        self._outer_flows: list[Flow] = []  # those around the open cells
        self._tables: list[Table | None] = []
        self._lists: list[_List] = []
        self._headings: list[int] = []  # lines said before each open heading
        self._href = ""
        self._link_text: list[str] = []

    def finished(self) -> str:
        return self._flow.finished()

    def text(self, text: str) -> None:
        self._flow.text(text)
        if self._href:
            self._link_text.append(text)

    def void(self, tag: StartTag) -> None:
        if tag.name == "br":
            self._flow.newline()
        elif tag.name == "hr":
            self._flow.paragraph()
            self._flow.text(_RULE)
            self._flow.paragraph()
        elif tag.name == "img":
            self.text(tag.attributes.get("alt", ""))

    def opened(self, tag: StartTag) -> None:
        name = tag.name
        if name in TABLE_PARTS:
            self._table_part_opened(name)
        elif name in LISTS:
            self._flow.block() if self._lists else self._flow.paragraph()
            number = _number(tag, "start")
            self._lists.append(_List((1 if number is None else number) if name == "ol" else None))
        elif name == "li":
            self._item_opened(tag)
        elif name == "a":
            self._href = _address(tag)
            self._link_text = []
        elif name in PARAGRAPHS:
            self._paragraph_opened(name)
        elif name in BLOCKS:
            self._flow.block()
        if name == "dd":
            self._flow.indent("    ", "    ")
        elif name == "q":
            self._flow.text('"')

    def _paragraph_opened(self, name: str) -> None:
        self._flow.paragraph()
        if name == "blockquote":
            self._flow.indent("> ", "> ")
        elif name == "pre":
            self._flow.preformatted(1)
        elif name in HEADINGS:
            self._headings.append(self._flow.said)

    def _item_opened(self, tag: StartTag) -> None:
        self._flow.block()
        mark = "- "
        if self._lists:
            mark = self._lists[-1].mark(_number(tag, "value"))
        self._flow.indent(mark, " " * len(mark))

    def _table_part_opened(self, name: str) -> None:
        if name == "table":
            self._flow.block()
            self._tables.append(Table() if len(self._tables) < _MAX_TABLES else None)
            return
        table = self._tables[-1] if self._tables else None
        if name == "tr":
            self._flow.block()
            if table:
                table.begin_row()
        else:
            self._outer_flows.append(self._flow)
            self._flow = Flow() if table else self._flow
            self._flow.block()

    def closed(self, name: str) -> None:
        if name in TABLE_PARTS:
            self._table_part_closed(name)
        elif name in LISTS:
            self._lists.pop()
            self._flow.block() if self._lists else self._flow.paragraph()
        elif name == "li":
            self._flow.outdent()
        elif name == "a":
            self._link_closed()
        elif name in PARAGRAPHS:
            self._paragraph_closed(name)
        elif name in BLOCKS:
            self._flow.block()
        if name == "dd":
            self._flow.outdent()
        elif name == "q":
            self._flow.text('"')

    def _paragraph_closed(self, name: str) -> None:
        if name == "blockquote":
            self._flow.outdent()
        elif name in HEADINGS:
            self._heading_closed(name)
        self._flow.block()
        if name == "pre":
            self._flow.preformatted(-1)
        self._flow.paragraph()

    def _heading_closed(self, name: str) -> None:
        before = self._headings.pop()
        self._flow.block()
        if name in _UNDERLINED and self._flow.said > before:
            self._flow.underline("-")

    def _table_part_closed(self, name: str) -> None:
        if name == "table":
            table = self._tables.pop()
            self._flow.block()
            if table:
                self._flow.add_table(table)
        elif name in CELLS:
            self._flow.block()
            cell, self._flow = self._flow, self._outer_flows.pop()
            if cell is not self._flow and self._tables[-1]:
                self._tables[-1].add_cell(cell.lines)

    def _link_closed(self) -> None:
        href, self._href = self._href, ""
        said = " ".join("".join(self._link_text).split())
        if not href or said in (href, href.partition(":")[2].lstrip("/"), href.partition("//")[2].rstrip("/")):
            return
        self._flow.text(f" ({href})" if said else f" {href} ")


def _number(tag: StartTag, attribute: str) -> int | None:
    digits = tag.attributes.get(attribute, "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def _address(tag: StartTag) -> str:
    """Where a link leads, ``""`` where its address tells a reader nothing."""
    # As a browser reads it (WHATWG URL §4.4): line ends inside are no part of it, spaces are escaped.
    href = tag.attributes.get("href", "").strip().translate({9: None, 10: None, 13: None}).replace(" ", "%20")
    return "" if _NO_ADDRESS.match(href) else href.removeprefix("mailto:")
