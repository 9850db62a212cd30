"""Every way to send, each with somebody on the other side, in one form: what the conformance suite tries."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from postroad.clock import SYSTEM_CLOCK
from postroad.message.email import Email
from postroad.message.envelope import Envelope, MailObject
from postroad.message.parse import arguments_of_bytes
from postroad.message.raw import RawMessage
from postroad.providers.contract import HttpReply, Provider
from postroad.providers.emulator import Emulator
from postroad.providers.mailgun.emulate import MailgunEmulator
from postroad.providers.mailgun.send import Mailgun
from postroad.providers.postmark.emulate import PostmarkEmulator
from postroad.providers.postmark.send import Postmark
from postroad.providers.resend.emulate import ResendEmulator
from postroad.providers.resend.send import Resend
from postroad.providers.sendgrid.emulate import SendGridEmulator
from postroad.providers.sendgrid.send import SendGrid
from postroad.providers.ses.emulate import SesEmulator
from postroad.providers.ses.send import Ses
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.contract import Transport
from postroad.transport.provider_api.transport import ProviderApiTransport
from postroad.transport.smtp.settings import Smtp, Timeouts
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import FakeClock
from tests.peers.provider_service import ProviderService

KEY = "test-key"


@dataclass
class Trouble:
    """What goes wrong on the other side: nothing, unless said."""

    refused: tuple[str, ...] = ()  # recipients
    bad_key: bool = False
    too_fast: bool = False  # once, with 7 seconds to wait
    broken: bool = False  # once: it failed, and nobody knows how far it got
    busy: bool = False  # once: not now
    silent: bool = False  # takes the message, and does not answer


@dataclass
class Account:
    """A transport, and what has arrived behind it."""

    transport: Transport
    arrived: Callable[[], list[MailObject]]
    provider: Provider | None = None
    service: ProviderService | None = field(default=None, repr=False)

    def supports(self, ability: str) -> bool:
        return self.provider is None or self.provider.supports(ability)


@dataclass(frozen=True)
class Api:
    """A provider and its emulator."""

    emulator: Callable[[], Emulator]
    provider: Callable[..., Provider]


APIS: dict[str, Api] = {
    "mailgun": Api(MailgunEmulator, lambda key, **more: Mailgun(domain="a.example", key=key, **more)),
    "postmark": Api(PostmarkEmulator, lambda key, **more: Postmark(token=key, **more)),
    "resend": Api(ResendEmulator, lambda key, **more: Resend(key=key, **more)),
    "sendgrid": Api(SendGridEmulator, lambda key, **more: SendGrid(key=key, **more)),
    "ses": Api(
        SesEmulator, lambda key, **more: Ses(region="eu-west-1", access_key="AKIDEXAMPLE", secret_key=key, **more)
    ),
}
KINDS = (*APIS, "smtp")


def open_account(stack: ExitStack, kind: str, trouble: Trouble | None = None, **settings: Any) -> Account:
    trouble = trouble or Trouble()
    return _smtp(stack, trouble) if kind == "smtp" else _api(stack, APIS[kind], trouble, settings)


def _api(stack: ExitStack, api: Api, trouble: Trouble, settings: dict[str, Any]) -> Account:
    emulator = api.emulator()
    emulator.refuses |= set(trouble.refused)
    if trouble.too_fast:
        emulator.troubles.append(HttpReply(429, b'{"message": "slow down"}', {"retry-after": "7"}))
    if trouble.broken:
        emulator.troubles.extend([HttpReply(500, b"oops")] * 3)
    if trouble.busy:
        emulator.troubles.append(HttpReply(503, b"not now"))
    service = stack.enter_context(ProviderService(emulator))
    if trouble.silent:
        service.hold()
        settings = {"timeout": 0.2, **settings}
    provider = api.provider("wrong" if trouble.bad_key else KEY, endpoint=service.url, **settings)
    # Its own clock: where a request may be repeated, the pauses in between are none here.
    transport = ProviderApiTransport(provider, clock=FakeClock(SYSTEM_CLOCK.now()))
    return Account(transport, lambda: emulator.received, provider, service)


def _smtp(stack: ExitStack, trouble: Trouble) -> Account:
    steps = [Step("RCPT", "550 5.1.1 no such user", when=one, times=None) for one in trouble.refused]
    steps += [Step("MAIL", "451 4.7.0 slow down")] if trouble.too_fast else []
    steps += [Step("DOT", None, then=Then.CLOSE)] if trouble.broken else []
    steps += [Step("MAIL", "421 4.3.2 not now")] if trouble.busy else []
    steps += [Step("DOT", None, then=Then.STALL)] if trouble.silent else []
    server = stack.enter_context(ScriptedServer(*steps, credentials={"ann": KEY}, extensions=("PIPELINING", "DSN")))
    password = "wrong" if trouble.bad_key else KEY
    timeouts = replace(Timeouts(), dot=0.2) if trouble.silent else Timeouts()
    settings = Smtp(server.host, server.port, username="ann", password=password, timeouts=timeouts)

    def arrived() -> list[MailObject]:
        taken = (one for one in server.messages if one.reply is not None)
        return [_mail(one.mail_from, one.recipients, one.content) for one in taken]

    return Account(SmtpTransport(settings), arrived)


def _mail(mail_from: str, recipients: tuple[str, ...], content: bytes) -> MailObject:
    raw = RawMessage(content, envelope_from=mail_from, recipients=recipients)
    return MailObject(raw.envelope, content, raw.message_id)


def read(mail: MailObject) -> Email:
    """What an arrived message says; who stands in its envelope and not in its header is in Bcc."""
    arguments = arguments_of_bytes(mail.content)
    visible = {one.key for one in (*arguments["to"], *arguments["cc"])}
    return Email(**{**arguments, "bcc": [one for one in mail.envelope.recipients if one.key not in visible]})


def addressed(mail: MailObject, *recipients: str) -> MailObject:
    """The same content for somebody else."""
    raw = RawMessage(b"x: y\r\n\r\n", envelope_from=None, recipients=recipients)
    return replace(mail, envelope=Envelope(mail.envelope.mail_from, raw.recipients))
