"""Sending through Amazon SES: the message as it was rendered, to those who stand in its envelope.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from postroad.errors import AuthenticationError, ConfigurationError, PostroadError, Throttled
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.providers import answers
from postroad.providers.contract import Ability, Document, HttpReply, HttpRequest, Keys, Provider, unsupported
from postroad.providers.letter import authors_of, raw_of
from postroad.providers.pairs import pairs_of
from postroad.providers.ses import sigv4
from postroad.reply import Phase
from postroad.secret import Secret

_SEND, _ACCOUNT = "/v2/email/outbound-emails", "/v2/email/account"
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_WRITE: Final = "Write ses://?region=eu-west-1, or Ses(region='eu-west-1')."
_UNVERIFIED: Final = re.compile(r"(?i)is not verified.*?failed the check in region [^:]*:\s*(.*)", re.DOTALL)
_STOPPED: Final = frozenset({"AccountSuspendedException", "SendingPausedException"})
_TOO_FAST: Final = frozenset(
    {"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ses(Provider):
    """Amazon SES in a ``region``. ``access_key`` and ``secret_key`` (with a ``session_token``, where they are
    temporary) may be left out: then they are found where AWS's own tools look for them. ``configuration_set`` says
    which events are published.
    """

    name = "ses"
    title = "Amazon SES"
    abilities = frozenset(
        {
            Ability.SEPARATE_ENVELOPE, Ability.AS_IT_IS, Ability.RETURN_PATH, Ability.BCC_ALONE,
            Ability.SEVERAL_AUTHORS, Ability.REPEATED_FIELDS, Ability.EMPTY_BODY, Ability.TAGS, Ability.SEVERAL_TAGS,
            Ability.METADATA,
        }
    )  # fmt: skip
    max_size = 40_000_000
    max_recipients = 50
    account_fields = ("access_key", "secret_key")
    options = ("region", "configuration_set")
    secret_fields = MappingProxyType({"access_key": "", "secret_key": "", "session_token": ""})

    region: str = ""
    access_key: Secret | str | None = None
    secret_key: Secret | str | None = None
    session_token: Secret | str | None = None
    configuration_set: str | None = None

    def __post_init__(self) -> None:
        Provider.__post_init__(self)
        if not _REGION.fullmatch(self.region):
            if not self.region:
                raise ConfigurationError("Amazon SES: region is missing", setting="region", advice=_WRITE)
            raise ConfigurationError(f"region {self.region[:40]!a} is none such as eu-west-1", setting="region")
        if (self.access_key is None) != (self.secret_key is None):
            missing = "secret_key" if self.secret_key is None else "access_key"
            raise ConfigurationError(f"Amazon SES: {missing} is missing beside its other half", setting=missing)

    @property
    def home(self) -> str:
        return f"https://email.{self.region}.amazonaws.com"

    @property
    def account(self) -> str:
        return f"ses://?region={self.region}"

    def prepared(self, mail: MailObject) -> Document:
        raw = raw_of(self, mail)
        document: dict[str, Any] = {
            "Destination": {"ToAddresses": [one.addr_spec for one in mail.envelope.recipients]},
            "Content": {"Raw": {"Data": base64.b64encode(raw.content).decode()}},
        }
        if (return_path := self._return_path(mail)) is not None:
            document["FeedbackForwardingEmailAddress"] = return_path
        if pairs := pairs_of(self, mail):
            document["EmailTags"] = [{"Name": name, "Value": value} for name, value in pairs]
        if self.configuration_set is not None:
            document["ConfigurationSetName"] = self.configuration_set
        return document

    def _return_path(self, mail: MailObject) -> str | None:
        mail_from = mail.envelope.mail_from
        if mail_from is None:
            raise unsupported(self, "sends bounces to some address, and has no null sender", field="return_path")
        return None if mail_from.key in {one.key for one in authors_of(mail)} else mail_from.addr_spec

    def request(self, documents: tuple[Document, ...]) -> HttpRequest:
        headers = {"content-type": "application/json", "accept": "application/json"}
        return HttpRequest("POST", _SEND, headers, json.dumps(documents[0]).encode())

    def authorized(self, request: HttpRequest, keys: Keys, now: datetime) -> HttpRequest:
        endpoint = urlsplit(self.endpoint or self.home)
        fields = {"host": endpoint.netloc, "x-amz-date": sigv4.moment(now)}
        if "content-type" in request.headers:
            fields["content-type"] = request.headers["content-type"]
        if token := keys.get("session_token"):
            fields["x-amz-security-token"] = token
        signed = sigv4.authorization(
            request.method,
            f"{endpoint.path.rstrip('/')}{request.path}",
            fields,
            request.body,
            scope=sigv4.Scope(self.region, "ses"),
            key_id=keys["access_key"],
            secret_key=keys["secret_key"],
        )
        del fields["host"]
        return request.with_headers(**fields, authorization=signed)

    def reports(self, mails: tuple[MailObject, ...], reply: HttpReply, now: datetime) -> tuple[SendReport, ...]:
        document = answers.json_of(reply)
        if reply.status != 200:
            return tuple(_refusal(mail, document, reply, now) for mail in mails)
        remote_id = answers.text_in(document, "MessageId")
        if not remote_id:
            return answers.stopped(mails, answers.unreadable(self.title, reply))
        return tuple(answers.taken(mail, remote_id) for mail in mails)

    def probe(self) -> HttpRequest:
        return HttpRequest("GET", _ACCOUNT, {"accept": "application/json"})

    def probed(self, reply: HttpReply, now: datetime) -> tuple[str, ...]:
        document = answers.json_of(reply)
        if reply.status != 200:
            raise _fault(document, reply, now)
        enabled = answers.member(document, "SendingEnabled")
        if not isinstance(enabled, bool):
            raise answers.not_the_provider(self.title, reply)
        if not enabled:
            raise answers.may_not_send("Amazon SES: sending is stopped for this account")
        quota = answers.member(document, "SendQuota")
        sandbox = "" if answers.member(document, "ProductionAccessEnabled") else ", in the sandbox"
        return (
            f"region: {self.region}",
            f"sending: enabled{sandbox}",
            f"quota: {answers.text_in(quota, 'Max24HourSend')} a day, {answers.text_in(quota, 'MaxSendRate')} a second",
        )


# ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────────


def _refusal(mail: MailObject, document: Any, reply: HttpReply, now: datetime) -> SendReport:
    fault = _fault(document, reply, now)
    unverified = _UNVERIFIED.search(_words(document))
    if unverified is not None:  # in the sandbox recipients must be verified, too
        names = {one.strip().casefold() for one in unverified[1].split(",")}
        refused = {
            one.key: answers.said(550, fault.message, "5.7.1")
            for one in mail.envelope.recipients
            if one.key in names or one.domain in names
        }
        if refused and not names & _names_of(mail):
            return answers.none_taken(mail, refused, fault.message)
    return answers.stopped((mail,), fault)[0]


def _names_of(mail: MailObject) -> set[str]:
    return {name for one in authors_of(mail) for name in (one.key, one.domain)}


def _fault(document: Any, reply: HttpReply, now: datetime) -> PostroadError:
    kind = _kind(document, reply.headers)
    words = _words(document)
    sentence = f"Amazon SES: {kind}: {words}" if kind else f"Amazon SES: {words or 'no reason given'}"
    if kind in _TOO_FAST:
        wait = answers.retry_after(reply, now)
        return Throttled(sentence, phase=Phase.DATA, reply=answers.said(451, sentence, "4.7.0"), retry_after=wait)
    if kind in _STOPPED:
        advice = "Look at the account in the SES console: it may not send now."
        said = answers.said(535, sentence, "5.7.0")
        return AuthenticationError(sentence, phase=Phase.AUTH, reply=said, advice=advice)
    if kind == "MailFromDomainNotVerifiedException" or "not verified" in words:
        return answers.sender_refused(sentence)
    if kind == "NotFoundException":
        return ConfigurationError(sentence, setting="configuration_set")
    return answers.fault_of("Amazon SES", reply, f"{kind}: {words}".strip(": "), now)


def _kind(document: Any, headers: Mapping[str, str]) -> str:
    """The name of an error stands in a header field, behind it an address; or in the document, before it a name."""
    named = headers.get("x-amzn-errortype", "") or answers.text_in(document, "__type")
    return named.partition(":")[0].rpartition("#")[2].strip()


def _words(document: Any) -> str:
    return answers.text_in(document, "message") or answers.text_in(document, "Message")
