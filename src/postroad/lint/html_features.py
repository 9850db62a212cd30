"""Which elements, attributes, images and CSS an HTML document uses. Any text is looked at, in linear time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from postroad.message.html_tokens import StartTag, tokens

_COMMENT: Final = re.compile(r"/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)")  # CSS Syntax Module §4.3.2
_PIECE: Final = re.compile(r"([^;{}]*+)([;{}]|\Z)")
_PROPERTY: Final = re.compile(r"[a-z][a-z-]*")
_FUNCTION: Final = re.compile(r"(?<![a-z-])([a-z][a-z-]*+)\(")
_UNIT: Final = re.compile(r"[0-9.](v[a-z]{1,4}|rem|ch)(?![a-z0-9-])")
_STYLE_START: Final = re.compile(r"<style(?=[\s>/])[^>]*+>", re.IGNORECASE)
_STYLE_END: Final = re.compile(r"</style", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"\.([a-z0-9]{2,5})(?:[?#]|\Z)")
_MAX_KINDS: Final = 5_000  # of properties, functions and so on; a document uses some hundred
_PAIRED: Final = ("type", "rel")  # attributes whose values decide what an element is


@dataclass(slots=True)
class Features:
    """What was found. ``properties`` are with the words of their values, at-rules with what stands behind them."""

    elements: set[str] = field(default_factory=set)
    pairs: set[tuple[str, str, str]] = field(default_factory=set)  # element, attribute, value
    attributes: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)  # the ends of their names; "data:"
    properties: dict[str, set[str]] = field(default_factory=dict)
    rules: set[tuple[str, str]] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)


def features_of(html: str) -> Features:
    """Look through a document."""
    found = Features()
    for token in tokens(html):
        if isinstance(token, StartTag) and len(found.elements) < _MAX_KINDS:
            _add_tag(found, token)
    for css in _styles(html):
        _add_css(found, css)
    return found


def _add_tag(found: Features, tag: StartTag) -> None:
    found.elements.add(tag.name)
    if len(found.attributes) < _MAX_KINDS:
        found.attributes.update(tag.attributes)
    for name in _PAIRED:
        if name in tag.attributes and len(found.pairs) < _MAX_KINDS:
            found.pairs.add((tag.name, name, tag.attributes[name].strip().lower()))
    _add_css(found, tag.attributes.get("style", ""))
    source = tag.attributes.get("src", "").strip().lower() if tag.name == "img" else ""
    if source.startswith("data:"):
        found.images.add("data:")
    elif extension := _EXTENSION.search(source[-300:]):
        found.images.add(extension[1])


def _styles(html: str) -> Iterator[str]:
    """What stands in style elements."""
    position = 0
    while start := _STYLE_START.search(html, position):
        end = _STYLE_END.search(html, start.end())
        yield html[start.end() : end.start() if end else len(html)]
        if end is None:
            return
        position = end.end()


def _add_css(found: Features, css: str) -> None:
    if not css:
        return
    for piece in _PIECE.finditer(_COMMENT.sub(" ", css).lower()):
        text = piece[1].strip()
        if text.startswith("@"):
            name, _, rest = text[1:].partition(" ")
            if len(found.rules) < _MAX_KINDS:
                found.rules.add((name.partition("(")[0], rest[:200]))
        elif piece[2] != "{":
            _add_declaration(found, *text.partition(":")[::2])


def _add_declaration(found: Features, name: str, value: str) -> None:
    name = name.strip()
    if not value or not _PROPERTY.fullmatch(name) or len(found.properties) >= _MAX_KINDS:
        return
    words = found.properties.setdefault(name, set())
    if len(words) < _MAX_KINDS:
        words.update(value[:1_000].replace("!", " ").replace(",", " ").split())
    found.functions.update(_FUNCTION.findall(value[:10_000]))
    found.units.update(_UNIT.findall(value[:10_000]))
