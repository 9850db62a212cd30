"""Where the links of a message lead, and what a reader sees of them."""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from postroad.message.html_tokens import EndTag, StartTag, Text, tokens

MAX_LINKS: Final = 2_000  # of one part; a newsletter has fifty
MAX_SHOWN: Final = 2_000  # characters of a URL, or of what stands in a link, that are looked at
_URL: Final = re.compile(r"(?i)\b(?:https?://\[[0-9a-f:.]+\][^\s<>\"'\]]*|(?:https?://|mailto:)[^\s<>\"'\]]+)")
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


class References(NamedTuple):
    """The links and images of a document, in their order."""

    links: tuple[Link, ...]
    images: tuple[Image, ...]


def references_of(html: str) -> References:
    """Read an HTML document once; what comes after ``MAX_LINKS`` of one kind is left out."""
    links: list[Link] = []
    images: list[Image] = []
    url: str | None = None
    seen: list[str] = []
    for token in tokens(html):
        if isinstance(token, Text):
            seen.append(token.text)
        elif isinstance(token, StartTag) and token.name == "img":
            images += [_image(token)] if len(images) < MAX_LINKS else []
            seen.append(token.attributes.get("alt", ""))
        elif token.name in ("a", "area") and (isinstance(token, EndTag) or "href" in token.attributes):
            # A link may not stand within another, so the next one ends it (WHATWG HTML §13.2.6.4.7).
            links += [_link(url, seen)] if url is not None and len(links) < MAX_LINKS else []
            url = token.attributes["href"] if isinstance(token, StartTag) else None
            seen.clear()
    links += [_link(url, seen)] if url is not None else []
    return References(tuple(links), tuple(images))


def _link(url: str, seen: list[str]) -> Link:
    return Link(url.strip()[:MAX_SHOWN], " ".join("".join(seen)[:MAX_SHOWN].split()), in_html=True)


def _image(tag: StartTag) -> Image:
    has = tag.attributes
    return Image(has.get("src", "")[:MAX_SHOWN], has.get("alt"), has.get("width", ""), has.get("height", ""))


def links_of_text(text: str) -> tuple[Link, ...]:
    """The URLs that stand in a plain text."""
    found = (one.group().rstrip(".,;:!?)") for one in _URL.finditer(text))
    urls = [url[:MAX_SHOWN] for _, url in zip(range(MAX_LINKS), found, strict=False)]
    return tuple([Link(url, url, in_html=False) for url in urls])
