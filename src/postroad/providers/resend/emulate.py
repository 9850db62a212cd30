"""Resend's side of its API: ``/emails``, ``/emails/batch``, ``/domains``.

https://resend.com/docs/api-reference/emails/send-email, https://resend.com/docs/dashboard/emails/idempotency-keys
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message.address_list import address_list
from postroad.message.envelope import MailObject
from postroad.providers.contract import IDEMPOTENCY_KEY, HttpReply, HttpRequest
from postroad.providers.emulator import Emulator, file_of, letter, said_in_json, texts_of
from postroad.providers.event import same, seconds_of
from postroad.providers.pairs import unpaired

KEPT: Final = 86_400.0  # seconds that an idempotency key is known
_MOST_RECIPIENTS: Final = 50
_MOST_TOGETHER: Final = 100
_LONGEST_HOLD: Final = 30 * 86_400.0  # seconds
_UNITS: Final = {"min": 60.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_IN_A_WHILE: Final = re.compile(r"in ([0-9]{1,5}) (min|minute|hour|day)s?")
_TAG: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")


class _Refused(Exception):
    """An error of Resend."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name


class ResendEmulator(Emulator):
    """An account at Resend; ``key`` is its API key. ``refuses`` are addresses that it takes for none."""

    provider = "resend"

    def __init__(self, key: str = "test-key") -> None:
        super().__init__(key)
        self._answered: dict[str, tuple[float, str, HttpReply]] = {}

    def respond(self, request: HttpRequest, now: datetime) -> HttpReply:
        try:
            return self._answer(request, now)
        except _Refused as fault:
            return _error(fault.status, fault.name, str(fault))

    def misshapen(self, words: str) -> HttpReply:
        return _error(422, "validation_error", words)

    def _answer(self, request: HttpRequest, now: datetime) -> HttpReply:
        given = request.headers.get("authorization", "")
        if not given:
            raise _Refused(401, "missing_api_key", "Missing API key in the authorization header.")
        if not same(given, f"Bearer {self.key.reveal()}"):
            raise _Refused(403, "invalid_api_key", "API key is invalid")
        if (request.method, request.path) == ("GET", "/domains"):
            return said_in_json(200, {"object": "list", "data": [{"name": "a.example", "status": "verified"}]})
        if request.method != "POST" or request.path not in ("/emails", "/emails/batch"):
            raise _Refused(404, "not_found", "The requested endpoint does not exist.")
        return self._once(request, now)

    def _once(self, request: HttpRequest, now: datetime) -> HttpReply:
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            return self._sent(request, now)
        if not 1 <= len(key) <= 256:
            raise _Refused(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        digest = hashlib.sha256(request.path.encode() + request.body).hexdigest()
        known = self._answered.get(key)
        if known is not None and now.timestamp() - known[0] < KEPT:
            if known[1] != digest:
                raise _Refused(409, "invalid_idempotent_request",
                               "Same idempotency key used with a different request payload.")  # fmt: skip
            return known[2]
        reply = self._sent(request, now)
        self._answered[key] = now.timestamp(), digest, reply
        return reply

    def _sent(self, request: HttpRequest, now: datetime) -> HttpReply:
        try:
            document = json.loads(request.body)
        except ValueError:
            raise _Refused(400, "validation_error", "The request body is no JSON.") from None
        if request.path == "/emails":
            mail = self._mail(document)
            send_at = _send_at(document.get("scheduled_at"), now)
            return said_in_json(200, {"id": self.keep(replace(mail, send_at=send_at))})
        if not isinstance(document, list) or not 1 <= len(document) <= _MOST_TOGETHER:
            raise _Refused(422, "validation_error", f"A batch has 1 to {_MOST_TOGETHER} emails.")
        return self._batch(document, request.headers.get("x-batch-validation", "strict"))

    def _batch(self, documents: list[Any], validation: str) -> HttpReply:
        """All or none; or those that are right, and the places of the others."""
        if validation not in ("strict", "permissive"):
            raise _Refused(422, "validation_error", "The batch validation mode is `strict` or `permissive`.")
        mails: list[MailObject] = []
        errors: list[Mapping[str, Any]] = []
        for index, document in enumerate(documents):
            try:
                mails.append(self._of_batch(document))
            except _Refused as fault:
                if validation == "strict":
                    raise
                errors.append({"index": index, "message": str(fault)})
        told = {"data": [{"id": self.keep(mail)} for mail in mails]}
        return said_in_json(200, told if validation == "strict" else {**told, "errors": errors})

    def _of_batch(self, document: Any) -> MailObject:
        if isinstance(document, dict) and document.keys() & {"attachments", "scheduled_at"}:
            raise _Refused(422, "validation_error", "attachments and scheduled_at are not supported in a batch.")
        return self._mail(document)

    def _mail(self, document: Any) -> MailObject:
        if not isinstance(document, dict):
            raise _Refused(422, "validation_error", "An email is an object.")
        for name in ("from", "to", "subject"):
            if not document.get(name):
                raise _Refused(422, "missing_required_field", f"Missing `{name}` field.")
        if not document.get("text") and not document.get("html"):
            raise _Refused(422, "validation_error", "Missing `html` or `text` field.")
        people = {name: self._people(document, name) for name in ("to", "cc", "bcc")}
        if too_many := next((name for name, told in people.items() if len(told) > _MOST_RECIPIENTS), None):
            raise _Refused(422, "validation_error", f"`{too_many}` has more than {_MOST_RECIPIENTS} recipients.")
        tags, metadata = unpaired(_tags(document.get("tags")))
        try:
            return letter(
                from_=self._people(document, "from"),
                **people,
                reply_to=self._people(document, "reply_to"),
                subject=document["subject"],
                text=document.get("text"),
                html=document.get("html"),
                headers=list(texts_of(document.get("headers")).items()),
                attachments=[_file(one) for one in document.get("attachments") or ()],
                tags=tags,
                metadata=metadata,
            )
        except MessageError as fault:
            raise _Refused(422, "validation_error", fault.message) from None

    def _people(self, document: Mapping[str, Any], name: str) -> tuple[Address, ...]:
        told = document.get(name) or []
        try:
            found = tuple(_mailbox(one) for one in ([told] if isinstance(told, str) else told))
        except (AddressError, ValueError):
            found = ()
        if (told and not found) or any(one.addr_spec in self.refuses for one in found):
            raise _Refused(422, "validation_error", f"Invalid `{name}` field. The email address needs to follow the "
                           "`email@example.com` or `Name <email@example.com>` format.")  # fmt: skip
        return found


def _error(status: int, name: str, message: str) -> HttpReply:
    return said_in_json(status, {"statusCode": status, "name": name, "message": message})


def _send_at(text: Any, now: datetime) -> float | None:
    """A moment of ISO 8601, or one as people say it, of which the form of Resend's documentation is read here."""
    if text is None:
        return None
    said = _IN_A_WHILE.fullmatch(str(text).strip().lower())
    moment = seconds_of(text) if said is None else now.timestamp() + int(said[1]) * _UNITS[said[2]]
    if moment is None:
        raise _Refused(422, "validation_error", "Invalid `scheduled_at` field.")
    if moment - now.timestamp() > _LONGEST_HOLD:
        raise _Refused(422, "validation_error", "`scheduled_at` must be within 30 days.")
    return moment


def _mailbox(text: str) -> Address:
    """One mailbox; a name is plain or in encoded words, and never in quotes."""
    if text.startswith('"') and text.endswith(">"):
        raise AddressError("a name in quotes")
    (found,) = address_list(text, "to") or (Address(text),)
    return found


def _tags(documents: Any) -> list[tuple[str, str]]:
    pairs = [(str(one.get("name", "")), str(one.get("value", ""))) for one in documents or ()]
    if not all(_TAG.fullmatch(text) for pair in pairs for text in pair):
        raise _Refused(422, "validation_error", "Tags should only contain ASCII letters, numbers, underscores, or "
                       "dashes.")  # fmt: skip
    return pairs


def _file(document: Mapping[str, Any]) -> Any:
    content = document.get("content")
    if isinstance(content, list):  # octets as numbers, as the Python library sends them
        content = base64.b64encode(bytes(content)).decode()
    cid = document.get("content_id") or document.get("inline_content_id")
    return file_of(content, document.get("filename"), document.get("content_type"), cid)
