"""MSG-09: what is in the message reaches its reader whole, and nothing in it looks like spam."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.links import Link, host_of
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule, excerpt

CLIPPED: Final = 102_000  # octets of HTML from which Gmail cuts the rest off ("102 KB", whichever K that is)
MAX_OCTETS: Final = 25_000_000  # of a message; Gmail and many others take no more
_SHORTENERS: Final = frozenset(
    {"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "v.gd", "buff.ly", "cutt.ly", "rebrand.ly", "rb.gy",
     "shorturl.at", "t.ly", "tiny.cc", "bl.ink", "lnkd.in", "s.id", "soo.gd", "clck.ru", "shorte.st", "adf.ly",
     "bit.do", "tr.im", "x.co", "qr.ae", "surl.li", "u.to", "dub.sh"}
)  # fmt: skip


def _faults(message: LintedMessage) -> Iterator[Fault]:
    yield from _of_size(message)
    if message.html is not None and message.text is None:
        yield Fault(Level.WARN, "there is HTML and no plain text")
    bare = [image for image in message.images if image.alt is None and (image.width, image.height) != ("1", "1")]
    if bare:
        yield Fault(Level.WARN, f"{len(bare)} of {len(message.images)} images have no alt text")
    for link in {(link.url, link.text): link for link in message.links}.values():
        yield from _of_link(link)


def _of_size(message: LintedMessage) -> Iterator[Fault]:
    if message.html is not None and (size := len(message.html.encode("utf-8", "replace"))) > CLIPPED:
        yield Fault(Level.WARN, f"the HTML has {size} octets; Gmail hides what comes after {CLIPPED}")
    if len(message.content) > MAX_OCTETS:
        yield Fault(Level.WARN, f"the message has {len(message.content)} octets; many take {MAX_OCTETS} at the most")


def _of_link(link: Link) -> Iterator[Fault]:
    host = link.host
    if host is None:
        return
    if host.removeprefix("www.") in _SHORTENERS:
        yield Fault(Level.WARN, f"a link hides its target behind a shortener: {excerpt(host)}")
    elif _is_address(host):
        yield Fault(Level.WARN, f"a link leads to an address instead of a name: {excerpt(host)}")
    shown = host_of(link.text if "://" in link.text[:8] else f"https://{link.text}") if link.in_html else None
    if shown and link.text.lower().startswith(("http://", "https://", "www.")) and not _akin(shown, host):
        yield Fault(Level.WARN, f"a link shows {excerpt(shown)} and leads to {excerpt(host)}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host.isdecimal()  # a whole IPv4 address in one number
    return True


def _akin(one: str, other: str) -> bool:
    """Names of one owner, as far as names tell: they end with the same two labels."""
    return one.rsplit(".", 2)[-2:] == other.rsplit(".", 2)[-2:]


RULE: Final = Rule(
    "MSG-09",
    "HTML comes with plain text, below 102 KB, with alt texts; links lead where they say, by name.",
    "practice of Gmail, Outlook and spam filters",
    "text, HTML, images and links are as receivers like them",
    _faults,
)
