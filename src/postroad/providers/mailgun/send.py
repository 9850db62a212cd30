"""Sending through Mailgun: the message as it was rendered, to those who stand in its envelope.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages-mime
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from postroad.errors import ConfigurationError, PostroadError, RecipientsRefused
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.providers import answers
from postroad.providers.contract import Ability, Document, HttpReply, HttpRequest, Keys, Provider, unsupported
from postroad.providers.event import basic_credentials
from postroad.providers.letter import authors_of, check_return_path, raw_of
from postroad.providers.mailgun.form import Field, written
from postroad.secret import Secret

REGIONS: Final = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
MAX_TAGS, MAX_TAG, MAX_OPTIONS = 10, 128, 16_384  # tags, characters in one, octets of all o: and v: fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailgun(Provider):
    """A sending domain at Mailgun. ``key`` is an API key, else MAILGUN_API_KEY; ``region`` is ``us`` or ``eu``."""

    name = "mailgun"
    title = "Mailgun"
    abilities = frozenset(
        {
            Ability.SEPARATE_ENVELOPE, Ability.AS_IT_IS, Ability.MESSAGE_ID, Ability.BCC_ALONE,
            Ability.SEVERAL_AUTHORS, Ability.REPEATED_FIELDS, Ability.EMPTY_BODY, Ability.TAGS, Ability.SEVERAL_TAGS,
            Ability.METADATA, Ability.SEND_AT,
        }
    )  # fmt: skip
    max_size = 25_000_000
    max_recipients = 1000
    longest_hold = 7 * 86_400.0  # the most; some plans hold mail for 3 days, and Mailgun says so itself
    account_fields = ("key",)
    host_field = "domain"
    options = ("region",)
    secret_fields = MappingProxyType({"key": "MAILGUN_API_KEY"})

    domain: str = ""
    key: Secret | str | None = None
    region: str = "us"

    def __post_init__(self) -> None:
        Provider.__post_init__(self)
        if self.region not in REGIONS:
            raise ConfigurationError(f"region {self.region[:40]!a} is none of {', '.join(REGIONS)}", setting="region")
        if not self.domain or not self.domain.isprintable() or " " in self.domain:
            advice = "Write mailgun://KEY@mg.example.com, or Mailgun(domain='mg.example.com')."
            raise ConfigurationError("Mailgun: domain is no sending domain", setting="domain", advice=advice)

    @property
    def home(self) -> str:
        return REGIONS[self.region]

    @property
    def account(self) -> str:
        return f"mailgun://{self.domain}"

    def prepared(self, mail: MailObject) -> Document:
        raw = raw_of(self, mail)
        check_return_path(self, mail, authors_of(mail))
        self._check(mail)
        return {"mail": raw}

    def _check(self, mail: MailObject) -> None:
        if len(mail.tags) > MAX_TAGS or any(len(tag) > MAX_TAG or not tag.isascii() for tag in mail.tags):
            raise unsupported(self, f"takes up to {MAX_TAGS} tags of {MAX_TAG} ASCII characters", field="tags")
        if sum(len(name) + len(value.encode()) for name, value in mail.metadata.items()) > MAX_OPTIONS:
            raise unsupported(self, f"takes up to {MAX_OPTIONS} octets of metadata", field="metadata")

    def request(self, documents: tuple[Document, ...]) -> HttpRequest:
        kind, body = written(_fields(documents[0]["mail"]))
        path = f"/v3/{quote(self.domain, safe='')}/messages.mime"
        return HttpRequest("POST", path, {"content-type": kind, "accept": "application/json"}, body)

    def authorized(self, request: HttpRequest, keys: Keys, now: datetime) -> HttpRequest:
        return request.with_headers(authorization=basic_credentials("api", keys["key"]))

    def reports(self, mails: tuple[MailObject, ...], reply: HttpReply, now: datetime) -> tuple[SendReport, ...]:
        document = answers.json_of(reply)
        remote_id = answers.text_in(document, "id")
        if reply.status == 200 and remote_id:
            return tuple(answers.taken(mail, remote_id, answers.text_in(document, "message")) for mail in mails)
        if reply.status == 200:
            return answers.stopped(mails, answers.unreadable(self.title, reply))
        return tuple(_refusal(mail, reply, now) for mail in mails)

    def probe(self) -> HttpRequest:
        return HttpRequest("GET", f"/v4/domains/{quote(self.domain, safe='')}", {"accept": "application/json"})

    def probed(self, reply: HttpReply, now: datetime) -> tuple[str, ...]:
        if reply.status != 200:
            raise _fault(reply, now)
        domain = answers.member(answers.json_of(reply), "domain")
        if not isinstance(domain, dict):
            raise answers.not_the_provider(self.title, reply)
        state = answers.text_in(domain, "state")
        if state in ("unverified", "disabled"):
            raise answers.may_not_send(f"Mailgun: the domain {self.domain} is {state}")
        return (f"domain: {self.domain}, {state or 'in an unknown state'}", f"region: {self.region}")


def _fields(mail: MailObject) -> Iterable[Field]:
    for recipient in mail.envelope.recipients:
        yield Field("to", recipient.addr_spec.encode())
    for tag in mail.tags:
        yield Field("o:tag", tag.encode())
    for name, value in mail.metadata.items():
        yield Field(f"v:{name}", value.encode())
    if mail.send_at is not None:
        yield Field("o:deliverytime", format_datetime(datetime.fromtimestamp(mail.send_at, UTC)).encode())
    yield Field("message", mail.content, "message.mime", "message/rfc822")


def _refusal(mail: MailObject, reply: HttpReply, now: datetime) -> SendReport:
    fault = _fault(reply, now)
    if isinstance(fault, RecipientsRefused):  # Mailgun does not say who
        return answers.none_taken(mail, {}, fault.message)
    return answers.stopped((mail,), fault)[0]


def _fault(reply: HttpReply, now: datetime) -> PostroadError:
    document = answers.json_of(reply)
    words = answers.text_in(document, "message") or reply.body[: answers.MAX_WORDS].decode("utf-8", "replace").strip()
    sentence = f"Mailgun: {words} (HTTP {reply.status})"
    if reply.status == 400 and "'to' parameter" in words:
        return answers.recipients_refused(sentence)
    if reply.status == 400 and "'from' parameter" in words:
        return answers.sender_refused(sentence)
    if reply.status == 404:
        advice = "Check the domain, and its region: a domain of the EU is not known in the US."
        return ConfigurationError(sentence, setting="domain", advice=advice)
    return answers.fault_of("Mailgun", reply, words, now)
