"""Sending through Resend, one message or up to 100 in a request, with a key that makes it safe to repeat.

https://resend.com/docs/api-reference/emails/send-email, https://resend.com/docs/api-reference/errors
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from postroad.address import Address
from postroad.errors import PostroadError, RecipientsRefused
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.encoded_word import encoded_words
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.providers import answers
from postroad.providers.contract import (
    IDEMPOTENCY_KEY,
    Ability,
    Document,
    HttpReply,
    HttpRequest,
    Keys,
    Provider,
    unsupported,
)
from postroad.providers.letter import header_fields, letter_of
from postroad.providers.pairs import pairs_of
from postroad.secret import Secret

_OF_RECIPIENT: Final = ("Invalid `to`", "Invalid `cc`", "Invalid `bcc`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend(Provider):
    """An account at Resend. ``key`` is an API key, else RESEND_API_KEY."""

    name = "resend"
    title = "Resend"
    abilities = frozenset(
        {
            Ability.TAGS, Ability.SEVERAL_TAGS, Ability.METADATA, Ability.BATCH, Ability.IDEMPOTENCY, Ability.SEND_AT,
        }
    )  # fmt: skip
    max_size = 40_000_000
    max_recipients = 50
    together = 100
    longest_hold = 30 * 86_400.0
    account_fields = ("key",)
    secret_fields = MappingProxyType({"key": "RESEND_API_KEY"})

    key: Secret | str | None = None

    @property
    def home(self) -> str:
        return "https://api.resend.com"

    def goes_together(self, mail: MailObject) -> bool:
        # A batch takes neither files nor times.
        return b"\nContent-Disposition:" not in mail.content and mail.send_at is None

    def prepared(self, mail: MailObject) -> Document:
        email = letter_of(self, mail)
        if not email.subject:
            raise unsupported(self, "sends nothing without a subject", field="subject")
        if _is_quoted(email.from_[0]):
            raise unsupported(self, "takes no name with commas, brackets or the like in From", field="from_")
        fields: dict[str, Any] = {"from": str(email.from_[0]), "subject": email.subject}
        for name, people in {"to": email.to, "cc": email.cc, "bcc": email.bcc, "reply_to": email.reply_to}.items():
            if people:
                fields[name] = _listed(people)
        fields |= {"text": email.text} if email.text else {}
        fields |= {"html": email.html} if email.html else {}
        fields |= {"headers": headers} if (headers := dict(header_fields(email))) else {}
        if pairs := pairs_of(self, mail):
            fields["tags"] = [{"name": name, "value": value} for name, value in pairs]
        if mail.send_at is not None:
            fields["scheduled_at"] = datetime.fromtimestamp(mail.send_at, UTC).isoformat()
        if email.attachments:
            fields["attachments"] = [_file(one) for one in email.attachments]
        return {"fields": fields, "key": _key_of(mail, email)}

    def request(self, documents: tuple[Document, ...]) -> HttpRequest:
        fields = [one["fields"] for one in documents]
        path, document = ("/emails", fields[0]) if len(fields) == 1 else ("/emails/batch", fields)
        headers = {"content-type": "application/json", "accept": "application/json"}
        if len(fields) > 1:
            headers["x-batch-validation"] = "permissive"  # else one that is wrong keeps all others back
        keys = [one["key"] for one in documents]
        if all(keys):  # without a Message-ID nothing tells one message from another that says the same
            headers[IDEMPOTENCY_KEY] = hashlib.sha256("".join(keys).encode()).hexdigest()
        return HttpRequest("POST", path, headers, json.dumps(document, ensure_ascii=False).encode())

    def authorized(self, request: HttpRequest, keys: Keys, now: datetime) -> HttpRequest:
        return request.with_headers(authorization=f"Bearer {keys['key']}")

    def reports(self, mails: tuple[MailObject, ...], reply: HttpReply, now: datetime) -> tuple[SendReport, ...]:
        document = answers.json_of(reply)
        if reply.status not in (200, 201):
            return tuple(_refusal(mail, document, reply, now) for mail in mails)
        if len(mails) > 1:
            return _of_batch(mails, document, reply)
        remote_id = answers.text_in(document, "id")
        return (answers.taken(mails[0], remote_id),) if remote_id else answers.stopped(mails, _unreadable(reply))

    def probe(self) -> HttpRequest:
        return HttpRequest("GET", "/domains", {"accept": "application/json"})

    def probed(self, reply: HttpReply, now: datetime) -> tuple[str, ...]:
        document = answers.json_of(reply)
        if (
            answers.text_in(document, "name") == "restricted_api_key"
        ):  # it may do nothing else, which is how it should be
            return ("the key may send mail",)
        if reply.status != 200:
            raise _fault(document, reply, now)
        domains = answers.member(document, "data")
        if not isinstance(domains, list):
            raise answers.not_the_provider(self.title, reply)
        names = [answers.text_in(one, "name") for one in domains]
        return ("the key may do everything", f"domains: {', '.join(names) or 'none'}")


def _key_of(mail: MailObject, email: Email) -> str:
    if email.message_id is None:
        return ""
    people = " ".join(one.addr_spec for one in mail.envelope.recipients)
    return hashlib.sha256(f"{email.message_id} {people} ".encode() + mail.content).hexdigest()


def _listed(people: Iterable[Address]) -> list[str]:
    return [_mailbox(one) for one in people]


def _is_quoted(address: Address) -> bool:
    return str(address).startswith('"')


def _mailbox(address: Address) -> str:
    """Resend refuses names in quotes, which is how RFC 5322 has them; it takes encoded words."""
    if not _is_quoted(address) or not address.display_name:
        return str(address)
    return f"{' '.join(encoded_words(address.display_name))} <{address.addr_spec}>"


def _file(item: Attachment) -> Mapping[str, str]:
    content = base64.b64encode(item.content).decode()
    document = {"content": content, "filename": item.filename, "content_type": item.content_type}
    return document | ({"content_id": item.cid} if isinstance(item, InlineImage) else {})


def _unreadable(reply: HttpReply) -> PostroadError:
    return answers.unreadable("Resend", reply)


def _of_batch(mails: tuple[MailObject, ...], document: Any, reply: HttpReply) -> tuple[SendReport, ...]:
    """Those that were taken have an id, in their order; those that were not stand under ``errors``, by their place."""
    told, faults = answers.member(document, "data"), answers.member(document, "errors") or []
    listed = isinstance(told, list) and isinstance(faults, list)
    wrong = {answers.member(one, "index"): answers.text_in(one, "message") for one in faults} if listed else {}
    ids = [answers.text_in(one, "id") for one in told] if listed else []
    places = set(range(len(mails)))
    if not listed or len(ids) != len(places - wrong.keys()) or not wrong.keys() <= places or not all(ids):
        return answers.stopped(mails, _unreadable(reply))
    names = iter(ids)
    return tuple(
        _refused(mail, f"Resend: {wrong[place]}", wrong[place]) if place in wrong else answers.taken(mail, next(names))
        for place, mail in enumerate(mails)
    )


def _refusal(mail: MailObject, document: Any, reply: HttpReply, now: datetime) -> SendReport:
    fault = _fault(document, reply, now)
    if isinstance(fault, RecipientsRefused):  # Resend does not say who
        return answers.none_taken(mail, {}, fault.message)
    return answers.stopped((mail,), fault)[0]


def _refused(mail: MailObject, sentence: str, words: str) -> SendReport:
    if words.startswith(_OF_RECIPIENT):
        return answers.none_taken(mail, {}, sentence)
    if "domain" in words and "verif" in words:
        return answers.stopped((mail,), answers.sender_refused(sentence))[0]
    return answers.stopped((mail,), answers.content_refused(sentence))[0]


def _fault(document: Any, reply: HttpReply, now: datetime) -> PostroadError:
    kind, words = answers.text_in(document, "name"), answers.text_in(document, "message")
    sentence = f"Resend: {kind}: {words} (HTTP {reply.status})"
    if reply.status < 400:
        return answers.fault_of("Resend", reply, f"{kind}: {words}".strip(": "), now)
    if kind == "concurrent_idempotent_requests":  # the first one is still being worked on
        return answers.in_doubt(sentence)
    if kind == "invalid_from_address" or (reply.status == 403 and "domain" in words and "verif" in words):
        return answers.sender_refused(sentence)
    if reply.status in (400, 403, 422) and words.startswith(_OF_RECIPIENT):
        return answers.recipients_refused(sentence)
    if kind == "validation_error":
        return answers.content_refused(sentence)
    return answers.fault_of("Resend", reply, f"{kind}: {words}".strip(": "), now)
