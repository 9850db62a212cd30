"""MSG-04: people can leave with one click, as Gmail and Yahoo ask of mail to many."""

import re
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule, excerpt
from postroad.message.list_headers import listed

_FIELDS: Final = ("list-unsubscribe", "list-unsubscribe-post")
_POST: Final = "List-Unsubscribe=One-Click"  # RFC 8058 §3.1, in these letters
_SIGNED: Final = re.compile(r"(?:^|;)\s*h\s*=([^;]*)")


def _faults(message: LintedMessage) -> Iterator[Fault]:
    if not message.is_marketing:
        return
    domain = message.author.domain if message.author else "example.com"
    way = f"List-Unsubscribe: <https://{domain}/unsubscribe/TOKEN>"
    uris = listed(message.value("list-unsubscribe") or "")
    if not uris:
        yield Fault(Level.FAIL, "there is no List-Unsubscribe with a URI", add=way)
    else:
        yield from _of_uris(uris, message, way)
    post = message.value("list-unsubscribe-post")
    if post is None:
        yield Fault(Level.FAIL, "there is no List-Unsubscribe-Post", add=f"List-Unsubscribe-Post: {_POST}")
    elif post.strip().lower() != _POST.lower():
        yield Fault(Level.FAIL, f"List-Unsubscribe-Post says {excerpt(post)}", add=f"List-Unsubscribe-Post: {_POST}")
    yield from _of_signatures(message)


def _of_uris(uris: tuple[str, ...], message: LintedMessage, way: str) -> Iterator[Fault]:
    secure = [uri for uri in uris if uri[:8].lower() == "https://"]
    if not secure:
        yield Fault(Level.FAIL, "List-Unsubscribe has no https URI", add=way)
    if len(secure) > 1:
        yield Fault(Level.FAIL, f"List-Unsubscribe has {len(secure)} https URIs, not one")
    recipients = {address.addr_spec.lower() for key in ("to", "cc") for address in message.addresses(key)}
    if any(name in uri.lower().replace("%40", "@") for uri in secure for name in recipients):
        # RFC 8058 §4: who can guess the URI can unsubscribe others.
        yield Fault(Level.WARN, "List-Unsubscribe holds the recipient's address instead of a token")


def _of_signatures(message: LintedMessage) -> Iterator[Fault]:
    """RFC 8058 §4: one signature covers both fields. A message that is not signed yet will be."""
    signatures = [field.text for field in message.named("dkim-signature")]
    covered = [_SIGNED.search(text) for text in signatures]
    names = [{name.strip().lower() for name in found[1].split(":")} for found in covered if found]
    if signatures and not any(set(_FIELDS) <= signed for signed in names):
        yield Fault(Level.FAIL, "no DKIM signature is over List-Unsubscribe and List-Unsubscribe-Post")


RULE: Final = Rule(
    "MSG-04",
    "Mail to many has List-Unsubscribe with one https URI and List-Unsubscribe-Post, both signed by DKIM.",
    "RFC 8058 §3.1, §4; RFC 2369 §3.2",
    "who does not want this mail can leave with one click, or it is not to many",
    _faults,
)
