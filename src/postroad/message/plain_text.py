"""A readable text made from HTML, for the reader whose client shows no HTML.

Links become ``text (address)``, lists keep their marks, tables their columns, quotations their ``>``. What a browser
would not show (scripts, hidden preheaders) is not said. Any input gives a text, in linear time.
"""

import re
from typing import Final

from postroad.message.html_tokens import StartTag, Text, tokens
from postroad.message.text_flow import Flow, Table

_DROPPED: Final = frozenset(
    {
        "head", "script", "style", "title", "template", "svg", "math", "object", "audio", "video", "canvas", "map",
        "iframe", "select", "datalist", "textarea", "noembed", "noframes", "xmp", "applet",
    }
)  # fmt: skip
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "dl", "figure", "hr"})
_BLOCKS: Final = _PARAGRAPHS | frozenset(
    {
        "div", "section", "article", "header", "footer", "main", "nav", "aside", "address", "center", "form",
        "fieldset", "legend", "figcaption", "details", "summary", "ul", "ol", "menu", "li", "dt", "dd", "table",
        "caption", "body", "html", "optgroup", "hgroup", "dir",
    }
)  # fmt: skip
_UNDERLINED: Final = frozenset({"h1", "h2"})
_LISTS: Final = frozenset({"ul", "ol", "menu", "dir"})
_CELLS: Final = frozenset({"td", "th"})
_TABLE_PARTS: Final = frozenset({"table", "tr", "td", "th"})
_ROWS: Final = frozenset({"tr", "thead", "tbody", "tfoot"})
_ROW_PARTS: Final = _ROWS | _CELLS
_TERMS: Final = frozenset({"dt", "dd"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_IN_HEAD: Final = frozenset(
    {"head", "title", "meta", "link", "base", "style", "script", "noscript", "template", "html"}
)
# The ways in which newsletters hide a preheader, and mobile variants from desktop clients.
_HIDING: Final = re.compile(
    r"(?i)(?:^|;)\s*+(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden|mso-hide\s*+:\s*+all"
    r"|(?:max-height|opacity)\s*+:\s*+0(?:px)?\s*+(?:!important)?\s*+(?:;|$))"
)
_NO_ADDRESS: Final = re.compile(r"(?i)\s*(?:#|javascript:|data:|cid:|$)")
_RULE: Final = "-" * 40
_MAX_TABLES: Final = 32  # nested tables that keep their rows; deeper ones, which no design needs, become plain blocks
_MAX_DIGITS: Final = 6  # of the number of a list item


def plain_text(markup: str) -> str:
    """The text of an HTML document or fragment, with ``\\n`` line ends; empty where nothing would be seen."""
    reader = _Reader()
    for token in tokens(markup):
        if isinstance(token, Text):
            reader.text(token.text)
        elif isinstance(token, StartTag):
            reader.start(token)
        else:
            reader.end(token.name)
    return reader.finished()


class _List:
    """An open list: what its next item is numbered, ``None`` for bullets, and whether an item is open."""

    __slots__ = ("item_open", "number")

    def __init__(self, number: int | None) -> None:
        self.number = number
        self.item_open = False

    def mark(self, value: int | None) -> str:
        """What stands before the next item; ``value`` is the number it gives itself."""
        if self.number is None:
            return "- "
        number = self.number if value is None else value
        self.number = number + 1
        return f"{number}. "


class _Reader:
    """Walks through the tags, keeps what is open, and writes into the flow of the innermost table cell."""

    def __init__(self) -> None:
        self._flow = Flow()
        self._outer_flows: list[Flow] = []  # those around the open cells
        self._tables: list[Table | None] = []
        self._lists: list[_List] = []
        self._open: list[str] = []
        # Names open since the innermost cell: an end tag reaches no further out (WHATWG HTML §13.2.4.2, table scope).
        self._scopes: list[dict[str, int]] = [{}]
        self._hidden_at: int | None = None  # how many elements were open when the hidden one had begun
        self._headings: list[int] = []  # lines said before each open heading
        self._href = ""
        self._link_text: list[str] = []

    def text(self, text: str) -> None:
        if self._hidden_at is not None:
            if self._open[-1] != "head" or not text.strip():
                return
            self._close_through("head")
        self._flow.text(text)
        if self._href:
            self._link_text.append(text)

    def finished(self) -> str:
        while self._open:
            self._close_top()
        return self._flow.finished()

    # What opens and closes

    def start(self, tag: StartTag) -> None:
        self._close_what_ends_by_itself(tag.name)
        if tag.name in _VOID:
            if self._hidden_at is None and not _is_hidden(tag):
                self._void(tag)
            return
        self._push(tag)

    def end(self, name: str) -> None:
        if name == "br":  # a browser takes </br> for <br>
            self.start(StartTag("br", {}))
        scope = self._scopes[-1]
        if name in _TABLE_PARTS and not scope.get(name):
            self._leave_cell_for(name)
            scope = self._scopes[-1]
        if scope.get(name):
            self._close_through(name)

    def _push(self, tag: StartTag) -> None:
        name = tag.name
        self._open.append(name)
        scope = self._scopes[-1]
        scope[name] = scope.get(name, 0) + 1
        if name in _CELLS:
            self._scopes.append({})
        if self._hidden_at is not None:
            return
        if name in _DROPPED or _is_hidden(tag):
            self._hidden_at = len(self._open)
        else:
            self._opened(tag)

    def _close_through(self, name: str) -> None:
        while self._close_top() != name:
            pass

    def _close_top(self) -> str:
        name = self._open.pop()
        if name in _CELLS:
            self._scopes.pop()
        self._scopes[-1][name] -= 1
        if self._hidden_at is None:
            self._closed(name)
        elif len(self._open) < self._hidden_at:
            self._hidden_at = None
        return name

    def _leave_cell_for(self, name: str) -> None:
        """Close the innermost cell where ``name`` is open just around it."""
        if len(self._scopes) > 1 and self._scopes[-2].get(name):
            self._leave_cell()

    def _leave_cell(self) -> None:
        while self._close_top() not in _CELLS:
            pass

    def _close_what_ends_by_itself(self, name: str) -> None:
        """End tags that HTML allows to be left out (WHATWG HTML §13.1.2.4)."""
        scope = self._scopes[-1]
        if scope.get("head") and name not in _IN_HEAD:
            self._close_through("head")
        elif name in _BLOCKS and scope.get("p"):
            self._close_through("p")
        if name == "li" and self._lists and self._lists[-1].item_open and scope.get("li"):
            self._close_through("li")
        elif name in _TERMS and self._open and self._open[-1] in _TERMS:
            self._close_top()
        elif name == "a" and scope.get("a"):
            self._close_through("a")
        elif name in _ROW_PARTS and len(self._scopes) > 1 and not scope.get("table"):
            self._leave_cell()
        if name in _ROWS and self._scopes[-1].get("tr"):
            self._close_through("tr")

    # What it says

    def _void(self, tag: StartTag) -> None:
        if tag.name == "br":
            self._flow.newline()
        elif tag.name == "hr":
            self._flow.paragraph()
            self._flow.text(_RULE)
            self._flow.paragraph()
        elif tag.name == "img":
            self.text(tag.attributes.get("alt", ""))

    def _opened(self, tag: StartTag) -> None:
        name = tag.name
        if name in _TABLE_PARTS:
            self._table_part_opened(name)
        elif name in _LISTS:
            self._flow.block() if self._lists else self._flow.paragraph()
            number = _number(tag, "start")
            self._lists.append(_List((1 if number is None else number) if name == "ol" else None))
        elif name == "li":
            self._item_opened(tag)
        elif name == "a":
            self._href = _address(tag)
            self._link_text = []
        elif name in _PARAGRAPHS:
            self._paragraph_opened(name)
        elif name in _BLOCKS:
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
        elif name in _HEADINGS:
            self._headings.append(self._flow.said)

    def _item_opened(self, tag: StartTag) -> None:
        self._flow.block()
        mark = "- "
        if self._lists:
            mark = self._lists[-1].mark(_number(tag, "value"))
            self._lists[-1].item_open = True
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

    def _closed(self, name: str) -> None:
        if name in _TABLE_PARTS:
            self._table_part_closed(name)
        elif name in _LISTS:
            self._lists.pop()
            self._flow.block() if self._lists else self._flow.paragraph()
        elif name == "li":
            self._flow.outdent()
            if self._lists:
                self._lists[-1].item_open = False
        elif name == "a":
            self._link_closed()
        elif name in _PARAGRAPHS:
            self._paragraph_closed(name)
        elif name in _BLOCKS:
            self._flow.block()
        if name == "dd":
            self._flow.outdent()
        elif name == "q":
            self._flow.text('"')

    def _paragraph_closed(self, name: str) -> None:
        if name == "blockquote":
            self._flow.outdent()
        elif name in _HEADINGS:
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
        elif name in _CELLS:
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


def _is_hidden(tag: StartTag) -> bool:
    attributes = tag.attributes
    if "hidden" in attributes and attributes["hidden"].lower() != "until-found":
        return True
    return "style" in attributes and _HIDING.search(attributes["style"]) is not None


def _number(tag: StartTag, attribute: str) -> int | None:
    digits = tag.attributes.get(attribute, "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None


def _address(tag: StartTag) -> str:
    """Where a link leads, ``""`` where its address tells a reader nothing."""
    # As a browser reads it (WHATWG URL §4.4): line ends inside are no part of it, spaces are escaped.
    href = tag.attributes.get("href", "").strip().translate({9: None, 10: None, 13: None}).replace(" ", "%20")
    return "" if _NO_ADDRESS.match(href) else href.removeprefix("mailto:")
