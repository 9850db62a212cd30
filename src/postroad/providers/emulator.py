"""The provider's side of an email API, for tests and for an inbox: requests in, answers out, and the mail is kept.

As strict as the provider's documentation: what it refuses is refused here, with its words and its codes. No socket: who
serves HTTP hands in the requests.
"""

import base64
import binascii
import json
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Final

from postroad.errors import MessageError
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.envelope import MailObject
from postroad.message.list_headers import ListUnsubscribe, listed
from postroad.message.seal import seal
from postroad.providers.contract import HttpReply, HttpRequest
from postroad.secret import Secret

# What a value of another type than documented raises, somewhere on its way into a message.
_MISSHAPEN: Final = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
_NAMES: Final = uuid.UUID("6d1ba26b-2d5c-5d0b-9d53-7a3ea0b0e6a9")  # for the ids that are given out


class Emulator(ABC):
    """``received`` is the mail that was taken, in order. ``key`` is what lets a client in.

    ``troubles`` are given instead of the next answers; ``refuses`` are addresses that the provider will not send to.
    """

    provider: ClassVar[str]

    def __init__(self, key: Secret | str = "test-key") -> None:
        self.key = Secret(key)
        self.received: list[MailObject] = []
        self.troubles: deque[HttpReply] = deque()
        self.refuses: set[str] = set()

    def answer(self, request: HttpRequest, now: datetime) -> HttpReply:
        """What the provider answers to a request; ``now`` is aware."""
        if self.troubles:
            return self.troubles.popleft()
        taken = len(self.received)
        try:
            return self.respond(request, now)
        except _MISSHAPEN as fault:
            del self.received[taken:]  # of a batch, those before it
            return self.misshapen(f"A value is not of the documented type: {fault}.")

    @abstractmethod
    def respond(self, request: HttpRequest, now: datetime) -> HttpReply:
        """The answer, where there is no trouble."""

    @abstractmethod
    def misshapen(self, words: str) -> HttpReply:
        """The answer to a request that is not of the documented form."""

    def keep(self, mail: MailObject) -> str:
        """Take a message, and name it."""
        self.received.append(mail)
        return str(uuid.uuid5(_NAMES, f"{self.provider} {len(self.received)}"))


def said_in_json(status: int, document: Any, **headers: str) -> HttpReply:
    """An answer of JSON; an underscore in the name of a header field stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, json.dumps(document).encode(), {"content-type": "application/json", **named})


def letter(*, headers: Iterable[tuple[str, str]] = (), **arguments: Any) -> MailObject:
    """The message that a client's fields make. Header fields that are an argument of ``Email`` become that.

    Raises:
        MessageError: they make none.
    """
    fields, own = [], dict[str, Any]()
    uris: tuple[str, ...] = ()
    one_click = False
    for name, value in headers:
        match name.lower():
            case "message-id":
                own["message_id"] = value
            case "list-unsubscribe":
                uris = listed(value)
            case "list-unsubscribe-post":
                one_click = True
            case _:
                fields.append((name, value))
    if uris:
        own["list_unsubscribe"] = ListUnsubscribe(uris, one_click)
    return seal(Email(**{**arguments, **own}, headers=fields))


def file_of(content: object, filename: object, content_type: object, cid: object) -> Attachment:
    """A file as JSON has it, its content in base64 (RFC 4648 §4).

    Raises:
        MessageError: it is none.
    """
    if not isinstance(content, str) or not isinstance(filename, str):
        raise MessageError("an attachment has a content and a file name", field="attachments")
    try:
        octets = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise MessageError("the content of an attachment is not base64", field="attachments") from None
    kind = None if content_type is None else str(content_type)
    if cid is None:
        return Attachment(octets, filename, kind)
    return InlineImage(octets, str(cid), filename, kind)


def texts_of(document: Any) -> dict[str, str]:
    """An object whose values are texts.

    Raises:
        MessageError: it is none.
    """
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise MessageError("metadata and headers are objects of texts", field="metadata")
    return document
