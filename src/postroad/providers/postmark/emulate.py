"""Postmark's side of its API: ``/email``, ``/email/batch``, ``/server``.

https://postmarkapp.com/developer/api/email-api, https://postmarkapp.com/developer/api/overview#error-codes
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message.address_list import address_list
from postroad.message.envelope import MailObject
from postroad.providers.contract import HttpReply, HttpRequest
from postroad.providers.emulator import Emulator, file_of, letter, said_in_json, texts_of
from postroad.providers.event import same

_MOST_RECIPIENTS: Final = 50
_MOST_TOGETHER: Final = 500
# https://postmarkapp.com/developer/user-guide/send-email-with-api: extensions of files that it refuses
_FORBIDDEN: Final = (
    "vbs exe bin bat chm com cpl crt hlp hta inf ins isp jse lnk mdb pcd pif reg scr sct shs vbe vba wsf wsh wsl msc "
    "msi msp mst"
)


class _Refused(Exception):
    """What Postmark says instead of taking a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class PostmarkEmulator(Emulator):
    """A server at Postmark; ``key`` is its token, ``signatures`` the addresses and domains it may send from (all,
    where there are none), ``streams`` its message streams. ``refuses`` are its inactive recipients.
    """

    provider = "postmark"

    def __init__(
        self, key: str = "test-key", signatures: Iterable[str] = (), streams: Iterable[str] = ("outbound", "broadcast")
    ) -> None:
        super().__init__(key)
        self.streams = frozenset(streams)
        self.signatures = frozenset(signatures)

    def respond(self, request: HttpRequest, now: datetime) -> HttpReply:
        if not same(request.headers.get("x-postmark-server-token", ""), self.key.reveal()):
            return _error(401, 10, "The Server Token you provided in the X-Postmark-Server-Token request header was "
                          "invalid. Please verify that you are using a valid token.")  # fmt: skip
        if (request.method, request.path) == ("GET", "/server"):
            return said_in_json(200, {"ID": 1, "Name": "Emulated", "DeliveryType": "Sandbox"})
        if request.method != "POST" or request.path not in ("/email", "/email/batch"):
            return said_in_json(404, {"Message": "not found"})
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _error(422, 409, "Your HTTP request does not have the Accept and Content-Type headers set to "
                          "application/json.")  # fmt: skip
        try:
            document = json.loads(request.body)
        except ValueError:
            return _error(422, 402, "Invalid JSON")
        return self._one(document, now) if request.path == "/email" else self._several(document, now)

    def misshapen(self, words: str) -> HttpReply:
        return _error(422, 403, f"Incompatible JSON. {words}")

    def _one(self, document: Any, now: datetime) -> HttpReply:
        try:
            return said_in_json(200, self._taken(document, now))
        except _Refused as fault:
            return _error(422, fault.code, str(fault))

    def _several(self, documents: Any, now: datetime) -> HttpReply:
        if not isinstance(documents, list):
            return _error(422, 403, "Incompatible JSON")
        if len(documents) > _MOST_TOGETHER:
            return _error(422, 410, f"You can send up to {_MOST_TOGETHER} messages in a batch.")
        answers: list[Mapping[str, Any]] = []
        for document in documents:
            try:
                answers.append(self._taken(document, now))
            except _Refused as fault:
                answers.append({"ErrorCode": fault.code, "Message": str(fault)})
        return said_in_json(200, answers)

    def _taken(self, document: Any, now: datetime) -> Mapping[str, Any]:
        if not isinstance(document, dict):
            raise _Refused(403, "Incompatible JSON")
        if (stream := str(document.get("MessageStream") or "outbound")) not in self.streams:
            raise _Refused(1235, f"The 'MessageStream' provided ('{stream}') does not exist on this server.")
        mail = self._mail(document)
        inactive = [one.addr_spec.lower() for one in mail.envelope.recipients if one.addr_spec in self.refuses]
        if len(inactive) == len(mail.envelope.recipients):
            raise _Refused(406, f"You tried to send to recipient(s) that have been marked as inactive. Found inactive "
                           f"addresses: {', '.join(inactive)}. Inactive recipients are ones that have generated a hard "
                           "bounce, a spam complaint, or a manual suppression.")  # fmt: skip
        words = "OK"
        if inactive:
            words = (f"Message OK, but will not deliver to these inactive addresses: {', '.join(inactive)}. Inactive "
                     "recipients are ones that have generated a hard bounce, a spam complaint, or a manual "
                     "suppression.")  # fmt: skip
        name = self.keep(mail)
        answer = {"SubmittedAt": now.isoformat(), "MessageID": name, "ErrorCode": 0, "Message": words}
        return {"To": document["To"], **answer} if document.get("To") else answer

    def _mail(self, document: Mapping[str, Any]) -> MailObject:
        if not document.get("TextBody") and not document.get("HtmlBody"):
            raise _Refused(300, "Provide either email TextBody or HtmlBody or both.")
        people = {name: _people(name, document.get(name)) for name in ("To", "Cc", "Bcc")}
        count = sum(map(len, people.values()))
        if not 1 <= count <= _MOST_RECIPIENTS:
            raise _Refused(300, "Zero recipients specified" if not count else
                           f"Too many recipients. The maximum is {_MOST_RECIPIENTS}.")  # fmt: skip
        author = self._author(document.get("From"))
        try:
            return letter(
                from_=author,
                to=people["To"],
                cc=people["Cc"],
                bcc=people["Bcc"],
                reply_to=_people("ReplyTo", document.get("ReplyTo")),
                subject=document.get("Subject") or "",
                text=document.get("TextBody"),
                html=document.get("HtmlBody"),
                tags=document.get("Tag") or (),
                metadata=_metadata(document.get("Metadata")),
                headers=_headers(document.get("Headers")),
                attachments=[_file(one) for one in document.get("Attachments") or ()],
            )
        except MessageError as fault:
            raise _Refused(300, fault.message) from None

    def _author(self, text: Any) -> Address:
        authors = _people("From", text)
        if len(authors) != 1:
            raise _Refused(300, "Invalid 'From' address: ''.")
        if self.signatures and not {authors[0].addr_spec, authors[0].domain} & self.signatures:
            raise _Refused(400, f"The 'From' address you supplied ({authors[0].addr_spec}) is not a Sender Signature "
                           "on your account.")  # fmt: skip
        return authors[0]


def _error(status: int, code: int, message: str) -> HttpReply:
    return said_in_json(status, {"ErrorCode": code, "Message": message})


def _people(name: str, text: Any) -> tuple[Address, ...]:
    if not text:
        return ()
    try:
        return tuple(address_list(str(text), name))
    except AddressError:
        raise _Refused(300, f"Invalid '{name}' address: '{text}'.") from None


def _metadata(document: Any) -> dict[str, str]:
    metadata = texts_of(document)
    if len(metadata) > 10 or any(len(name) > 20 or len(value) > 80 for name, value in metadata.items()):
        raise _Refused(300, "Invalid metadata content. Metadata has up to 10 fields, of 20 and 80 characters.")
    return metadata


def _headers(documents: Any) -> list[tuple[str, str]]:
    fields = []
    for document in documents or ():
        if not isinstance(document, dict) or not {"Name", "Value"} <= document.keys():
            raise _Refused(300, "Invalid header: a Name and a Value are needed.")
        fields.append((str(document["Name"]), str(document["Value"])))
    kept = any(name.lower() == "x-pm-keepid" and value.lower() == "true" for name, value in fields)
    own = {"x-pm-keepid"} if kept else {"x-pm-keepid", "message-id"}
    return [(name, value) for name, value in fields if name.lower() not in own]


def _file(document: Any) -> Any:
    if not isinstance(document, dict) or not document.get("ContentType"):
        raise _Refused(300, "Invalid attachment: Name, Content and ContentType are needed.")
    if str(document.get("Name")).rpartition(".")[2].lower() in _FORBIDDEN.split(" "):
        raise _Refused(300, f"The file {document['Name']} has an extension that is not allowed.")
    cid = document.get("ContentID")
    name = None if cid is None else str(cid).removeprefix("cid:")
    return file_of(document.get("Content"), document.get("Name"), document["ContentType"], name)
