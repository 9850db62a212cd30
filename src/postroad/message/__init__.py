"""Messages: what they say, who they go to, and the bytes they become. Values only; nothing here touches a network."""

from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.envelope import Body, Envelope, MailObject
from postroad.message.raw import RawMessage

__all__ = ["Attachment", "Body", "Email", "Envelope", "InlineImage", "MailObject", "RawMessage"]
