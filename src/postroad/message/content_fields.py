"""Reading the Content-Type, Content-Disposition and Content-Transfer-Encoding that others wrote (RFC 2045 §5, §6).

Lenient where all readers agree. Where they do not, there is a fault instead of a guess.
"""

import re
from typing import Final, NamedTuple

_WORD: Final = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"  # RFC 2045 §5.1
_TYPE: Final = re.compile(rf"({_WORD}/{_WORD})\s*(?:\([^()]*\)\s*)?(?:;|$)")
_PARAMETER: Final = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"|[^;]*+)[^;]*+|;\s*+(?=;|$)')
_COMMENT: Final = re.compile(r"\([^()]*+\)")

TEXT: Final = "text/plain"  # RFC 2045 §5.2: what has no type, or none that can be read
MESSAGE: Final = "message/rfc822"


class Parameter(NamedTuple):
    """``value`` without its quotes, ``text`` as it stands."""

    name: str
    value: str
    text: str


class Parametered(NamedTuple):
    """``value; parameter; …``; ``whole`` where nothing else stands in between."""

    value: str
    parameters: tuple[Parameter, ...]
    whole: bool

    def named(self, name: str) -> list[Parameter]:
        """Every parameter of that name, those in the sections of RFC 2231 too."""
        return [known for known in self.parameters if known.name.lower().partition("*")[0] == name]


def parametered(text: str) -> Parametered:
    """An unfolded field's value and its parameters."""
    value, _, _ = text.partition(";")
    position, parameters, whole = len(value), [], True
    for found in _PARAMETER.finditer(text, position):
        whole = whole and found.start() == position
        position = found.end()
        if found[1] is not None:
            stands = f"{found[1]}={found[2].strip()}"
            parameters.append(Parameter(found[1], _unquoted(found[2].strip()), stands))
            whole = whole and not text[found.end(2) : position].strip()
    return Parametered(value.strip(), tuple(parameters), whole and position == len(text))


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def essence_of(text: str) -> str | None:
    """``type/subtype`` in lower case; ``None`` where it might be a multipart or a message and cannot be read."""
    found = _TYPE.match(text)
    if found:
        return found[1].lower()
    return None if text.lower().startswith(("multipart", "message")) else TEXT


def boundary_of(text: str) -> str | None:
    """The boundary of a multipart (RFC 2046 §5.1.1); ``None`` where there is none, or none that is read alike."""
    given = parametered(text).named("boundary")
    if len(given) != 1 or given[0].name.lower() != "boundary" or not given[0].value.isascii():
        return None
    return given[0].value.rstrip() or None


def encoding_of(text: str) -> str:
    """A Content-Transfer-Encoding's mechanism in lower case (RFC 2045 §6.1), without comments."""
    return _COMMENT.sub("", text).strip().lower()
