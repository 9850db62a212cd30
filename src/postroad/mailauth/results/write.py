"""Writing Authentication-Results (RFC 8601 §2.2), safe against everything a stranger may have put into its values.

Who sends a message chooses its addresses, domains and selectors. They are written as one token or one quoted string
each, without line breaks and control characters, so they can neither end the field nor add a result to it.
"""

import re
from collections.abc import Iterator
from typing import Final

from postroad.mailauth.results.value import VERSION, AuthenticationResults, MethodResult, Property

MAX_VALUE: Final = 400  # octets of one value: longer than any address; lines stay below 998 (RFC 5322 §2.1.1)
_WIDTH: Final = 78  # octets of a line (RFC 5322 §2.1.1)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")  # RFC 2045 §5.1
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*@[A-Za-z0-9._-]+")  # pvalue: [[local-part] "@"] domain
_NOT_ASCII_TEXT: Final = re.compile(r"[^ -~]")


def header_field(results: AuthenticationResults) -> bytes:
    """The whole ``Authentication-Results`` field, folded, with its last CRLF."""
    version = f" {results.version}" if results.version != VERSION else ""
    lines = [f"Authentication-Results: {_value(results.authserv_id)}{version};"]
    all_ = results.results
    for number, result in enumerate(all_, start=1):
        lines += _lines([*_words(result)], last=number == len(all_))
    text = "\r\n\t".join(lines) if all_ else f"{lines[0]} none"
    return text.encode("ascii") + b"\r\n"


def _lines(words: list[str], *, last: bool) -> Iterator[str]:
    line = ""
    for word in [*words[:-1], words[-1] + ("" if last else ";")]:
        if line and len(line) + 1 + len(word) > _WIDTH - 8:  # a tab counts as eight
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _words(result: MethodResult) -> Iterator[str]:
    version = f"/{result.version}" if result.version != VERSION else ""
    yield f"{result.method}{version}={result.result}"
    if result.comment:
        yield f"({_comment(result.comment)})"
    if result.reason:
        yield f"reason={_quoted(result.reason)}"
    yield from (_property(one) for one in result.properties)


def _property(one: Property) -> str:
    value = _clean(one.value)
    # RFC 8601 §2.2: an address stands there without quotes; any other value that is no token needs them.
    return f"{one.ptype}.{one.name}={value if _ADDRESS.fullmatch(value) else _value(value)}"


def _value(text: str) -> str:
    clean = _clean(text)
    return clean if _TOKEN.fullmatch(clean) else _quoted(clean)


def _quoted(text: str) -> str:
    escaped = _clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _comment(text: str) -> str:
    return re.sub(r"([()\\])", r"\\\1", _clean(text))


def _clean(text: str) -> str:
    return _NOT_ASCII_TEXT.sub("?", text[:MAX_VALUE])
