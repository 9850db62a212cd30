"""The headers a caller adds: a case-insensitive, repeatable, immutable mapping without postroad's own fields."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from postroad.address import shown
from postroad.errors import MessageError
from postroad.message import headers as serialiser
from postroad.message.characters import header_text

MAX_FIELD_NAME_OCTETS: Final = 76  # RFC 5322 §2.1.1: name and colon fit in a line of 78 octets

_FIELD_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 §3.6.8: ftext

# Fields that postroad writes, and the argument that says what goes in.
_ARGUMENT_OF: Final = {
    "from": "from_",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "reply-to": "reply_to",
    "sender": "sender",
    "return-path": "return_path",
    "subject": "subject",
    "date": "date",
    "message-id": "message_id",
    "list-unsubscribe": "list_unsubscribe",
    "list-unsubscribe-post": "list_unsubscribe",
}
# Fields that only the machinery on the way may write: trace (RFC 5321 §4.4), signatures, delivery's own notes.
_TRACE: Final = frozenset(
    {
        "received", "delivered-to", "dkim-signature", "domainkey-signature", "authentication-results", "received-spf",
        "arc-seal", "arc-message-signature", "arc-authentication-results", "x-original-to", "x-envelope-to",
    }
)  # fmt: skip


class Headers(Mapping[str, str]):
    """Header fields in their order; names compare without case, and a field may repeat.

    ``headers[name]`` is the first field of that name, ``get_all(name)`` all of them, ``fields`` every (name, value).
    """

    __slots__ = ("fields",)

    fields: tuple[tuple[str, str], ...]

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        object.__setattr__(self, "fields", tuple(fields))

    @classmethod
    def read(cls, value: object) -> "Headers":
        """Read the ``headers`` argument of a message: a mapping, or an iterable of (name, value) pairs.

        Raises:
            MessageError: naming the field, where it is postroad's own, or its name or value cannot stand in a header.
        """
        if value is None or value == ():
            return _NONE
        if isinstance(value, Headers):
            return value
        return cls(_checked(value.items() if isinstance(value, Mapping) else value))

    def get_all(self, name: str) -> tuple[str, ...]:
        """The values of every field of that name, in order."""
        wanted = name.lower()
        return tuple(value for known, value in self.fields if known.lower() == wanted)

    def __getitem__(self, name: str) -> str:
        wanted = name.lower()
        for known, value in self.fields:
            if known.lower() == wanted:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        first: dict[str, str] = {}
        for name, _ in self.fields:
            first.setdefault(name.lower(), name)
        return iter(first.values())

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.fields})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return self.fields == other.fields
        return dict(self.fields) == other if isinstance(other, Mapping) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"Headers({list(self.fields)!r})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("the headers of a message do not change; use replace(headers=…)")

    def __reduce__(self) -> tuple[type["Headers"], tuple[tuple[tuple[str, str], ...]]]:
        return (type(self), (self.fields,))


_NONE: Final = Headers()


def is_field_name(name: str) -> bool:
    """Whether a field can be called so (RFC 5322 §3.6.8)."""
    return len(name) <= MAX_FIELD_NAME_OCTETS and _FIELD_NAME.fullmatch(name) is not None


def refusal(name: str) -> str | None:
    """Why a caller may not add a field of this name; ``None`` where it may."""
    lowered = name.lower()
    argument = _ARGUMENT_OF.get(lowered)
    if argument is not None:
        return f"postroad writes {name} itself; use the argument {argument}="
    if lowered.startswith("content-") or lowered == "mime-version":
        return f"postroad writes {name} itself, from text, html and attachments"
    if lowered in _TRACE:
        return f"{name} is written on the way, by servers and signers"
    if lowered.startswith("resent-"):
        return f"{name} belongs to a message that is sent on unchanged; use RawMessage"
    return None


def _checked(pairs: object) -> Iterator[tuple[str, str]]:
    if isinstance(pairs, str | bytes) or not isinstance(pairs, Iterable):
        raise MessageError("headers: a mapping or a list of (name, value) pairs is needed", field="headers")
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise MessageError("headers: each item is a pair (name, value)", field="headers")
        name = _checked_name(pair[0])
        field = f"headers[{name!r}]"
        value = header_text(pair[1], field)
        serialiser.check(name, value, field)
        yield name, value


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise MessageError(f"headers: a field name is a str, not {type(name).__name__}", field="headers")
    field = f"headers[{name!r}]" if name.isprintable() else f"headers[{shown(name)}]"
    if not is_field_name(name):
        raise MessageError(
            f"{field}: a field name is 1 to {MAX_FIELD_NAME_OCTETS} printable ASCII characters without space and colon",
            field=field,
        )
    reason = refusal(name)
    if reason:
        raise MessageError(f"{field}: {reason}", field=field)
    return name
