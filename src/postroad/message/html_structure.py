"""Which elements are open: start and end tags as HTML means them, not as they happen to be written.

End tags may be missing or too many, and hidden elements hide what is in them. Follows WHATWG HTML §13.1.2.4 (tags that
may be left out) and §13.2.6 (the tree), as far as the text of a message needs it.
"""

import re
from typing import Final, Protocol

from postroad.message.html_tokens import StartTag

VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
LISTS: Final = frozenset({"ul", "ol", "menu", "dir"})
CELLS: Final = frozenset({"td", "th"})
TABLE_PARTS: Final = frozenset({"table", "tr"}) | CELLS
HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
PARAGRAPHS: Final = HEADINGS | frozenset({"p", "blockquote", "pre", "dl", "figure", "hr"})
BLOCKS: Final = PARAGRAPHS | frozenset(
    {
        "div", "section", "article", "header", "footer", "main", "nav", "aside", "address", "center", "form",
        "fieldset", "legend", "figcaption", "details", "summary", "ul", "ol", "menu", "li", "dt", "dd", "table",
        "caption", "body", "html", "optgroup", "hgroup", "dir",
    }
)  # fmt: skip
_UNSEEN: Final = frozenset(
    {
        "head", "script", "style", "title", "template", "svg", "math", "object", "audio", "video", "canvas", "map",
        "iframe", "select", "datalist", "textarea", "noembed", "noframes", "xmp", "applet",
    }
)  # fmt: skip
_IN_HEAD: Final = frozenset(
    {"head", "title", "meta", "link", "base", "style", "script", "noscript", "template", "html"}
)
_ROWS: Final = frozenset({"tr", "thead", "tbody", "tfoot"})
_ROW_PARTS: Final = _ROWS | CELLS
_TERMS: Final = frozenset({"dt", "dd"})
# The ways in which newsletters hide a preheader, and mobile variants from desktop clients.
_HIDING: Final = re.compile(
    r"(?i)(?:^|;)\s*+(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden|mso-hide\s*+:\s*+all"
    r"|(?:max-height|opacity)\s*+:\s*+0(?:px)?\s*+(?:!important)?\s*+(?:;|$))"
)


class Reader(Protocol):
    """Who is told what can be seen."""

    def opened(self, tag: StartTag) -> None:
        """An element begins; ``closed`` follows, after all that is in it."""

    def closed(self, name: str) -> None:
        """The innermost open element ends."""

    def void(self, tag: StartTag) -> None:
        """An element without content."""

    def text(self, text: str) -> None:
        """Characters in the innermost open element."""


class Structure:
    """Keeps the open elements of a document, and tells a reader what can be seen of it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._open: list[str] = []
        # Names open since the innermost cell: an end tag reaches no further out (WHATWG HTML §13.2.4.2, table scope).
        self._scopes: list[dict[str, int]] = [{}]
        self._items: list[bool] = []  # for each open list, whether an item of it is open
        self._hidden_at: int | None = None  # how many elements were open when the hidden one had begun

    def text(self, text: str) -> None:
        if self._hidden_at is not None:
            if self._open[-1] != "head" or not text.strip():
                return
            self._close_through("head")
        self._reader.text(text)

    def start(self, tag: StartTag) -> None:
        self._close_what_ends_by_itself(tag.name)
        if tag.name not in VOID:
            self._push(tag)
        elif self._hidden_at is None and not _is_hidden(tag):
            self._reader.void(tag)

    def end(self, name: str) -> None:
        if name == "br":  # a browser takes </br> for <br>
            self.start(StartTag("br", {}))
        if name in TABLE_PARTS and not self._scopes[-1].get(name):
            self._leave_cell_for(name)
        if self._scopes[-1].get(name):
            self._close_through(name)

    def finish(self) -> None:
        """Close what is still open."""
        while self._open:
            self._close_top()

    def _push(self, tag: StartTag) -> None:
        name = tag.name
        self._open.append(name)
        scope = self._scopes[-1]
        scope[name] = scope.get(name, 0) + 1
        if name in CELLS:
            self._scopes.append({})
        elif name in LISTS:
            self._items.append(False)
        elif name == "li" and self._items:
            self._items[-1] = True
        self._show(tag)

    def _show(self, tag: StartTag) -> None:
        if self._hidden_at is not None:
            return
        if tag.name in _UNSEEN or _is_hidden(tag):
            self._hidden_at = len(self._open)
        else:
            self._reader.opened(tag)

    def _close_through(self, name: str) -> None:
        while self._close_top() != name:
            pass

    def _close_top(self) -> str:
        name = self._open.pop()
        if name in CELLS:
            self._scopes.pop()
        elif name in LISTS:
            self._items.pop()
        elif name == "li" and self._items:
            self._items[-1] = False
        self._scopes[-1][name] -= 1
        if self._hidden_at is None:
            self._reader.closed(name)
        elif len(self._open) < self._hidden_at:
            self._hidden_at = None
        return name

    def _leave_cell_for(self, name: str) -> None:
        """Close the innermost cell where ``name`` is open just around it."""
        if len(self._scopes) > 1 and self._scopes[-2].get(name):
            self._leave_cell()

    def _leave_cell(self) -> None:
        while self._close_top() not in CELLS:
            pass

    def _close_what_ends_by_itself(self, name: str) -> None:
        scope = self._scopes[-1]
        if scope.get("head") and name not in _IN_HEAD:
            self._close_through("head")
        elif name in BLOCKS and scope.get("p"):
            self._close_through("p")
        if name == "li" and scope.get("li") and self._items and self._items[-1]:
            self._close_through("li")
        elif name in _TERMS and self._open and self._open[-1] in _TERMS:
            self._close_top()
        elif name == "a" and scope.get("a"):
            self._close_through("a")
        elif name in _ROW_PARTS:
            self._close_row_parts(name)

    def _close_row_parts(self, name: str) -> None:
        if len(self._scopes) > 1 and not self._scopes[-1].get("table"):
            self._leave_cell()
        if name in _ROWS and self._scopes[-1].get("tr"):
            self._close_through("tr")


def _is_hidden(tag: StartTag) -> bool:
    attributes = tag.attributes
    if "hidden" in attributes and attributes["hidden"].lower() != "until-found":
        return True
    return "style" in attributes and _HIDING.search(attributes["style"]) is not None
