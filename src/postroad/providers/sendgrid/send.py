"""Sending through SendGrid.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from postroad.address import Address
from postroad.errors import ConfigurationError, PostroadError, ProtocolError, Throttled
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.encoded_word import encoded_words
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.providers import answers
from postroad.providers.contract import Ability, Document, HttpReply, HttpRequest, Keys, Provider, unsupported
from postroad.providers.letter import header_fields, letter_of
from postroad.reply import Phase
from postroad.secret import Secret

REGIONS: Final = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
MAX_TAGS, MAX_TAG, MAX_METADATA = 10, 255, 10_000  # categories, characters in one, octets of custom arguments

# Fields that SendGrid writes itself and refuses among the headers.
_RESERVED: Final = frozenset({"x-sg-id", "x-sg-eid", "received"})
_DIVIDED: Final = re.compile("[,;]")
_OF_RECIPIENT: Final = re.compile(r"personalizations\.0\.(to|cc|bcc)\.(\d+)\.email")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGrid(Provider):
    """An account at SendGrid. ``key`` is an API key that may send mail, else SENDGRID_API_KEY; ``region`` is
    ``global`` or ``eu``.
    """

    name = "sendgrid"
    title = "SendGrid"
    abilities = frozenset({Ability.TAGS, Ability.SEVERAL_TAGS, Ability.METADATA, Ability.MESSAGE_ID, Ability.SEND_AT})
    max_size = 30_000_000
    max_recipients = 1000
    longest_hold = 72 * 3600.0
    account_fields = ("key",)
    options = ("region",)
    secret_fields = MappingProxyType({"key": "SENDGRID_API_KEY"})

    key: Secret | str | None = None
    region: str = "global"

    def __post_init__(self) -> None:
        Provider.__post_init__(self)
        if self.region not in REGIONS:
            raise ConfigurationError(f"region {self.region[:40]!a} is none of {', '.join(REGIONS)}", setting="region")

    @property
    def home(self) -> str:
        return REGIONS[self.region]

    def prepared(self, mail: MailObject) -> Document:
        email = letter_of(self, mail)
        self._check(email)
        document: dict[str, Any] = {
            "personalizations": [_people(email)],
            "from": _mailbox(email.from_[0]),
            "subject": email.subject,
            "content": [
                {"type": kind, "value": text}
                for kind, text in (("text/plain", email.text), ("text/html", email.html))
                if text
            ],
        }
        document |= {"reply_to_list": [_mailbox(one) for one in email.reply_to]} if email.reply_to else {}
        document |= {"headers": headers} if (headers := _headers(email)) else {}
        document |= {"categories": list(email.tags)} if email.tags else {}
        document |= {"custom_args": dict(email.metadata)} if email.metadata else {}
        document |= {"send_at": int(mail.send_at)} if mail.send_at is not None else {}
        document |= {"attachments": [_file(one) for one in email.attachments]} if email.attachments else {}
        return document

    def _check(self, email: Email) -> None:
        if not email.subject:
            raise unsupported(self, "sends nothing without a subject", field="subject")
        keys = [one.key for one in (*email.to, *email.cc, *email.bcc)]
        if len(keys) != len(set(keys)):
            raise unsupported(self, "takes each address once in To, Cc and Bcc together", field="cc")
        if len(email.tags) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in email.tags):
            raise unsupported(self, f"takes up to {MAX_TAGS} tags of {MAX_TAG} characters", field="tags")
        if len(set(email.tags)) != len(email.tags):
            raise unsupported(self, "takes each tag once", field="tags")
        if len(json.dumps(dict(email.metadata))) > MAX_METADATA:
            raise unsupported(self, f"takes up to {MAX_METADATA} octets of metadata", field="metadata")
        if reserved := next((name for name in email.headers if name.lower() in _RESERVED), None):
            raise unsupported(self, "writes this field itself", field=f"headers[{reserved!r}]")

    def request(self, documents: tuple[Document, ...]) -> HttpRequest:
        headers = {"content-type": "application/json", "accept": "application/json"}
        body = json.dumps(documents[0], ensure_ascii=False).encode()
        return HttpRequest("POST", "/v3/mail/send", headers, body)

    def authorized(self, request: HttpRequest, keys: Keys, now: datetime) -> HttpRequest:
        return request.with_headers(authorization=f"Bearer {keys['key']}")

    def reports(self, mails: tuple[MailObject, ...], reply: HttpReply, now: datetime) -> tuple[SendReport, ...]:
        if reply.status == 202:
            remote_id = reply.headers.get("x-message-id")
            return tuple(answers.taken(mail, remote_id) for mail in mails)
        return tuple(_refusal(mail, reply, now) for mail in mails)

    def probe(self) -> HttpRequest:
        return HttpRequest("GET", "/v3/scopes", {"accept": "application/json"})

    def probed(self, reply: HttpReply, now: datetime) -> tuple[str, ...]:
        if reply.status != 200:
            raise _fault(reply, now)
        scopes = answers.member(answers.json_of(reply), "scopes")
        if not isinstance(scopes, list):
            raise answers.not_the_provider(self.title, reply)
        if "mail.send" not in scopes:
            raise answers.may_not_send("SendGrid: the key may not send mail (it has no scope mail.send)")
        return (f"region: {self.region}", "the key may send mail")


# ── the document ──────────────────────────────────────────────────────────────────────────────────────────────────


def _people(email: Email) -> Mapping[str, Any]:
    groups: Mapping[str, Iterable[Address]] = {"to": email.to, "cc": email.cc, "bcc": email.bcc}
    return {name: [_recipient(one) for one in people] for name, people in groups.items() if people}


def _recipient(address: Address) -> Mapping[str, str]:
    """SendGrid takes these names for header text, and reads what stands behind a comma as another address."""
    mailbox = dict(_mailbox(address))
    if _DIVIDED.search(address.display_name):
        escaped = address.display_name.replace("\\", "\\\\").replace('"', '\\"')
        mailbox["name"] = f'"{escaped}"'
    return mailbox


def _mailbox(address: Address) -> Mapping[str, str]:
    name = {"name": address.display_name} if address.display_name else {}
    return {"email": address.addr_spec, **name}


def _headers(email: Email) -> Mapping[str, str]:
    # SendGrid writes these values as they come.
    fields = {
        name: value if value.isascii() else " ".join(encoded_words(value)) for name, value in header_fields(email)
    }
    return fields | ({"Message-ID": email.message_id} if email.message_id else {})


def _file(item: Attachment) -> Mapping[str, str]:
    content = base64.b64encode(item.content).decode()
    # The type takes no parameters: SendGrid refuses a semicolon in it.
    document = {"content": content, "filename": item.filename, "type": item.media_type.essence}
    inline = {"disposition": "inline", "content_id": item.cid} if isinstance(item, InlineImage) else {}
    return document | (inline or {"disposition": "attachment"})


# ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────────


def _errors(reply: HttpReply) -> list[tuple[str, str]]:
    """The errors that SendGrid names: words, and the field they are about."""
    errors = answers.member(answers.json_of(reply), "errors")
    named = errors if isinstance(errors, list) else []
    return [(answers.text_in(one, "message"), answers.text_in(one, "field")) for one in named]


def _refusal(mail: MailObject, reply: HttpReply, now: datetime) -> SendReport:
    errors = _errors(reply)
    found = [(words, match) for words, field in errors if (match := _OF_RECIPIENT.fullmatch(field))]
    if reply.status == 400 and errors and len(found) == len(errors):
        email = Email.from_bytes(mail.content)
        visible = {one.key for one in (*email.to, *email.cc)}
        groups = {
            "to": [one.key for one in email.to],
            "cc": [one.key for one in email.cc],
            "bcc": [one.key for one in mail.envelope.recipients if one.key not in visible],
        }
        refused = {
            groups[match[1]][int(match[2])]: answers.said(550, f"SendGrid: {words}", "5.1.3")
            for words, match in found
            if int(match[2]) < len(groups[match[1]])
        }
        return answers.none_taken(mail, refused, f"SendGrid: {errors[0][0]}")
    return answers.stopped((mail,), _fault(reply, now))[0]


def _fault(reply: HttpReply, now: datetime) -> PostroadError:
    errors = _errors(reply)
    words = "; ".join(f"{words} ({field})" if field else words for words, field in errors)
    about = {field for _, field in errors}
    if reply.status in (400, 403) and ("verified Sender Identity" in words or about & {"from", "from.email"}):
        return answers.sender_refused(f"SendGrid: {words} (HTTP {reply.status})")
    if reply.status == 200:  # what the sandbox answers: the message is valid, and went nowhere
        sentence = "SendGrid: sent nothing (HTTP 200)"
        return ProtocolError(sentence, phase=Phase.DATA, advice="Check the endpoint, and that it is no sandbox.")
    fault = answers.fault_of("SendGrid", reply, words, now)
    if isinstance(fault, Throttled) and fault.retry_after is None:
        reset = reply.headers.get("x-ratelimit-reset", "")  # seconds since the epoch
        if reset.isdecimal():
            wait = min(max(0.0, float(reset) - now.timestamp()), answers.LONGEST_WAIT)
            return Throttled(fault.message, phase=Phase.DATA, reply=fault.reply, retry_after=wait)
    return fault
