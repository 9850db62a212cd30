"""Mailgun's side of its API: ``messages.mime``, ``messages``, a domain's state.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
"""

from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message.address_list import address_list
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.envelope import MailObject
from postroad.message.metadata import Metadata
from postroad.message.parse import arguments_of_bytes
from postroad.message.raw import RawMessage
from postroad.providers.contract import HttpReply, HttpRequest
from postroad.providers.emulator import Emulator, letter, said_in_json
from postroad.providers.event import basic_credentials, same
from postroad.providers.mailgun.form import Field, read

_MOST_RECIPIENTS = 1000
_LONGEST_HOLD = 7 * 86_400.0  # seconds; some plans have less


class _Refused(Exception):
    """What Mailgun says instead of taking a message."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class MailgunEmulator(Emulator):
    """The sending domain ``domain``; ``key`` is the API key. ``refuses`` are addresses that it takes for none."""

    provider = "mailgun"

    def __init__(self, key: str = "test-key", *, domain: str = "a.example") -> None:
        super().__init__(key)
        self.domain = domain

    def respond(self, request: HttpRequest, now: datetime) -> HttpReply:
        if not same(request.headers.get("authorization", ""), basic_credentials("api", self.key)):
            return HttpReply(401, b"Forbidden", {"content-type": "text/html"})
        try:
            return self._answer(request, now)
        except _Refused as fault:
            return said_in_json(fault.status, {"message": str(fault)})
        except MessageError as fault:
            return said_in_json(400, {"message": fault.message})

    def misshapen(self, words: str) -> HttpReply:
        return said_in_json(400, {"message": words})

    def _answer(self, request: HttpRequest, now: datetime) -> HttpReply:
        domain = quote(self.domain, safe="")
        if (request.method, request.path) == ("GET", f"/v4/domains/{domain}"):
            return said_in_json(200, {"domain": {"name": self.domain, "state": "active"}})
        makers = {f"/v3/{domain}/messages.mime": _from_mime, f"/v3/{domain}/messages": _from_fields}
        make = makers.get(request.path) if request.method == "POST" else None
        if make is None:
            raise _Refused(f"Domain not found: {request.path.partition('/v3/')[2].partition('/')[0]}", 404)
        try:
            fields = read(request.headers.get("content-type", ""), request.body)
        except ValueError:
            raise _Refused("the request is no form") from None
        mail = replace(make(fields, self._recipients(fields)), send_at=_send_at(fields, now))
        self.keep(mail)
        return said_in_json(200, {"id": mail.message_id or f"<{len(self.received)}@{self.domain}>",
                                  "message": "Queued. Thank you."})  # fmt: skip

    def _recipients(self, fields: list[Field]) -> tuple[Address, ...]:
        found = _people(fields, "to")
        if not found:
            raise _Refused("to parameter is missing")
        if len(found) > _MOST_RECIPIENTS:
            raise _Refused(f"'to' parameter has more than {_MOST_RECIPIENTS} recipients")
        if any(one.addr_spec in self.refuses for one in (*found, *_people(fields, "cc"), *_people(fields, "bcc"))):
            raise _Refused("'to' parameter is not a valid address. please check documentation")
        return found


def _from_mime(fields: list[Field], recipients: tuple[Address, ...]) -> MailObject:
    content = next((one.content for one in fields if one.name == "message"), None)
    if content is None:
        raise _Refused("message parameter is missing")
    arguments = arguments_of_bytes(content)
    if not arguments["from_"]:
        raise _Refused("'from' parameter is not a valid address. please check documentation")
    author = arguments["sender"] or arguments["from_"][0]
    raw = RawMessage(content, envelope_from=author, recipients=recipients)
    return MailObject(
        raw.envelope, raw.content, raw.message_id, raw.body, raw.smtputf8, _tags(fields), Metadata(_variables(fields))
    )


def _from_fields(fields: list[Field], recipients: tuple[Address, ...]) -> MailObject:
    texts = {one.name: one.content.decode() for one in fields if one.filename is None}
    if not texts.get("text") and not texts.get("html"):
        raise _Refused("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified")
    if not texts.get("from"):
        raise _Refused("from parameter is missing")
    headers = [(one.name[2:], one.content.decode()) for one in fields if one.name.startswith("h:")]
    own = {name.lower(): value for name, value in headers}
    return letter(
        from_=texts["from"],
        to=recipients,
        cc=_people(fields, "cc"),
        bcc=_people(fields, "bcc"),
        reply_to=own.get("reply-to") or (),
        subject=texts.get("subject", ""),
        text=texts.get("text"),
        html=texts.get("html"),
        attachments=[
            *(Attachment(one.content, one.filename or "", one.content_type) for one in _of(fields, "attachment")),
            # The file's name is what the HTML calls it.
            *(InlineImage(one.content, one.filename or "", one.filename) for one in _of(fields, "inline")),
        ],
        headers=[(name, value) for name, value in headers if name.lower() != "reply-to"],
        tags=_tags(fields),
        metadata=_variables(fields),
    )  # fmt: skip


def _people(fields: list[Field], name: str) -> tuple[Address, ...]:
    try:
        return tuple(
            address for one in fields if one.name == name for address in address_list(one.content.decode(), name)
        )
    except AddressError:
        raise _Refused(f"'{name}' parameter is not a valid address. please check documentation") from None


def _of(fields: list[Field], name: str) -> list[Field]:
    return [one for one in fields if one.name == name]


def _tags(fields: list[Field]) -> tuple[str, ...]:
    return tuple(one.content.decode() for one in fields if one.name == "o:tag")


def _send_at(fields: list[Field], now: datetime) -> float | None:
    told = _of(fields, "o:deliverytime")
    try:
        moment = parsedate_to_datetime(told[0].content.decode()).timestamp() if told else None
    except ValueError:
        raise _Refused("o:deliverytime is not a date of RFC 2822") from None
    if moment is not None and moment - now.timestamp() > _LONGEST_HOLD:
        raise _Refused("o:deliverytime is too far in the future")
    return moment


def _variables(fields: list[Field]) -> dict[str, str]:
    return {one.name[2:]: one.content.decode() for one in fields if one.name.startswith("v:")}
