"""A message with UTF-8 in its headers as one with ASCII headers, for a server without SMTPUTF8 (RFC 6531 §3.2).

The headers of parts and of enclosed messages are written anew too; bodies stay as they are. A message/global is a file
to whoever does not know it (RFC 6532 §3.7), and stays closed.
"""

from dataclasses import replace

from postroad.address import shown
from postroad.errors import Unsupported
from postroad.message.ascii_field import ascii_field
from postroad.message.entity import Entity, joined, read
from postroad.message.envelope import Body, Envelope, MailObject
from postroad.reply import Phase


def without_utf8_headers(mail: MailObject) -> MailObject:
    """The same message with headers of ASCII.

    Raises:
        Unsupported: an address of the envelope or a field of a header can be said in UTF-8 only, a signature would
            break, or the header of a part cannot be found.
    """
    if not mail.smtputf8:
        return mail
    _refuse_envelope(mail.envelope)
    content = mail.content if mail.content.isascii() else _downgraded(read(mail.content))
    body = Body.SEVEN_BIT if content.isascii() else Body.EIGHT_BIT
    return replace(mail, content=content, body=body, smtputf8=False)


def _refusal(why: str, advice: str) -> Unsupported:
    return Unsupported(f"the headers cannot do without SMTPUTF8: {why}", phase=Phase.MAIL, advice=advice)


def _refuse_envelope(envelope: Envelope) -> None:
    for address in (envelope.mail_from, *envelope.recipients):
        if address is not None and address.needs_smtputf8:
            raise _refusal(
                f"the address {shown(address.addr_spec)} in the envelope has a local part that is not ASCII",
                "Send it through a server that offers SMTPUTF8, or use another address of the same person.",
            )


def _downgraded(entity: Entity) -> bytes:
    if entity.octets.isascii():
        return entity.octets
    if entity.fault:
        raise _refusal(entity.fault, "Repair the structure of the message, or use a server that offers SMTPUTF8.")
    if not entity.header.isascii():
        _refuse_signed(entity.header_signature)
    header = b"".join(map(ascii_field, entity.fields))
    body = joined(entity.glue, [_downgraded(part) for part in entity.parts]) if entity.parts else entity.body
    if body != entity.body:
        _refuse_signed(entity.body_signature)
    return header + entity.blank + body


def _refuse_signed(signature: str | None) -> None:
    if signature:
        raise _refusal(
            f"the message is signed ({signature}), and the signature would break",
            "Send it through a server that offers SMTPUTF8, or write ASCII headers before signing.",
        )
