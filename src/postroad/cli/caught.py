"""A message that a server on this machine caught, for people and for programs."""

from base64 import b64encode
from typing import Any, Final

from postroad.cli.anatomy import Anatomy, anatomy_or_fault
from postroad.cli.terminal import say, styled
from postroad.errors import MessageError
from postroad.inbox.catch import Caught
from postroad.net.smtp_handler import SmtpClient
from postroad.terminal_text import one_line

_FIELDS: Final = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID")
_TEXT_LINES: Final = 20


def caught_as_dict(caught: Caught) -> dict[str, Any]:
    """The message as JSON types: how it came, what it says, and its content to the octet, in base64."""
    anatomy = anatomy_or_fault(caught.content)
    return {
        "mail_from": _sender(caught),
        "recipients": [recipient.addr_spec for recipient in caught.recipients],
        "peer": caught.client.peer,
        "hello": caught.client.hello,
        "user": caught.client.user,
        "tls": caught.client.tls,
        "size": len(caught.content),
        **({} if isinstance(anatomy, MessageError) else _as_dict(anatomy)),
        "content_base64": b64encode(caught.content).decode("ascii"),
    }


def _as_dict(anatomy: Anatomy) -> dict[str, Any]:
    return {
        "subject": anatomy.field("Subject"),
        "message_id": anatomy.field("Message-ID"),
        "headers": [{"name": name, "value": value} for name, value in anatomy.fields],
        "parts": [part.as_dict() for part in anatomy.parts],
        "text": anatomy.text,
    }


def say_caught(caught: Caught) -> None:
    """Print it: how it came, its headers, its structure, its text."""
    recipients = ", ".join(recipient.addr_spec for recipient in caught.recipients)
    say(styled(f"── from <{one_line(_sender(caught))}> to {one_line(recipients)}", "cyan", bold=True))
    _fact("came", way_of(caught.client))
    anatomy = anatomy_or_fault(caught.content)
    if isinstance(anatomy, MessageError):
        _fact("content", f"{len(caught.content)} octets; {anatomy.message}")
    else:
        _say_anatomy(anatomy)
    say()


def way_of(client: SmtpClient) -> str:
    """How a message came: under which TLS, and as whom."""
    user = f"authenticated as {client.user}" if client.user else "not authenticated"
    return f"by {client.tls or 'plain text'}, {user}"


def _sender(caught: Caught) -> str:
    return caught.mail_from.addr_spec if caught.mail_from else ""


def _say_anatomy(anatomy: Anatomy) -> None:
    for name in _FIELDS:
        if value := anatomy.field(name):
            _fact(name.lower(), value)
    for number, part in enumerate(anatomy.parts):
        _fact("parts" if number == 0 else "", str(part))
    lines = anatomy.text.rstrip().splitlines()
    for line in lines[:_TEXT_LINES]:
        say(f"  {one_line(line)}")
    if len(lines) > _TEXT_LINES:
        say(styled(f"  … {len(lines) - _TEXT_LINES} more lines", dim=True))


def _fact(name: str, value: str) -> None:
    say(f"{styled(f'{name:11}', dim=True)} {one_line(value)}")
