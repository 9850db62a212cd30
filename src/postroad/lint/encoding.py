"""MSG-03: characters beyond ASCII are written so that everybody reads the same."""

import re
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LintedMessage, charset_of, content_of
from postroad.lint.rule import Fault, Rule, excerpt
from postroad.message.entity import Entity, Field
from postroad.message.header_decode import codec_of, words_decoded

MAX_WORD: Final = 75  # octets of an encoded word (RFC 2047 §2)
_WORD: Final = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")  # many read it without its padding, too
_SEVEN_BIT: Final = frozenset({"", "7bit"})  # RFC 2045 §6.1: also what says nothing


def _faults(message: LintedMessage) -> Iterator[Fault]:
    for field in message.entity.fields:
        yield from _of_field(field)
    for leaf in message.leaves:
        yield from _of_part(leaf)


def _of_field(field: Field) -> Iterator[Fault]:
    if not field.raw.isascii():
        try:
            field.raw.decode()
        except UnicodeDecodeError:
            yield Fault(Level.FAIL, f"{excerpt(field.name)} holds octets above ASCII that are no UTF-8")
        else:  # RFC 6532, only where every server on the way offers SMTPUTF8
            yield Fault(Level.WARN, f"{excerpt(field.name)} holds UTF-8 without an encoded word")
    for word in _WORD.findall(field.text):
        if len(word) > MAX_WORD:
            yield Fault(Level.WARN, f"{excerpt(field.name)} has an encoded word of {len(word)} octets, not {MAX_WORD}")
        elif not _is_readable(word):
            yield Fault(Level.WARN, f"{excerpt(field.name)} has an encoded word that cannot be decoded")


def _is_readable(word: str) -> bool:
    charset, encoding, text = word[2:-2].split("?", 2)
    if codec_of(charset.partition("*")[0]) is None:  # a language may stand behind it (RFC 2231 §5)
        return False
    if encoding in "bB" and not _BASE64.fullmatch(text):
        return False
    read = words_decoded(word)
    return read != word and "\ufffd" not in read


def _of_part(leaf: Entity) -> Iterator[Fault]:
    if leaf.encoding in _SEVEN_BIT and not leaf.body.isascii():
        yield Fault(Level.FAIL, f"a part of type {excerpt(leaf.essence)} holds 8-bit octets and says that it does not")
    if not leaf.essence.startswith("text/"):
        return
    charset, content = charset_of(leaf), content_of(leaf)
    if charset is None:
        if not content.isascii():
            yield Fault(Level.WARN, f"a part of type {excerpt(leaf.essence)} does not say its charset")
    elif not _is_in(charset, content):
        yield Fault(Level.FAIL, f"a part of type {excerpt(leaf.essence)} is not in the charset {excerpt(charset)}")


def _is_in(charset: str, content: bytes) -> bool:
    codec = codec_of(charset)
    if codec is None:
        return False
    try:
        content.decode(codec)
    except (LookupError, ValueError):
        return False
    return True


RULE: Final = Rule(
    "MSG-03",
    "Headers are ASCII with encoded words of 75 octets at the most; parts have the charset and encoding they name.",
    "RFC 2047 §2, RFC 2045 §6.2, RFC 6532",
    "everything is in the charset and encoding that it names",
    _faults,
)
