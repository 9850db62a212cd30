"""What a message needs of its server, and what it becomes for one that cannot give it.

Nothing that was asked for is dropped in silence: what cannot be had and cannot be avoided is an error before MAIL.
"""

from postroad.errors import MessageError, Unsupported
from postroad.message.downgrade import without_utf8_headers
from postroad.message.envelope import Body, MailObject
from postroad.message.seven_bit import seven_bit
from postroad.reply import Phase
from postroad.smtp.extensions import Extensions


def fitted(mail: MailObject, extensions: Extensions, *, verified_tls: bool) -> MailObject:
    """The message as this server can take it: itself, or in a form that needs less.

    Raises:
        Unsupported: the server lacks what the message needs.
        MessageError: the message is larger than the server takes (RFC 1870 §6.1).
    """
    if mail.smtputf8 and not extensions.smtputf8:
        mail = without_utf8_headers(mail)  # RFC 6531 §3.2
    if mail.body is Body.EIGHT_BIT and not extensions.eight_bit_mime:
        mail = seven_bit(mail)  # RFC 6152 §3
    if mail.envelope.dsn is not None and not extensions.dsn:
        raise Unsupported(
            "delivery status notifications are asked for, and the server does not offer DSN",
            phase=Phase.MAIL,
            advice="Send without dsn, or over a server that reports.",
        )
    if mail.envelope.require_tls and not (extensions.require_tls and verified_tls):
        what = "the server does not offer REQUIRETLS" if verified_tls else "the connection has no verified TLS"
        raise Unsupported(f"require_tls is asked for, and {what}", phase=Phase.MAIL)  # RFC 8689 §4.2.1
    limit = extensions.size_limit
    if limit is not None and len(mail.content) > limit:
        message = f"the message has {len(mail.content)} octets, the server takes {limit}"
        raise MessageError(message, field="size", phase=Phase.MAIL)
    return mail
