"""One header field of UTF-8 (RFC 6532) as a field of ASCII that means the same.

Free text and display names become encoded words (RFC 2047), parameters take the form of RFC 2231, domains become
A-labels (RFC 5890 §2.3.2.1). A local part, a msg-id and whatever machines read have no such form (RFC 6857 §3.1.5).
"""

import re
from typing import Final

from postroad.address import Address, shown
from postroad.errors import MessageError, Unsupported
from postroad.message import encoded_word, headers, mime_parameters
from postroad.message.address_list import address_list
from postroad.message.content_fields import Parameter, parametered
from postroad.message.entity import Field
from postroad.message.header_decode import decoded, one_line
from postroad.reply import Phase

_ADDRESSES: Final = frozenset(
    {
        "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-reply-to",
        "resent-to", "resent-cc", "resent-bcc", "disposition-notification-to", "return-receipt-to", "errors-to",
        "mail-followup-to", "mail-reply-to",
    }
)  # fmt: skip
_PARAMETERED: Final = frozenset({"content-type", "content-disposition"})
# Structured by their RFC, with no place for an encoded word.
_FOR_MACHINES: Final = frozenset(
    {
        "message-id", "resent-message-id", "in-reply-to", "references", "content-id", "original-message-id",
        "supersedes", "date", "resent-date", "return-path", "received", "delivered-to", "x-original-to",
        "mime-version", "content-transfer-encoding", "content-location", "content-base", "content-language",
        "content-md5", "content-duration", "list-help", "list-subscribe", "list-unsubscribe", "list-unsubscribe-post",
        "list-owner", "list-archive", "list-post", "archived-at", "auto-submitted", "precedence", "feedback-id",
        "importance", "priority", "x-priority", "sensitivity", "original-recipient", "expires", "deferred-delivery",
        "dkim-signature", "domainkey-signature", "arc-seal", "arc-message-signature", "arc-authentication-results",
        "authentication-results", "received-spf", "require-recipient-valid-since", "autocrypt",
    }
)  # fmt: skip
_LONGEST_ENTRY: Final = 2000  # characters of a mailbox or phrase; the patterns that read one take quadratic time
_LONGEST_PARAMETER: Final = 900  # octets on one line of 998 with its name, and not worth being cut before
# Whatever may hold a comma, colon or semicolon that separates nothing, then those that do.
_PIECE: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"'
    r"|=\?[^?\s]++\?[bBqQ]\?[^?\s]*+\?="
    r"|<[^<>]*+>"
    r"|\[[^\[\]]*+\]"
    r"|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\)"
    r"|[,:;]"
    r"|\\."  # a quote that is quoted opens nothing
    r'|[^"<\[(,:;=\\]++'
    r"|.",
    re.DOTALL,
)


def ascii_field(field: Field) -> bytes:
    """The field as it is where it is ASCII, else written anew.

    Raises:
        Unsupported: naming the field, where ASCII cannot say what it says.
    """
    if field.raw.isascii():
        return field.raw
    try:
        text = one_line(field.value.decode())
        written = _written(field.name, field.key, text)
    except UnicodeDecodeError as fault:
        raise _refusal(field.name, "holds octets that are not UTF-8", "Repair the header.") from fault
    except MessageError as fault:
        raise _refusal(field.name, f"cannot be written in ASCII: {fault.message}") from fault
    if max(map(len, written.split("\r\n"))) > headers.MUST:
        raise _refusal(field.name, f"a word longer than a line of {headers.MUST} octets")
    return written.encode("ascii")


def _refusal(name: str, why: str, advice: str | None = None) -> Unsupported:
    return Unsupported(
        f"{name}: {why}",
        phase=Phase.MAIL,
        advice=advice or "Send it through a server that offers SMTPUTF8, or write this field in ASCII.",
    )


def _written(name: str, kind: str, text: str) -> str:
    if kind in _FOR_MACHINES:
        raise _refusal(name, f"holds {shown(text)}, and this field can say it in UTF-8 only")
    if kind in _PARAMETERED:
        return _with_parameters(name, text)
    if kind in _ADDRESSES:
        return headers.fold(name, _listed(name, text), encoded_word.MAX_LINE)
    if kind == "keywords":
        return headers.fold(name, _keywords(name, text), encoded_word.MAX_LINE)
    if kind == "list-id":
        return headers.fold(name, _list_id(name, text), encoded_word.MAX_LINE)
    return headers.unstructured(name, decoded(text))


def _listed(name: str, text: str) -> list[str]:
    """The tokens of an address list; groups stay groups (RFC 5322 §3.4)."""
    tokens: list[str] = []
    for entry, delimiter in _entries(text):
        tokens += _phrase(name, entry) if delimiter == ":" else _mailbox(name, entry)
        if delimiter and tokens:
            tokens[-1] += delimiter
    return tokens


def _entries(text: str) -> list[tuple[str, str]]:
    """What stands between the delimiters of an address list, each with the delimiter that ends it."""
    entries: list[tuple[str, str]] = []
    pieces: list[str] = []
    for found in _PIECE.finditer(text):
        piece = found.group()
        if piece in (",", ":", ";"):
            entries.append(("".join(pieces).strip(), piece))
            pieces = []
        else:
            pieces.append(piece)
    return [*entries, ("".join(pieces).strip(), "")]


def _mailbox(name: str, entry: str) -> list[str]:
    if entry.isascii():
        return _as_it_is(entry)
    _refuse_long(name, entry)
    tokens: list[str] = []
    for address in address_list(entry, name):
        _refuse_local_part(name, address)
        own, _ = headers.mailbox_tokens(address, encoded_word.MAX_LINE - len(name) - 2)
        tokens += own
    return tokens


def _refuse_local_part(name: str, address: Address) -> None:
    if address.needs_smtputf8:
        raise _refusal(name, f"the address {shown(address.addr_spec)} has a local part that is not ASCII")


def _refuse_long(name: str, entry: str) -> None:
    if len(entry) > _LONGEST_ENTRY:
        raise _refusal(name, f"an entry of more than {_LONGEST_ENTRY} characters")


def _phrase(name: str, text: str) -> list[str]:
    if text.isascii():
        return _as_it_is(text)
    _refuse_long(name, text)
    unquoted = re.sub(r'"((?:[^"\\]|\\.)*+)"', lambda found: re.sub(r"\\(.)", r"\1", found[1]), text)
    return encoded_word.encoded_words(decoded(unquoted))


def _as_it_is(text: str) -> list[str]:
    return re.split(" (?! )", text) if text else []


def _keywords(name: str, text: str) -> list[str]:
    tokens: list[str] = []
    for entry, delimiter in _entries(text):
        tokens += _phrase(name, entry)
        if delimiter and tokens:
            tokens[-1] += delimiter
    return tokens


def _list_id(name: str, text: str) -> list[str]:
    description, bracket, identifier = text.rpartition("<")  # RFC 2919 §2
    if not bracket or not identifier.isascii():
        raise _refusal(name, f"holds {shown(text)}, and a list's identifier is ASCII (RFC 2919 §2)")
    return [*_phrase(name, description.strip()), bracket + identifier]


def _with_parameters(name: str, text: str) -> str:
    given = parametered(text)
    if not given.whole or not given.value.isascii():
        raise _refusal(name, f"{shown(text)} cannot be read")
    written = [piece for parameter in given.parameters for piece in _parameter(name, parameter)]
    return mime_parameters.field(name, given.value, written)


def _parameter(name: str, parameter: Parameter) -> list[str]:
    if parameter.text.isascii() and len(parameter.text) <= _LONGEST_PARAMETER:
        return [parameter.text]
    if "*" in parameter.name or not parameter.name.isascii() or parameter.name.lower() == "boundary":
        raise _refusal(name, f"the parameter {shown(parameter.text)} cannot be written in ASCII")
    return mime_parameters.extended(parameter.name, parameter.value)
