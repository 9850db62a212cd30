"""``postroad send --dry-run``: exactly what would go, before anything is connected or any secret looked up."""

import sys
from typing import TYPE_CHECKING, Any

from postroad.cli.output import Form, say_json
from postroad.cli.terminal import note
from postroad.mailer.compose import Sendable, compose
from postroad.message.envelope import Body, MailObject
from postroad.message.seal import DEFAULT_MAX_SIZE
from postroad.terminal_text import many_lines, one_line
from postroad.transport.smtp.opening import mail_command, rcpt_command

if TYPE_CHECKING:
    from postroad.transport.contract import Transport


def show(message: Sendable, route: str | None, transport: "Transport | None", form: Form) -> None:
    """Print the content as it would be before dot-stuffing, and say the envelope; or print one object of all but the
    content.

    Raises:
        MessageError: the message could not go by this route.
    """
    limit = transport.max_size if transport is not None else None
    mail = compose(message, max_size=DEFAULT_MAX_SIZE if limit is None else limit)
    if form is not Form.TEXT:
        say_json(_as_json(mail, route), form)
        return
    _note_envelope(mail, route)
    if sys.stdout.isatty():
        sys.stdout.write(many_lines(mail.content))  # a file's escape sequences are for its reader, not for the terminal
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(mail.content)
    sys.stdout.flush()


def _note_envelope(mail: MailObject, route: str | None) -> None:
    note(f"route:  {one_line(route) if route else 'none is set'}")
    for command in (_mail(mail), *_rcpts(mail)):
        note(one_line(command))
    note(f"{len(mail.content)} octets; nothing was sent")


def _as_json(mail: MailObject, route: str | None) -> dict[str, Any]:
    sender = mail.envelope.mail_from
    return {
        "dry_run": True,
        "route": route,
        "message_id": mail.message_id,
        "size": len(mail.content),
        "envelope": {
            "from": sender.addr_spec if sender is not None else "",
            "to": [recipient.addr_spec for recipient in mail.envelope.recipients],
        },
        "mail": _mail(mail),
        "rcpt": _rcpts(mail),
        "needs": _needs(mail),
    }


def _mail(mail: MailObject) -> str:
    """The command as it would be to a server that offers everything."""
    return mail_command(mail, with_size=True).decode().rstrip()


def _rcpts(mail: MailObject) -> list[str]:
    dsn = mail.envelope.dsn
    return [rcpt_command(recipient, dsn).decode().rstrip() for recipient in mail.envelope.recipients]


def _needs(mail: MailObject) -> list[str]:
    """The extensions that the server must offer for the message to go as it is."""
    wanted = {
        "8BITMIME": mail.body is Body.EIGHT_BIT,
        "SMTPUTF8": mail.smtputf8,
        "DSN": mail.envelope.dsn is not None,
        "REQUIRETLS": mail.envelope.require_tls,
    }
    return [name for name, needed in wanted.items() if needed]
