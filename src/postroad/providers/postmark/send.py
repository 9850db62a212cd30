"""Sending through Postmark, one message or up to 500 in a request.

https://postmarkapp.com/developer/api/email-api, https://postmarkapp.com/developer/api/overview#error-codes
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
from postroad.errors import AuthenticationError, ConfigurationError, PostroadError
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.providers import answers
from postroad.providers.contract import Ability, Document, HttpReply, HttpRequest, Keys, Provider, unsupported
from postroad.providers.letter import header_fields, letter_of
from postroad.reply import Phase, Reply
from postroad.secret import Secret

MAX_TAG: Final = 1000  # characters
MAX_METADATA: Final = (10, 20, 80)  # fields, characters of a name, characters of a value

_MAINTENANCE, _NO_STREAM = 100, 1235
_BAD_TOKEN, _INVALID, _INACTIVE, _TOO_FAST = 10, 300, 406, 429
_AS_STATUS: Final = {_BAD_TOKEN: 401, _TOO_FAST: 429, _MAINTENANCE: 503}  # codes that mean the same as a status
_SENDER: Final = frozenset({400, 401, 412})  # no such signature, not confirmed, only to the own domain yet
_ACCOUNT: Final = frozenset({405, 413})  # out of credits; sending is stopped
_NAMED: Final = re.compile(r"inactive addresses:\s*(.*?)\.\s*Inactive recipients", re.DOTALL)
_QUOTED: Final = re.compile(r"address:?\s*'([^']*)'")
_OF_RECIPIENT: Final = re.compile(r"(?i)(?:invalid|error parsing)\s+'(?:to|cc|bcc)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmark(Provider):
    """A server at Postmark. ``token`` is its Server API token, else POSTMARK_SERVER_TOKEN; ``stream`` its message
    stream.
    """

    name = "postmark"
    title = "Postmark"
    abilities = frozenset(
        {
            Ability.TAGS, Ability.METADATA, Ability.BATCH, Ability.MESSAGE_ID, Ability.BCC_ALONE,
            Ability.REPEATED_FIELDS,
        }
    )  # fmt: skip
    max_size = 10_000_000
    max_recipients = 50
    together = 500
    account_fields = ("token",)
    options = ("stream",)
    secret_fields = MappingProxyType({"token": "POSTMARK_SERVER_TOKEN"})

    token: Secret | str | None = None
    stream: str = "outbound"

    @property
    def home(self) -> str:
        return "https://api.postmarkapp.com"

    def request(self, documents: tuple[Document, ...]) -> HttpRequest:
        path, document = ("/email", documents[0]) if len(documents) == 1 else ("/email/batch", documents)
        headers = {"content-type": "application/json", "accept": "application/json"}
        return HttpRequest("POST", path, headers, json.dumps(document, ensure_ascii=False).encode())

    def authorized(self, request: HttpRequest, keys: Keys, now: datetime) -> HttpRequest:
        return request.with_headers(x_postmark_server_token=keys["token"])

    def reports(self, mails: tuple[MailObject, ...], reply: HttpReply, now: datetime) -> tuple[SendReport, ...]:
        document = answers.json_of(reply)
        if reply.status == 200 and len(mails) > 1:
            if not isinstance(document, list) or len(document) != len(mails):
                return answers.stopped(mails, answers.unreadable(self.title, reply))
            return tuple(_report(mail, one, reply, now) for mail, one in zip(mails, document, strict=True))
        if len(mails) == 1 and reply.status in (200, 422):
            return (_report(mails[0], document, reply, now),)
        return answers.stopped(mails, _fault(document, reply, now))

    def probe(self) -> HttpRequest:
        return HttpRequest("GET", "/server", {"accept": "application/json"})

    def probed(self, reply: HttpReply, now: datetime) -> tuple[str, ...]:
        document = answers.json_of(reply)
        if reply.status != 200:
            raise _fault(document, reply, now)
        name = answers.text_in(document, "Name")
        if not name:
            raise answers.not_the_provider(self.title, reply)
        return (f"server: {name}", f"message stream: {self.stream}")

    # ── the document ──────────────────────────────────────────────────────────────────────────────────────────────

    def prepared(self, mail: MailObject) -> Document:
        email = letter_of(self, mail)
        self._check(email)
        document: dict[str, Any] = {"From": str(email.from_[0]), "Subject": email.subject, "MessageStream": self.stream}
        for name, people in {"To": email.to, "Cc": email.cc, "Bcc": email.bcc, "ReplyTo": email.reply_to}.items():
            if people:
                document[name] = _listed(people)
        document |= {"TextBody": email.text} if email.text is not None else {}
        document |= {"HtmlBody": email.html} if email.html is not None else {}
        document |= {"Tag": email.tags[0]} if email.tags else {}
        document |= {"Metadata": dict(email.metadata)} if email.metadata else {}
        document["Headers"] = [{"Name": name, "Value": value} for name, value in _headers(email)]
        if email.attachments:
            document["Attachments"] = [_file(one) for one in email.attachments]
        return document

    def _check(self, email: Email) -> None:
        fields, name_length, value_length = MAX_METADATA
        if email.tags and len(email.tags[0]) > MAX_TAG:
            raise unsupported(self, f"takes tags of up to {MAX_TAG} characters", field="tags")
        if len(email.metadata) > fields:
            raise unsupported(self, f"takes up to {fields} fields of metadata", field="metadata")
        for name, value in email.metadata.items():
            if len(name) > name_length or len(value) > value_length:
                limits = f"{name_length} characters in a name and {value_length} in a value"
                raise unsupported(self, f"takes up to {limits}", field=f"metadata[{name!r}]")


def _headers(email: Email) -> Iterable[tuple[str, str]]:
    yield from header_fields(email)
    if email.message_id is not None:
        yield "Message-ID", email.message_id
        yield "X-PM-KeepID", "true"  # else Postmark writes one of its own


def _listed(people: Iterable[Address]) -> str:
    return ", ".join(map(str, people))


def _file(item: Attachment) -> dict[str, str]:
    content = base64.b64encode(item.content).decode()
    document = {"Name": item.filename, "Content": content, "ContentType": item.content_type}
    return document | ({"ContentID": f"cid:{item.cid}"} if isinstance(item, InlineImage) else {})


# ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────────


def _report(mail: MailObject, document: Any, reply: HttpReply, now: datetime) -> SendReport:
    """One message's part of the answer."""
    code, words = answers.member(document, "ErrorCode"), answers.text_in(document, "Message")
    remote_id = answers.text_in(document, "MessageID")
    if code in (0, None) and remote_id:  # the code is left out where delivery may be delayed
        inactive = _inactive(words)
        return answers.taken(mail, remote_id, "Message OK" if inactive else words, inactive)
    sentence = f"Postmark: {words} (code {code})"
    if code == _INACTIVE:
        return answers.none_taken(mail, _inactive(words), sentence)
    if code == _INVALID and _OF_RECIPIENT.match(words):
        wrong = {name.casefold(): answers.said(550, sentence, "5.1.3") for name in _QUOTED.findall(words)}
        return answers.none_taken(mail, wrong, sentence)
    return answers.stopped((mail,), _fault(document, reply, now))[0]


def _inactive(words: str) -> Mapping[str, Reply]:
    """Those whom Postmark no longer sends to, after a hard bounce, a complaint or by hand; it names them in prose."""
    found = _NAMED.search(words)
    names = found[1].split(",") if found else []
    # Postmark's own words name the others, too, who may be blind copies, and speak of a spam complaint that this may
    # not have been.
    sentence = "Postmark: will not send to this recipient, who is on its list of those that get no mail"
    return {name.strip().casefold(): answers.said(550, sentence, "5.0.0") for name in names}


def _fault(document: Any, reply: HttpReply, now: datetime) -> PostroadError:
    code, words = answers.member(document, "ErrorCode"), answers.text_in(document, "Message")
    sentence = f"Postmark: {words} (code {code})"
    if not isinstance(code, int) or reply.status not in (200, 401, 422) or code in _AS_STATUS:
        status = _AS_STATUS.get(code if isinstance(code, int) else 0, reply.status)
        if status == 200:
            return answers.unreadable("Postmark", reply)
        return answers.fault_of("Postmark", HttpReply(status, reply.body, reply.headers), words, now)
    if code == _NO_STREAM:
        return ConfigurationError(sentence, setting="stream", advice="Name a message stream that the server has.")
    if code in _ACCOUNT:
        advice = "Look at the account in Postmark: it may not send now."
        return AuthenticationError(
            sentence, phase=Phase.AUTH, reply=answers.said(535, sentence, "5.7.0"), advice=advice
        )
    if code in _SENDER or (code == _INVALID and "'From'" in words):
        return answers.sender_refused(sentence)
    return answers.content_refused(sentence)
