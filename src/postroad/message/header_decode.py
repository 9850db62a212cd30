"""Reading header text that others wrote: unfolding, encoded words, 8-bit octets, and no surprises.

Whatever a field holds, what comes out is one line: decoded line breaks and control characters become spaces, so a
crafted encoded word can never grow into a field of its own (CVE-2024-6923).
"""

import binascii
import codecs
import re
from typing import Final

# Lenient where real mail is: white space inside a Q word, any charset name, the language of RFC 2231 §5.
_WORD: Final = re.compile(r"=\?([^?*\s]{1,40}+)(?:\*[^?\s]{0,40}+)?\?([bBqQ])\?([^?]*+)\?=")
_Q_ESCAPE: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_IN_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FOREIGN_SURROGATE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # not one of surrogateescape (PEP 383)
_FOLD: Final = re.compile(r"(?:\r\n|\r|\n)(?=[ \t])")
# Python's own codecs for other jobs than mail; some of them take quadratic time.
_NO_CHARSET: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})


def one_line(text: str) -> str:
    """The text without line breaks, control characters and surrogates."""
    if text.isprintable():
        return text.strip()
    return _SURROGATE.sub("\ufffd", _NOT_IN_LINE.sub(" ", _FOLD.sub("", text))).strip()


def octets_resolved(text: str) -> str:
    """Turn the raw octets of a parsed message (PEP 383) into characters: UTF-8, else Latin-1."""
    if text.isascii():
        return text
    octets = _FOREIGN_SURROGATE.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def decoded(raw: str) -> str:
    """A field's text: octets resolved, unfolded, encoded words decoded (RFC 2047 §6), in one line."""
    text = one_line(octets_resolved(raw))
    return one_line(words_decoded(text)) if "=?" in text else text


def words_decoded(text: str) -> str:
    """The text with its encoded words decoded; words that follow each other are joined before they are decoded."""
    done: list[str] = []
    pending: list[bytes] = []
    charset, position = "", 0
    for word in _WORD.finditer(text):
        octets = _octets(word[2], word[3])
        if octets is None:
            continue
        between = text[position : word.start()]
        if pending and (between.strip() or word[1].lower() != charset):
            done.append(in_charset(b"".join(pending), charset))
            pending = []
            done.append("" if not between.strip() else between)
        elif not pending:
            done.append(between)
        pending.append(octets)
        charset, position = word[1].lower(), word.end()
    if pending:
        done.append(in_charset(b"".join(pending), charset))
    return "".join((*done, text[position:]))


def _octets(encoding: str, payload: str) -> bytes | None:
    if not payload.isascii():
        return None
    if encoding in "qQ":
        return _Q_ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), payload.replace("_", " ").encode())
    try:
        return binascii.a2b_base64(payload.rstrip("=") + "=" * (-len(payload.rstrip("=")) % 4))
    except binascii.Error:
        return None


def in_charset(octets: bytes, charset: str) -> str:
    """Octets as text; what does not decode becomes U+FFFD.

    Octets above ASCII in an unknown charset, or in one that is said to be ASCII, are read as UTF-8, else Latin-1.
    """
    name = codec_of(charset)
    if name is None or name == "ascii":
        return octets_resolved(octets.decode("ascii", "surrogateescape"))
    try:
        text = octets.decode(name, "replace")
    except (UnicodeError, LookupError, ValueError):
        text = octets.decode("latin-1")
    return _SURROGATE.sub("\ufffd", text) if not text.isprintable() else text


def codec_of(charset: str) -> str | None:
    """Python's name for a charset; ``None`` for what is none in mail."""
    if not charset.isascii() or not charset.isprintable():
        return None
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return None if name.replace("-", "_") in _NO_CHARSET else name
