"""SendGrid's side of its API: ``/v3/mail/send``, ``/v3/scopes``.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message.envelope import MailObject
from postroad.message.header_decode import decoded
from postroad.providers.contract import HttpReply, HttpRequest
from postroad.providers.emulator import Emulator, file_of, letter, said_in_json, texts_of
from postroad.providers.event import same

_MOST_RECIPIENTS: Final = 1000
_LONGEST_HOLD: Final = 72 * 3600.0  # seconds
_FIELDS: Final = frozenset(
    {
        "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id",
        "headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings",
        "tracking_settings", "sections",
    }
)  # fmt: skip
_RESERVED: Final = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from",
        "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip


class _Refused(Exception):
    """An error of SendGrid, and the field it is about."""

    def __init__(self, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.field = field
        self.status = status


class SendGridEmulator(Emulator):
    """An account at SendGrid; ``key`` is its API key. ``refuses`` are addresses that it takes for none."""

    provider = "sendgrid"

    def respond(self, request: HttpRequest, now: datetime) -> HttpReply:
        try:
            return self._answer(request, now)
        except _Refused as fault:
            return _error(fault.status, str(fault), fault.field)

    def misshapen(self, words: str) -> HttpReply:
        return _error(400, f"Bad Request. {words}")

    def _answer(self, request: HttpRequest, now: datetime) -> HttpReply:
        if not same(request.headers.get("authorization", ""), f"Bearer {self.key.reveal()}"):
            raise _Refused("The provided authorization grant is invalid, expired, or revoked", status=401)
        if (request.method, request.path) == ("GET", "/v3/scopes"):
            return said_in_json(200, {"scopes": ["mail.send"]})
        if (request.method, request.path) != ("POST", "/v3/mail/send"):
            raise _Refused("not found", status=404)
        if request.headers.get("content-type") != "application/json":
            raise _Refused("Content-Type should be application/json.", status=415)
        document = _document(request.body)
        mails = self._mails(document)
        if any(one.send_at is not None and one.send_at - now.timestamp() > _LONGEST_HOLD for one in mails):
            raise _Refused("The send_at parameter must be within 72 hours.", "send_at")
        if _in_sandbox(document):
            return HttpReply(200)  # it is valid, and goes nowhere
        name = ""
        for mail in mails:
            name = self.keep(mail)
        return HttpReply(202, b"", {"x-message-id": name})

    def _mails(self, document: Mapping[str, Any]) -> list[MailObject]:
        """A message for each personalization; taken all, or none."""
        if unknown := document.keys() - _FIELDS:
            raise _Refused(f"Additional properties are not allowed: {', '.join(sorted(unknown))}")
        blocks = document.get("personalizations")
        if not isinstance(blocks, list) or not 1 <= len(blocks) <= 1000:
            raise _Refused("The personalizations field is required and must have at least one personalization.",
                           "personalizations")  # fmt: skip
        try:
            return [self._mail(document, block, index) for index, block in enumerate(blocks)]
        except MessageError as fault:
            raise _Refused(fault.message) from None

    def _mail(self, document: Mapping[str, Any], block: Mapping[str, Any], index: int) -> MailObject:
        place = f"personalizations.{index}"
        people = {name: self._people(block.get(name), f"{place}.{name}") for name in ("to", "cc", "bcc")}
        keys = [one.key for group in people.values() for one in group]
        if not people["to"]:
            raise _Refused("The to array is required for all personalization objects, and must have at least one email "
                           "object with a valid email address.", f"{place}.to")  # fmt: skip
        if len(keys) != len(set(keys)):
            raise _Refused("Each email address in the personalization block should be unique between to, cc, and bcc.",
                           place)  # fmt: skip
        if len(keys) > _MOST_RECIPIENTS:
            raise _Refused(f"The total number of recipients must be no more than {_MOST_RECIPIENTS}.", place)
        subject = block.get("subject") or document.get("subject")
        if not subject:
            raise _Refused("The subject is required. You can get around this requirement if you use a template with a "
                           "subject defined or if every personalization has a subject defined.", "subject")  # fmt: skip
        reply_to = document.get("reply_to_list") or ([document["reply_to"]] if document.get("reply_to") else [])
        mail = letter(
            from_=self._mailbox(document.get("from"), "from"),
            **people,
            reply_to=[self._mailbox(one, "reply_to") for one in reply_to],
            subject=subject,
            **_content(document.get("content")),
            attachments=[_file(one) for one in document.get("attachments") or ()],
            headers=_headers({**texts_of(document.get("headers")), **texts_of(block.get("headers"))}),
            tags=_categories(document.get("categories")),
            metadata={**texts_of(document.get("custom_args")), **texts_of(block.get("custom_args"))},
        )
        return replace(mail, send_at=_send_at(block.get("send_at") or document.get("send_at")))

    def _people(self, documents: Any, field: str) -> tuple[Address, ...]:
        return tuple(
            self._mailbox(_unquoted(one, f"{field}.{index}.email"), f"{field}.{index}.email")
            for index, one in enumerate(documents or ())
        )

    def _mailbox(self, document: Any, field: str) -> Address:
        text = document.get("email") if isinstance(document, dict) else None
        try:
            address = Address(str(text), str(document.get("name") or "") if isinstance(document, dict) else "")
        except AddressError:
            raise _Refused("Does not contain a valid address.", field) from None
        if address.addr_spec in self.refuses:
            raise _Refused("Does not contain a valid address.", field)
        return address


def _error(status: int, message: str, field: str | None = None) -> HttpReply:
    return said_in_json(status, {"errors": [{"message": message, "field": field, "help": None}]})


def _unquoted(document: Any, field: str) -> Any:
    """A recipient's name is header text there: quoted, or without what divides addresses."""
    name = document.get("name") if isinstance(document, dict) else None
    if not isinstance(name, str):
        return document
    if len(name) > 1 and name[0] == name[-1] == '"':
        return {**document, "name": re.sub(r"\\(.)", r"\1", name[1:-1])}
    if "," in name or ";" in name:
        raise _Refused("Does not contain a valid address.", field)
    return document


def _in_sandbox(document: Mapping[str, Any]) -> bool:
    settings = document.get("mail_settings")
    sandbox = settings.get("sandbox_mode") if isinstance(settings, dict) else None
    return isinstance(sandbox, dict) and sandbox.get("enable") is True


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _Refused("Bad Request")
    return document


def _content(documents: Any) -> Mapping[str, str]:
    """Plain text first, then HTML, each with at least a character."""
    if not isinstance(documents, list) or not documents:
        raise _Refused("Unless a valid template_id is provided, the content parameter is required. There must be at "
                       "least one defined content block.", "content")  # fmt: skip
    kinds = [one.get("type") for one in documents]
    if kinds not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        raise _Refused("If present, text/plain and text/html may only be provided once, in that order.", "content")
    for index, one in enumerate(documents):
        if not isinstance(one.get("value"), str) or not one["value"]:
            raise _Refused("The content value must be a string at least one character in length.",
                           f"content.{index}.value")  # fmt: skip
    return {{"text/plain": "text", "text/html": "html"}[one["type"]]: one["value"] for one in documents}


def _send_at(moment: Any) -> float | None:
    if moment is not None and not isinstance(moment, int):
        raise _Refused("The send_at parameter must be a UNIX timestamp.", "send_at")
    return None if moment is None else float(moment)


def _headers(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    if reserved := next((name for name in fields if name.lower() in _RESERVED), None):
        raise _Refused(f"The header {reserved} is reserved.", "headers")
    if raw := next((name for name, value in fields.items() if not value.isascii()), None):
        raise _Refused(f"The header {raw} must be encoded, as RFC 2047 says.", "headers")
    return [(name, decoded(value) if "=?" in value else value) for name, value in fields.items()]


def _categories(tags: Any) -> list[str]:
    categories = tags or []
    if len(categories) > 10 or len(set(categories)) != len(categories) or any(len(one) > 255 for one in categories):
        raise _Refused("You can have up to 10 unique categories, of up to 255 characters.", "categories")
    return list(categories)


def _file(document: Mapping[str, Any]) -> Any:
    if ";" in str(document.get("type") or ""):
        raise _Refused("The attachment type cannot contain ';', or CRLF characters.", "attachments.0.type")
    cid = document.get("content_id") if document.get("disposition") == "inline" else None
    return file_of(document.get("content"), document.get("filename"), document.get("type"), cid)
