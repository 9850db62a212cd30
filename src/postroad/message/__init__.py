"""Messages: what they say, who they go to, and the bytes they become. Values only; nothing here touches a network."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from postroad.message.attachment import Attachment, InlineImage
    from postroad.message.email import Email
    from postroad.message.envelope import Body, Envelope, MailObject
    from postroad.message.raw import RawMessage

__all__ = ["Attachment", "Body", "Email", "Envelope", "InlineImage", "MailObject", "RawMessage"]

# Loaded when asked for: a program that makes an Email pays for no RawMessage, and a transport for neither.
_HOME_OF: Final = {
    "Attachment": "attachment",
    "Body": "envelope",
    "Email": "email",
    "Envelope": "envelope",
    "InlineImage": "attachment",
    "MailObject": "envelope",
    "RawMessage": "raw",
}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
