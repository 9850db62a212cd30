"""A message of 8-bit content as one of 7-bit content, for a server without 8BITMIME (RFC 6152 §3).

Only what holds 8-bit octets is encoded, and what says 8bit or binary is told otherwise; every other byte stays.
"""

from binascii import a2b_qp
from dataclasses import replace
from typing import Final

from postroad.errors import Unsupported
from postroad.message.ascii_field import ascii_field
from postroad.message.encode import (
    Encoded,
    Encoding,
    base64,
    encode_octets,
    encode_text,
    encode_text_file,
    fits_seven_bit,
)
from postroad.message.entity import Entity, Field, joined, read
from postroad.message.envelope import Body, MailObject
from postroad.reply import Phase

_CRLF: Final = b"\r\n"
_NOT_ENCODED: Final = frozenset({"", "7bit", "8bit", "binary"})
_EIGHT_BIT: Final = frozenset({"8bit", "binary"})
# RFC 6532 §3.7, RFC 6533 §5, §6: these alone of the message types may be encoded (RFC 2046 §5.2).
_ENCODABLE_MESSAGES: Final = frozenset(
    {
        "message/global",
        "message/global-delivery-status",
        "message/global-disposition-notification",
        "message/global-headers",
    }
)


def seven_bit(mail: MailObject) -> MailObject:
    """The same message with a content of ASCII only; UTF-8 in a header is encoded too, as by ``without_utf8_headers``.

    Raises:
        Unsupported: a signature would break, or 8-bit octets stand where no encoding can.
    """
    if mail.content.isascii():
        return mail if mail.body is Body.SEVEN_BIT else replace(mail, body=Body.SEVEN_BIT)
    content = _converted(read(mail.content))
    return replace(mail, content=content, body=Body.SEVEN_BIT, smtputf8=mail.envelope.needs_smtputf8)


def _refusal(why: str) -> Unsupported:
    return Unsupported(
        f"the content is 8bit and cannot be made 7bit: {why}",
        phase=Phase.MAIL,
        advice="Send it through a server that offers 8BITMIME, or make the content 7bit before it is signed.",
    )


def _converted(entity: Entity) -> bytes:
    if entity.octets.isascii():
        if entity.fault or entity.body_signature:
            return entity.octets  # it can go as it is
    else:
        _refuse(entity)
    body, encoding = _body(entity)
    header = _header(entity, encoding, anew=body != entity.body)
    return header + entity.blank + body


def _refuse(entity: Entity) -> None:
    """Refuse what holds 8-bit octets and may not change, or cannot be walked."""
    signature = entity.header_signature or (None if entity.body.isascii() else entity.body_signature)
    if signature:
        raise _refusal(f"it is signed ({signature}), and the signature would break")
    if entity.fault:
        raise _refusal(entity.fault)
    if not b"".join(entity.glue).isascii():
        raise _refusal("8-bit octets stand before, between or after the parts of a multipart")


def _body(entity: Entity) -> tuple[bytes, str | None]:
    """The body, and the encoding that its header must name, ``None`` for the one it names already."""
    if entity.body_signature:
        return entity.body, None
    return _composite(entity) if entity.parts else _leaf(entity)


def _composite(entity: Entity) -> tuple[bytes, str | None]:
    body = joined(entity.glue, [_converted(part) for part in entity.parts])
    return body, "7bit" if entity.encoding in _EIGHT_BIT else None


def _leaf(entity: Entity) -> tuple[bytes, str | None]:
    octets = entity.body
    if octets.isascii() and entity.encoding not in _EIGHT_BIT:
        return octets, None
    if fits_seven_bit(octets):
        return octets, Encoding.SEVEN_BIT.value
    if octets and entity.essence.startswith("message/") and entity.essence not in _ENCODABLE_MESSAGES:
        raise _refusal(f"{entity.essence} may not be encoded (RFC 2045 §6.4)")
    encoded = _encoded(entity)
    return encoded.body, encoded.encoding.value


def _encoded(entity: Entity) -> Encoded:
    octets = entity.body
    end = _CRLF if octets.endswith(_CRLF) else b""  # of the content's last line; base64 takes it in
    text = octets.removesuffix(_CRLF)
    if entity.encoding == "quoted-printable":
        # Octets that ought to be escaped: every reader takes them for themselves.
        encoded = encode_text_file(a2b_qp(text))
        octets = a2b_qp(octets)
    elif entity.encoding not in _NOT_ENCODED:
        raise _refusal(f"8-bit octets in a part that says it is encoded in {entity.encoding}")
    else:
        encoded = encode_text(text) if entity.essence.startswith("text/") else encode_octets(octets)
    if encoded.encoding is Encoding.BASE64:
        return Encoded(Encoding.BASE64, base64(octets) + end)
    return Encoded(encoded.encoding, encoded.body + end)


def _header(entity: Entity, encoding: str | None, *, anew: bool) -> bytes:
    fields = [_encoding_field(field, encoding) for field in entity.fields]
    known = {field.key for field in entity.fields}
    if encoding is not None and "content-transfer-encoding" not in known:
        types = [place for place, field in enumerate(entity.fields, 1) if field.key == "content-type"]
        fields.insert(types[0] if types else len(fields), _line("Content-Transfer-Encoding", encoding))
    if anew and entity.is_message and "mime-version" not in known:
        fields.append(_line("MIME-Version", "1.0"))  # without it the encoding says nothing (RFC 2045 §4)
    return b"".join(fields)


def _encoding_field(field: Field, encoding: str | None) -> bytes:
    if encoding is not None and field.key == "content-transfer-encoding":
        return _line(field.name, encoding)
    return ascii_field(field)


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("ascii")
