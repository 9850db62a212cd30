"""Where the links of a message lead, and what a reader sees of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postroad.message.html_tokens import EndTag, StartTag, Text, tokens

MAX_LINKS: Final = 2_000  # of one part; a newsletter has fifty
_URL: Final = re.compile(r"(?i)\b(?:https?://|mailto:)[^\s<>\"'\]]+")
_HOST: Final = re.compile(r"(?i)https?://(?:[^/?#\s@]*@)?(\[[0-9a-f:.]+\]|[^/?#:\s]+)")


@dataclass(frozen=True, slots=True)
class Link:
    """``text`` is what a reader sees: the characters between the tags, and the alternative texts of images there."""

    url: str
    text: str
    in_html: bool

    @property
    def host(self) -> str | None:
        """Of an http or https URL, in lower case."""
        return host_of(self.url)


@dataclass(frozen=True, slots=True)
class Image:
    """``alt`` is ``None`` where the image has none; an empty one says that it means nothing."""

    source: str
    alt: str | None
    width: str = ""
    height: str = ""


def host_of(url: str) -> str | None:
    """The host of an http or https URL, in lower case and without a final dot."""
    found = _HOST.match(url.strip())
    return found[1].lower().removesuffix(".") if found else None


def links_of(html: str) -> tuple[Link, ...]:
    """The links of an HTML document, in their order."""
    links: list[Link] = []
    for link in _anchors(html):
        links.append(link)
        if len(links) == MAX_LINKS:
            break
    return tuple(links)


def _anchors(html: str) -> Iterator[Link]:
    url: str | None = None
    seen: list[str] = []
    for token in tokens(html):
        if isinstance(token, Text):
            seen.append(token.text)
        elif isinstance(token, StartTag) and token.name == "img":
            seen.append(token.attributes.get("alt", ""))
        elif token.name in ("a", "area") and (isinstance(token, EndTag) or "href" in token.attributes):
            if (
                url is not None
            ):  # a link may not stand within another, so the next one ends it (WHATWG HTML §13.2.6.4.7)
                yield Link(url, " ".join("".join(seen).split()), in_html=True)
            url = token.attributes["href"].strip() if isinstance(token, StartTag) else None
            seen.clear()
    if url is not None:
        yield Link(url, " ".join("".join(seen).split()), in_html=True)


def links_of_text(text: str) -> tuple[Link, ...]:
    """The URLs that stand in a plain text."""
    found = (one.group().rstrip(".,;:!?)") for one in _URL.finditer(text))
    return tuple([Link(url, url, in_html=False) for _, url in zip(range(MAX_LINKS), found, strict=False)])


def images_of(html: str) -> tuple[Image, ...]:
    """The images of an HTML document, in their order."""
    images = []
    for token in tokens(html):
        if isinstance(token, StartTag) and token.name == "img":
            has = token.attributes
            images.append(Image(has.get("src", ""), has.get("alt"), has.get("width", ""), has.get("height", "")))
        if len(images) == MAX_LINKS:
            break
    return tuple(images)
