"""HTML as a stream of tags and text, in one pass and in linear time.

The standard library's ``html.parser`` is not used: on hostile or broken markup it takes quadratic time (60 KB of
``<a `` take a minute and more), raises ``AssertionError`` on ``<![``, and reads malformed markup differently from one
patch release to the next, while the same message must give the same bytes on every Python. What is recognised follows
the tokenizer of the HTML standard (WHATWG HTML §13.2.5), as far as the text of a message needs it.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final, NamedTuple

_TAG_NAME: Final = re.compile(r"[A-Za-z][^\s/>]*+")
# Possessive, so that nothing is looked at twice. An unclosed quote falls through to the unquoted form.
_ATTRIBUTE: Final = re.compile(r"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>]*+))?+""")
_TAG_END: Final = re.compile(r"[\s/]*+>")
# Elements whose content is no markup (§13.2.5.1): skipped up to their end tag.
_RAW_END: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
# int() refuses very long decimals with an error of its own; no such character exists anyway.
_HUGE_REFERENCE: Final = re.compile(r"&#[xX]?[0-9A-Fa-f]{9,};?")


class StartTag(NamedTuple):
    """``<name attribute=value …>``; names in lower case, character references resolved."""

    name: str
    attributes: dict[str, str]


class EndTag(NamedTuple):
    """``</name>``."""

    name: str


class Text(NamedTuple):
    """Characters between tags, character references resolved."""

    text: str


Token = StartTag | EndTag | Text


def tokens(markup: str) -> Iterator[Token]:
    """The tags and texts of a document; comments, declarations, scripts and styles are left out."""
    position, length = 0, len(markup)
    while position < length:
        bracket = markup.find("<", position)
        if bracket < 0:
            yield Text(resolved(markup[position:]))
            return
        if bracket > position:
            yield Text(resolved(markup[position:bracket]))
        token, position = _markup(markup, bracket)
        if token is not None:
            yield token
        if isinstance(token, StartTag) and token.name in _RAW_END:
            found = _RAW_END[token.name].search(markup, position)
            position = found.start() if found else length


def _markup(markup: str, bracket: int) -> tuple[Token | None, int]:
    """What begins at ``<``, and where it ends; markup that never ends swallows the rest (§13.2.5, EOF in tag)."""
    following = markup[bracket + 1 : bracket + 2]
    if following in ("!", "?"):
        return None, _after_comment(markup, bracket)
    if following == "/":
        name = _TAG_NAME.match(markup, bracket + 2)
        end = _after(markup, ">", bracket + 2)
        return (EndTag(name.group().lower()) if name else None), end
    name = _TAG_NAME.match(markup, bracket + 1)
    if name is None:
        return Text("<"), bracket + 1
    return _start_tag(markup, name)


def _after(markup: str, closing: str, position: int) -> int:
    end = markup.find(closing, position)
    return len(markup) if end < 0 else end + len(closing)


def _after_comment(markup: str, bracket: int) -> int:
    if not markup.startswith("<!--", bracket):
        return _after(markup, ">", bracket)
    if markup.startswith((">", "->"), bracket + 4):  # <!--> and <!---> are empty comments
        return _after(markup, ">", bracket + 4)
    return _after(markup, "-->", bracket + 4)


def _start_tag(markup: str, name: re.Match[str]) -> tuple[Token | None, int]:
    attributes: dict[str, str] = {}
    position = name.end()
    while True:
        end = _TAG_END.match(markup, position)
        if end:
            return StartTag(name.group().lower(), attributes), end.end()
        found = _ATTRIBUTE.match(markup, position)
        if not found:
            return None, len(markup)
        attributes.setdefault(found[1].lower(), resolved(_unquoted(found[2] or "")))  # the first one counts
        position = found.end()


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value


def resolved(text: str) -> str:
    """The text with its character references replaced by characters."""
    if "&" not in text:
        return text
    return unescape(_HUGE_REFERENCE.sub("\ufffd", text))
