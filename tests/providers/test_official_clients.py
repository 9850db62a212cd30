"""The providers' own Python libraries, and requests as their documentation has them, talk to the emulators unchanged.

What arrives that way is what arrives when postroad sends the same message: the emulators are right, and do not merely
agree with us.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import botocore.exceptions
import pytest
import requests
import resend
import sendgrid
from botocore.config import Config
from python_http_client.exceptions import BadRequestsError, UnauthorizedError
from resend.exceptions import ResendError
from sendgrid.helpers import mail as sendgrid_mail

from postroad.mailer.blocking import Mailer
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.envelope import MailObject
from tests.peers.provider_service import ProviderService
from tests.providers.accounts import APIS, KEY, read

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
PDF = b"%PDF-1.7\n\xff\x00"
HTML = "<p>Grüße, <img src='cid:logo'></p>"
LEAVE = "https://a.example/leave"

MESSAGE = Email(
    from_="Ann Øst <ann@a.example>",
    to=["Bob <bob@b.example>", "cem@c.example"],
    cc=["Dan <dan@d.example>"],
    bcc=["eve@e.example"],
    reply_to="help@a.example",
    subject="Rechnung für März",
    text="Grüße\n",
    html=HTML,
    attachments=[Attachment(PDF, "report.pdf"), InlineImage(PNG, "logo", "logo.png")],
    headers={"X-Order": "12345"},
    list_unsubscribe=LEAVE,
    tags=["welcome"],
    metadata={"order": "12345"},
)
LIST_FIELDS = {"List-Unsubscribe": f"<{LEAVE}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def service_of(stack: ExitStack, kind: str) -> ProviderService:
    return stack.enter_context(ProviderService(APIS[kind].emulator()))


def ours(stack: ExitStack, kind: str) -> MailObject:
    """What arrives when postroad sends the message."""
    service = service_of(stack, kind)
    with Mailer(APIS[kind].provider(KEY, endpoint=service.url)) as mailer:
        assert mailer.send(MESSAGE).all_accepted
    (mail,) = service.received
    return mail


def same_meaning(theirs: MailObject, mine: MailObject) -> None:
    assert set(theirs.envelope.recipients) == set(mine.envelope.recipients)
    assert theirs.envelope.mail_from == mine.envelope.mail_from
    assert (theirs.tags, dict(theirs.metadata)) == (mine.tags, dict(mine.metadata))
    first, second = read(theirs), read(mine)
    for name in ("from_", "to", "cc", "reply_to", "subject", "text", "html", "list_unsubscribe"):
        assert getattr(first, name) == getattr(second, name), name
    assert {one.key for one in first.bcc} == {one.key for one in second.bcc}
    assert first.headers.get("X-Order") == second.headers.get("X-Order") == "12345"
    assert files(first) == files(second)


def files(email: Email) -> set[tuple[str, bytes, str, str | None]]:
    return {(one.filename, one.content, one.media_type.essence, getattr(one, "cid", None)) for one in email.attachments}


# ── Amazon SES: boto3 ─────────────────────────────────────────────────────────────────────────────────────────────────


def boto_client(service: ProviderService, secret: str = KEY) -> Any:
    return boto3.client(
        "sesv2",
        region_name="eu-west-1",
        endpoint_url=service.url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )


def test_boto3_sends_raw_messages(stack: ExitStack) -> None:
    service = service_of(stack, "ses")
    recipients = [one.addr_spec for one in MESSAGE.envelope.recipients]
    answer = boto_client(service).send_email(
        Content={"Raw": {"Data": MESSAGE.to_bytes()}},
        Destination={"ToAddresses": recipients},
        EmailTags=[{"Name": "tag_1", "Value": "welcome"}, {"Name": "order", "Value": "12345"}],
    )
    assert answer["MessageId"]
    same_meaning(service.received[0], ours(stack, "ses"))


def test_boto3_sends_simple_messages(stack: ExitStack) -> None:
    service = service_of(stack, "ses")
    boto_client(service).send_email(
        FromEmailAddress=str(MESSAGE.from_[0]),
        Destination={
            "ToAddresses": list(map(str, MESSAGE.to)),
            "CcAddresses": list(map(str, MESSAGE.cc)),
            "BccAddresses": list(map(str, MESSAGE.bcc)),
        },
        ReplyToAddresses=list(map(str, MESSAGE.reply_to)),
        Content={
            "Simple": {
                "Subject": {"Data": MESSAGE.subject},
                "Body": {"Text": {"Data": MESSAGE.text}, "Html": {"Data": HTML}},
                "Headers": [
                    {"Name": name, "Value": value} for name, value in ({"X-Order": "12345"} | LIST_FIELDS).items()
                ],
                "Attachments": [
                    {"RawContent": PDF, "FileName": "report.pdf", "ContentType": "application/pdf"},
                    {
                        "RawContent": PNG,
                        "FileName": "logo.png",
                        "ContentType": "image/png",
                        "ContentDisposition": "INLINE",
                        "ContentId": "logo",
                    },
                ],
            }
        },
        EmailTags=[{"Name": "tag_1", "Value": "welcome"}, {"Name": "order", "Value": "12345"}],
    )
    same_meaning(service.received[0], ours(stack, "ses"))


def test_boto3_understands_the_refusals(stack: ExitStack) -> None:
    service = service_of(stack, "ses")
    service.emulator.refuses.add("bob@b.example")
    content = {"Raw": {"Data": MESSAGE.to_bytes()}}
    destination = {"ToAddresses": ["bob@b.example"]}
    with pytest.raises(botocore.exceptions.ClientError) as wrong_key:
        boto_client(service, "wrong").send_email(Content=content, Destination=destination)
    assert wrong_key.value.response["Error"]["Code"] == "InvalidSignatureException"
    client = boto_client(service)
    with pytest.raises(client.exceptions.MessageRejected, match=r"bob@b\.example"):
        client.send_email(Content=content, Destination=destination)
    assert client.get_account()["SendQuota"]["MaxSendRate"] == 1.0


# ── SendGrid ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def sendgrid_message() -> sendgrid_mail.Mail:
    message = sendgrid_mail.Mail(from_email=("ann@a.example", "Ann Øst"), subject=MESSAGE.subject)
    message.to = [sendgrid_mail.To("bob@b.example", "Bob"), sendgrid_mail.To("cem@c.example")]
    message.cc = [sendgrid_mail.Cc("dan@d.example", "Dan")]
    message.bcc = [sendgrid_mail.Bcc("eve@e.example")]
    message.reply_to = sendgrid_mail.ReplyTo("help@a.example")
    message.content = [sendgrid_mail.Content("text/plain", MESSAGE.text), sendgrid_mail.Content("text/html", HTML)]
    message.header = [sendgrid_mail.Header(name, value) for name, value in ({"X-Order": "12345"} | LIST_FIELDS).items()]
    message.category = [sendgrid_mail.Category("welcome")]
    message.custom_arg = [sendgrid_mail.CustomArg("order", "12345")]
    message.attachment = [
        _sendgrid_file(PDF, "report.pdf", "application/pdf", "attachment"),
        _sendgrid_file(PNG, "logo.png", "image/png", "inline", "logo"),
    ]
    return message


def _sendgrid_file(content: bytes, name: str, kind: str, disposition: str, cid: str | None = None) -> Any:
    return sendgrid_mail.Attachment(
        sendgrid_mail.FileContent(base64.b64encode(content).decode()),
        sendgrid_mail.FileName(name),
        sendgrid_mail.FileType(kind),
        sendgrid_mail.Disposition(disposition),
        sendgrid_mail.ContentId(cid) if cid else None,
    )


def test_sendgrid_sends(stack: ExitStack) -> None:
    service = service_of(stack, "sendgrid")
    answer = sendgrid.SendGridAPIClient(KEY, host=service.url).send(sendgrid_message())
    assert answer.status_code == 202
    assert answer.headers["X-Message-Id"]
    same_meaning(service.received[0], ours(stack, "sendgrid"))


def test_sendgrid_understands_the_refusals(stack: ExitStack) -> None:
    service = service_of(stack, "sendgrid")
    service.emulator.refuses.add("cem@c.example")
    with pytest.raises(UnauthorizedError):
        sendgrid.SendGridAPIClient("wrong", host=service.url).send(sendgrid_message())
    with pytest.raises(BadRequestsError) as refused:
        sendgrid.SendGridAPIClient(KEY, host=service.url).send(sendgrid_message())
    assert refused.value.to_dict["errors"][0]["field"] == "personalizations.0.to.1.email"


# ── Resend ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def resend_service(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> ProviderService:
    service = service_of(stack, "resend")
    monkeypatch.setattr(resend, "api_url", service.url)
    monkeypatch.setattr(resend, "api_key", KEY)
    return service


def resend_message(**changes: Any) -> Any:
    return {
        "from": "Ann Øst <ann@a.example>",
        "to": ["Bob <bob@b.example>", "cem@c.example"],
        "cc": ["Dan <dan@d.example>"],
        "bcc": "eve@e.example",
        "reply_to": "help@a.example",
        "subject": MESSAGE.subject,
        "text": MESSAGE.text,
        "html": HTML,
        "headers": {"X-Order": "12345"} | LIST_FIELDS,
        "attachments": [
            {"content": list(PDF), "filename": "report.pdf"},
            {"content": list(PNG), "filename": "logo.png", "content_id": "logo"},
        ],
        "tags": [{"name": "tag_1", "value": "welcome"}, {"name": "order", "value": "12345"}],
        **changes,
    }


def test_resend_sends(stack: ExitStack, resend_service: ProviderService) -> None:
    assert resend.Emails.send(resend_message())["id"]
    same_meaning(resend_service.received[0], ours(stack, "resend"))


def test_resend_repeats_with_its_key_and_mails_once(resend_service: ProviderService) -> None:
    first = resend.Emails.send(resend_message(), {"idempotency_key": "order-1"})
    again = resend.Emails.send(resend_message(), {"idempotency_key": "order-1"})
    assert first["id"] == again["id"]
    assert len(resend_service.received) == 1
    with pytest.raises(ResendError) as conflict:
        resend.Emails.send(resend_message(subject="other"), {"idempotency_key": "order-1"})
    assert conflict.value.error_type == "invalid_idempotent_request"


def test_resend_sends_batches(resend_service: ProviderService) -> None:
    messages = [resend_message(attachments=[]), resend_message(attachments=[], subject="two")]
    for message in messages:
        del message["attachments"]
    answer = resend.Batch.send(messages)
    assert len(answer["data"]) == 2
    assert [read(one).subject for one in resend_service.received] == [MESSAGE.subject, "two"]


# ── Postmark and Mailgun: the requests of their documentation ─────────────────────────────────────────────────────────


def postmark_message() -> dict[str, Any]:
    return {
        "From": "Ann Øst <ann@a.example>",
        "To": "Bob <bob@b.example>,cem@c.example",
        "Cc": "Dan <dan@d.example>",
        "Bcc": "eve@e.example",
        "Subject": MESSAGE.subject,
        "Tag": "welcome",
        "HtmlBody": HTML,
        "TextBody": MESSAGE.text,
        "ReplyTo": "help@a.example",
        "Headers": [{"Name": name, "Value": value} for name, value in ({"X-Order": "12345"} | LIST_FIELDS).items()],
        "TrackOpens": True,
        "TrackLinks": "None",
        "Metadata": {"order": "12345"},
        "Attachments": [
            {"Name": "report.pdf", "Content": base64.b64encode(PDF).decode(), "ContentType": "application/pdf"},
            {
                "Name": "logo.png",
                "Content": base64.b64encode(PNG).decode(),
                "ContentType": "image/png",
                "ContentID": "cid:logo",
            },
        ],
        "MessageStream": "outbound",
    }


def postmark(service: ProviderService, path: str, document: Any, token: str = KEY) -> requests.Response:
    headers = {"Accept": "application/json", "X-Postmark-Server-Token": token}
    return requests.post(f"{service.url}{path}", json=document, headers=headers, timeout=120)


def test_postmark_takes_the_documented_request(stack: ExitStack) -> None:
    service = service_of(stack, "postmark")
    answer = postmark(service, "/email", postmark_message()).json()
    assert (answer["ErrorCode"], answer["Message"]) == (0, "OK")
    assert answer["MessageID"]
    same_meaning(service.received[0], ours(stack, "postmark"))


def test_postmark_answers_each_message_of_a_batch(stack: ExitStack) -> None:
    service = service_of(stack, "postmark")
    service.emulator.refuses.add("old@b.example")
    good, bad = postmark_message(), {"From": "ann@a.example", "To": "old@b.example", "TextBody": "x"}
    codes = [one["ErrorCode"] for one in postmark(service, "/email/batch", [good, bad]).json()]
    assert codes == [0, 406]
    assert len(service.received) == 1


def test_postmark_refuses_a_wrong_token(stack: ExitStack) -> None:
    answer = postmark(service_of(stack, "postmark"), "/email", postmark_message(), token="wrong")
    assert (answer.status_code, answer.json()["ErrorCode"]) == (401, 10)


def mailgun(service: ProviderService, path: str, **form: Any) -> requests.Response:
    return requests.post(f"{service.url}/v3/a.example/{path}", auth=("api", KEY), timeout=120, **form)


def test_mailgun_takes_the_documented_mime_request(stack: ExitStack) -> None:
    service = service_of(stack, "mailgun")
    recipients = [one.addr_spec for one in MESSAGE.envelope.recipients]
    answer = mailgun(
        service,
        "messages.mime",
        data={"to": ",".join(recipients), "o:tag": ["welcome"], "v:order": "12345"},
        files={"message": ("message.mime", MESSAGE.to_bytes())},
    )
    assert answer.json()["message"] == "Queued. Thank you."
    same_meaning(service.received[0], ours(stack, "mailgun"))


def test_mailgun_takes_the_documented_fields(stack: ExitStack) -> None:
    service = service_of(stack, "mailgun")
    fields: dict[str, Any] = {
        "from": "Ann Øst <ann@a.example>",
        "to": ["Bob <bob@b.example>", "cem@c.example"],
        "cc": "Dan <dan@d.example>",
        "bcc": "eve@e.example",
        "subject": MESSAGE.subject,
        "text": MESSAGE.text,
        "html": HTML.replace("cid:logo", "cid:logo.png"),
        "o:tag": "welcome",
        "v:order": "12345",
        "h:Reply-To": "help@a.example",
        "h:X-Order": "12345",
    } | {f"h:{name}": value for name, value in LIST_FIELDS.items()}
    files = [("attachment", ("report.pdf", PDF)), ("inline", ("logo.png", PNG))]
    assert mailgun(service, "messages", data=fields, files=files).status_code == 200
    arrived, sent = read(service.received[0]), read(ours(stack, "mailgun"))
    assert (arrived.from_, arrived.to, arrived.cc, arrived.subject) == (sent.from_, sent.to, sent.cc, sent.subject)
    assert arrived.headers.get("X-Order") == "12345"
    assert {(one.filename, one.content) for one in arrived.attachments} == {("report.pdf", PDF), ("logo.png", PNG)}


def test_mailgun_refuses_what_is_no_form(stack: ExitStack) -> None:
    answer = mailgun(service_of(stack, "mailgun"), "messages", data=json.dumps({}))
    assert answer.status_code == 400
