"""The providers' sides: what they refuse, and what they take, by their documentation."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from postroad.providers.contract import HttpReply, HttpRequest
from postroad.providers.event import basic_credentials
from postroad.providers.mailgun.emulate import MailgunEmulator
from postroad.providers.postmark.emulate import PostmarkEmulator
from postroad.providers.resend.emulate import ResendEmulator
from postroad.providers.sendgrid.emulate import SendGridEmulator

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LETTER = {"from": "ann@a.example", "to": ["bob@b.example"], "subject": "x", "text": "x"}


def resend(document: Any, path: str = "/emails", **headers: str) -> tuple[ResendEmulator, HttpReply]:
    emulator = ResendEmulator()
    given = {"authorization": "Bearer test-key", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return emulator, emulator.answer(HttpRequest("POST", path, given, json.dumps(document).encode()), NOW)


def postmark(**more: Any) -> tuple[PostmarkEmulator, dict[str, Any]]:
    emulator = PostmarkEmulator()
    document = {"From": "ann@a.example", "To": "bob@b.example", "TextBody": "x", **more}
    headers = {"x-postmark-server-token": "test-key", "content-type": "application/json"}
    reply = emulator.answer(HttpRequest("POST", "/email", headers, json.dumps(document).encode()), NOW)
    told: dict[str, Any] = json.loads(reply.body)
    return emulator, told


def sendgrid(**more: Any) -> tuple[SendGridEmulator, HttpReply]:
    emulator = SendGridEmulator()
    document = {
        "personalizations": [{"to": [{"email": "bob@b.example"}]}],
        "from": {"email": "ann@a.example"},
        "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}],
        **more,
    }
    headers = {"authorization": "Bearer test-key", "content-type": "application/json"}
    return emulator, emulator.answer(HttpRequest("POST", "/v3/mail/send", headers, json.dumps(document).encode()), NOW)


@pytest.mark.parametrize("group", ["to", "cc", "bcc"])
def test_resend_takes_fifty_in_each_field(group: str) -> None:
    for count, status in ((50, 200), (51, 422)):
        people = [f"u{number}@b.example" for number in range(count)]
        assert resend({**LETTER, group: people})[1].status == status


def test_resend_reads_a_time_as_people_say_it() -> None:
    emulator, reply = resend({**LETTER, "scheduled_at": "in 1 min"})
    assert reply.status == 200
    assert emulator.received[0].send_at == NOW.timestamp() + 60
    assert resend({**LETTER, "scheduled_at": "in 31 days"})[1].status == 422
    assert resend({**LETTER, "scheduled_at": "whenever"})[1].status == 422


def test_a_batch_of_resend_answers_whatever_it_holds() -> None:
    batches: list[list[Any]] = [[1], [None], ["x", LETTER], [[]]]
    for documents in batches:
        emulator, reply = resend(documents, "/emails/batch")
        assert reply.status == 422
        assert emulator.received == []


def test_a_permissive_batch_of_resend_takes_those_that_are_right() -> None:
    emulator, reply = resend([LETTER, {**LETTER, "to": []}, LETTER], "/emails/batch", x_batch_validation="permissive")
    told = json.loads(reply.body)
    assert (reply.status, len(told["data"]), len(emulator.received)) == (200, 2, 2)
    assert [one["index"] for one in told["errors"]] == [1]
    assert resend([LETTER, LETTER], "/emails/batch", x_batch_validation="lax")[1].status == 422


def test_postmark_knows_its_message_streams() -> None:
    emulator, told = postmark(MessageStream="letters")
    assert told["ErrorCode"] == 1235
    assert emulator.received == []
    assert postmark(MessageStream="broadcast")[1]["ErrorCode"] == 0


def test_postmark_takes_no_programs() -> None:
    file = {"Name": "Setup.EXE", "Content": "AAAA", "ContentType": "application/octet-stream"}
    emulator, told = postmark(Attachments=[file])
    assert told["ErrorCode"] == 300
    assert emulator.received == []
    assert postmark(Attachments=[{**file, "Name": "setup.zip"}])[1]["ErrorCode"] == 0


def test_the_sandbox_of_sendgrid_keeps_nothing() -> None:
    emulator, reply = sendgrid(mail_settings={"sandbox_mode": {"enable": True}})
    assert (reply.status, emulator.received) == (200, [])
    assert sendgrid(mail_settings={"sandbox_mode": {"enable": False}})[1].status == 202


def test_sendgrid_holds_mail_for_three_days() -> None:
    assert sendgrid(send_at=int(NOW.timestamp()) + 72 * 3600)[1].status == 202
    emulator, reply = sendgrid(send_at=int(NOW.timestamp()) + 72 * 3600 + 1)
    assert (reply.status, emulator.received) == (400, [])


def test_sendgrid_takes_header_fields_in_ascii() -> None:
    emulator, reply = sendgrid(headers={"X-U": "äö"})
    assert (reply.status, emulator.received) == (400, [])
    emulator, reply = sendgrid(headers={"X-U": "=?utf-8?q?=C3=A4=C3=B6?="})
    assert reply.status == 202


@pytest.mark.parametrize("wrong", [1, True, "x", [1], [None], [[]], {"a": 1}])
@pytest.mark.parametrize(
    "name",
    ["personalizations", "from", "subject", "content", "headers", "categories", "custom_args", "attachments"],
)
def test_a_value_of_another_type_is_answered_by_sendgrid(name: str, wrong: Any) -> None:
    emulator, reply = sendgrid(**{name: wrong})
    assert (reply.status, len(emulator.received)) in ((400, 0), (202, 1))


@pytest.mark.parametrize("wrong", [1, True, [1], [None], [[]], {"a": 1}])
@pytest.mark.parametrize("name", ["From", "To", "Cc", "Headers", "Attachments", "Metadata", "Tag", "TextBody"])
def test_a_value_of_another_type_is_answered_by_postmark(name: str, wrong: Any) -> None:
    emulator, told = postmark(**{name: wrong})
    assert (told["ErrorCode"] == 0) == (len(emulator.received) == 1)


@pytest.mark.parametrize("wrong", [1, True, [1], [None], [[]], {"a": 1}])
@pytest.mark.parametrize("name", ["from", "to", "subject", "text", "headers", "tags", "attachments", "scheduled_at"])
def test_a_value_of_another_type_is_answered_by_resend(name: str, wrong: Any) -> None:
    emulator, reply = resend({**LETTER, name: wrong})
    assert (reply.status, len(emulator.received)) in ((422, 0), (200, 1))
    emulator, reply = resend([LETTER, {**LETTER, name: wrong}], "/emails/batch")
    assert (reply.status, len(emulator.received)) in ((422, 0), (200, 2))  # all, or none


@pytest.mark.parametrize("path", ["", "/", "/v3/a.example/messages"])
def test_a_form_in_no_charset_and_a_path_to_nowhere_are_answered_by_mailgun(path: str) -> None:
    emulator = MailgunEmulator()
    headers = {
        "authorization": basic_credentials("api", "test-key"), "content-type": "multipart/form-data; boundary=x",
    }  # fmt: skip
    body = b'--x\r\nContent-Disposition: form-data; name="to"\r\n\r\n\xff\r\n--x--'
    reply = emulator.answer(HttpRequest("POST", path, headers, body), NOW)
    assert (reply.status, emulator.received) == (400 if "messages" in path else 404, [])
