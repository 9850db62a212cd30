"""What a message says of itself before its content: MAIL and RCPT with the parameters that it asks for."""

from typing import Final

from postroad.address import Address
from postroad.message.dsn_request import Dsn, Returned
from postroad.message.envelope import Body, MailObject
from postroad.smtp import commands

_RET: Final = {None: None, Returned.FULL: "FULL", Returned.HEADERS: "HDRS"}  # RFC 3461 §4.3


def mail_command(mail: MailObject, *, with_size: bool) -> bytes:
    """MAIL; ``with_size`` where the server offers SIZE. Whatever else the message needs was offered (``fitting``)."""
    dsn = mail.envelope.dsn
    return commands.mail(
        mail.envelope.mail_from,
        size=len(mail.content) if with_size else None,
        eight_bit=mail.body is Body.EIGHT_BIT,
        smtputf8=mail.smtputf8,
        ret=_RET[dsn.ret] if dsn is not None else None,
        envid=dsn.envid if dsn is not None else None,
        require_tls=mail.envelope.require_tls,
    )


def rcpt_command(recipient: Address, dsn: Dsn | None) -> bytes:
    """RCPT. Who asks for notifications also says whom they are about (RFC 3461 §4.2)."""
    if dsn is None:
        return commands.rcpt(recipient)
    wanted = [one.name for one in dsn.wanted_for(recipient)]
    return commands.rcpt(recipient, notify=wanted, orcpt=commands.original_recipient(recipient))
