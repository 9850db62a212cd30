"""Answers as the providers document them, and what each of them means for the mail."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from postroad.errors import (
    AuthenticationError,
    ConfigurationError,
    DataError,
    OutcomeUnknown,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    Scope,
    SenderRefused,
    SendError,
    Throttled,
)
from postroad.message.email import Email
from postroad.message.seal import seal
from postroad.outcome import SendReport
from postroad.providers.contract import HttpReply
from postroad.reply import Phase
from postroad.reports.classify import classify_reply
from postroad.retry import may_retry
from postroad.transport.moving_on import may_go_elsewhere
from tests.providers.accounts import APIS, KEY

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MAIL = seal(
    Email(from_="ann@a.example", to=["bob@b.example", "eve@e.example"], cc="fay@f.example", text="x", subject="x")
)


def report(name: str, status: int, document: Any, **headers: str) -> SendReport:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    (made,) = APIS[name].provider(KEY).reports((MAIL,), HttpReply(status, body, named), NOW)
    return made


def ses(status: int, kind: str, message: str = "no") -> tuple[str, int, Any, dict[str, str]]:
    return "ses", status, {"message": message}, {"x_amzn_errortype": f"{kind}:http://internal.amazon.com/coral/"}


def sendgrid(status: int, message: str, field: str | None = None) -> tuple[str, int, Any, dict[str, str]]:
    return "sendgrid", status, {"errors": [{"message": message, "field": field, "help": None}]}, {}


def resend(status: int, name: str, message: str = "no") -> tuple[str, int, Any, dict[str, str]]:
    return "resend", status, {"statusCode": status, "name": name, "message": message}, {}


def postmark(status: int, code: int, message: str = "no") -> tuple[str, int, Any, dict[str, str]]:
    return "postmark", status, {"ErrorCode": code, "Message": message}, {}


def mailgun(status: int, message: Any) -> tuple[str, int, Any, dict[str, str]]:
    return "mailgun", status, message if isinstance(message, bytes) else {"message": message}, {}


_UNVERIFIED = "Email address is not verified. The following identities failed the check in region EU-WEST-1: "
_NO_DOMAIN = "The a.example domain is not verified. Please, add and verify your domain on https://resend.com/domains"

CASES: list[tuple[tuple[str, int, Any, dict[str, str]], type[PostroadError]]] = [
    (ses(400, "MessageRejected", "Email address blocked: x"), DataError),
    (ses(400, "MessageRejected", f"{_UNVERIFIED}ann@a.example"), SenderRefused),
    (ses(400, "MailFromDomainNotVerifiedException"), SenderRefused),
    (ses(400, "BadRequestException"), DataError),
    (ses(400, "LimitExceededException", "Daily message quota exceeded."), Throttled),
    (ses(429, "TooManyRequestsException"), Throttled),
    (ses(400, "SendingPausedException"), AuthenticationError),
    (ses(400, "AccountSuspendedException"), AuthenticationError),
    (ses(404, "NotFoundException", "Configuration set <x> does not exist."), ConfigurationError),
    (ses(403, "ExpiredTokenException"), AuthenticationError),
    (ses(403, "AccessDeniedException"), AuthenticationError),
    (ses(500, "InternalFailure"), OutcomeUnknown),
    (ses(503, "ServiceUnavailable"), SendError),
    (sendgrid(400, "Bad Request"), DataError),
    (sendgrid(401, "The provided authorization grant is invalid, expired, or revoked"), AuthenticationError),
    (sendgrid(403, "The from address does not match a verified Sender Identity.", "from"), SenderRefused),
    (sendgrid(403, "access forbidden"), AuthenticationError),
    (sendgrid(413, "Payload too large"), DataError),
    (sendgrid(429, "too many requests"), Throttled),
    (sendgrid(500, "Internal Server Error"), OutcomeUnknown),
    (("sendgrid", 503, b"", {}), SendError),
    (resend(400, "validation_error"), DataError),
    (resend(401, "missing_api_key"), AuthenticationError),
    (resend(401, "restricted_api_key"), AuthenticationError),
    (resend(403, "invalid_api_key"), AuthenticationError),
    (resend(403, "validation_error", _NO_DOMAIN), SenderRefused),
    (resend(409, "invalid_idempotent_request"), DataError),
    (resend(409, "concurrent_idempotent_requests"), OutcomeUnknown),
    (resend(422, "invalid_from_address"), SenderRefused),
    (resend(422, "validation_error", "Invalid `to` field. The email address needs to follow ..."), RecipientsRefused),
    (resend(422, "missing_required_field"), DataError),
    (resend(429, "rate_limit_exceeded"), Throttled),
    (resend(429, "daily_quota_exceeded"), Throttled),
    (resend(500, "application_error"), OutcomeUnknown),
    (postmark(401, 10), AuthenticationError),
    (postmark(422, 300, "Invalid 'From' address: 'x'."), SenderRefused),
    (postmark(422, 300, "Invalid metadata content."), DataError),
    (postmark(422, 400), SenderRefused),
    (postmark(422, 401), SenderRefused),
    (postmark(422, 402), DataError),
    (postmark(422, 405), AuthenticationError),
    (postmark(422, 406, "Found inactive addresses: bob@b.example, eve@e.example, fay@f.example.\n"
              "Inactive recipients are ones that have generated a hard bounce."), RecipientsRefused),
    (postmark(422, 412), SenderRefused),
    (postmark(429, 429), Throttled),
    (postmark(500, 500), OutcomeUnknown),
    (("postmark", 503, b"<html>down</html>", {}), SendError),
    (mailgun(400, "'to' parameter is not a valid address. please check documentation"), RecipientsRefused),
    (mailgun(400, "'from' parameter is not a valid address. please check documentation"), SenderRefused),
    (mailgun(400, "Sandbox subdomains are for test purposes only."), DataError),
    (mailgun(401, b"Forbidden"), AuthenticationError),
    (mailgun(404, "Domain not found: a.example"), ConfigurationError),
    (mailgun(413, "message too large"), DataError),
    (mailgun(429, "too many requests"), Throttled),
    (mailgun(500, "internal"), OutcomeUnknown),
    (mailgun(301, b""), ProtocolError),
    # Who looks at a wrong address has seen no mail; what is taken is taken, whatever its number.
    (("sendgrid", 404, b"<html>nothing here</html>", {}), ConfigurationError),
    (resend(404, "not_found"), ConfigurationError),
    (("postmark", 404, b"", {}), ConfigurationError),
    (("ses", 404, b"", {}), ConfigurationError),
    (postmark(200, 100, "Maintenance"), SendError),
    (postmark(422, 1235, "The 'MessageStream' provided does not exist on this server."), ConfigurationError),
    (("sendgrid", 201, b"", {}), OutcomeUnknown),
    (("sendgrid", 200, b"", {}), ProtocolError),  # what the sandbox says: it sent nothing
    (resend(202, "validation_error"), OutcomeUnknown),
    (("postmark", 202, b"", {}), OutcomeUnknown),
    (mailgun(202, "Queued. Thank you."), OutcomeUnknown),
    (("ses", 202, b"{}", {}), OutcomeUnknown),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind"), CASES, ids=lambda value: f"{value[0]}-{value[1]}" if type(value) is tuple else ""
)
def test_an_answer_means(answer: tuple[str, int, Any, dict[str, str]], kind: type[PostroadError]) -> None:
    name, status, document, headers = answer
    made = report(name, status, document, **headers)
    assert type(made.error) is kind, made
    assert [one.recipient for one in made.outcomes] == list(MAIL.envelope.recipients)
    assert made.error.report is made
    assert not made.accepted
    again = all(map(may_retry, made.outcomes))
    assert again is (kind in (Throttled, SendError, ProtocolError))
    assert all(one.unknown for one in made.outcomes) is (kind is OutcomeUnknown)
    elsewhere = any(map(may_go_elsewhere, made.outcomes))
    assert elsewhere is (made.error.scope is Scope.ROUTE or kind in (SendError, ProtocolError))
    title = APIS[name].provider(KEY).title
    assert str(made.error).startswith(f"{title}: ")


def test_postmark_names_those_whom_it_will_not_send_to() -> None:
    words = (
        "Message OK, but will not deliver to these inactive addresses: EVE@e.example, fay@f.example. Inactive "
        "recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
    )
    made = report("postmark", 200, {"ErrorCode": 0, "Message": words, "MessageID": "m1", "To": "bob@b.example"})
    assert [one.recipient.local for one in made.accepted] == ["bob"]
    assert [one.recipient.local for one in made.refused] == ["eve", "fay"]
    assert made.error is None
    assert made.remote_id == "m1"


def test_postmark_names_the_address_that_is_none() -> None:
    words = "Error parsing 'Cc': Illegal email domain 'f.example' in address 'fay@f.example'."
    made = report("postmark", 422, {"ErrorCode": 300, "Message": words})
    assert made.refused["fay@f.example"].enhanced == (5, 1, 3)
    assert "because of another recipient" in made.refused["bob@b.example"].text
    assert all(one.permanent for one in made.outcomes)


def test_sendgrid_names_the_place_of_the_address_that_is_none() -> None:
    errors = [{"message": "Does not contain a valid address.", "field": "personalizations.0.to.1.email", "help": None}]
    made = report("sendgrid", 400, {"errors": errors})
    assert made.refused["eve@e.example"].enhanced == (5, 1, 3)
    assert (made.refused["bob@b.example"].code, made.refused["bob@b.example"].enhanced) == (550, (5, 0, 0))
    assert meaning(made, "bob@b.example") == "recipient_refused"


def meaning(made: SendReport, recipient: str) -> str:
    (outcome,) = (one for one in made.outcomes if one.recipient == recipient)
    assert outcome.reply is not None
    return str(classify_reply(outcome.reply, "", outcome.phase).bounce_class)


@pytest.mark.parametrize(
    "answer",
    [
        mailgun(400, "'to' parameter is not a valid address. please check documentation"),
        resend(422, "validation_error", "Invalid `to` field. The email address needs to follow ..."),
    ],
)
def test_where_nobody_is_named_nobody_is_held_to_be_the_one(answer: tuple[str, int, Any, dict[str, str]]) -> None:
    name, status, document, headers = answer
    made = report(name, status, document, **headers)
    assert isinstance(made.error, RecipientsRefused)
    for outcome in made.outcomes:
        assert outcome.phase is Phase.DATA
        assert meaning(made, outcome.recipient.addr_spec) == "recipient_refused"


def test_an_inactive_recipient_of_postmark_is_no_block_and_tells_nobody_of_the_others() -> None:
    words = (
        "Message OK, but will not deliver to these inactive addresses: eve@e.example. Inactive recipients are ones "
        "that have generated a hard bounce, a spam complaint, or a manual suppression."
    )
    made = report("postmark", 200, {"ErrorCode": 0, "Message": words, "MessageID": "m1"})
    assert meaning(made, "eve@e.example") == "recipient_refused"
    assert not any("eve@" in one.text for one in made.outcomes)


def test_of_a_batch_resend_says_by_its_place_which_message_is_wrong() -> None:
    document = {"data": [{"id": "a"}, {"id": "c"}], "errors": [{"index": 1, "message": "Invalid `to` field."}]}
    reply = HttpReply(200, json.dumps(document).encode())
    mails = tuple(seal(Email(from_="ann@a.example", to=f"u{n}@b.example", text="x", subject="x")) for n in range(3))
    resend_ = APIS["resend"].provider(KEY)
    made = resend_.reports(mails, reply, NOW)
    assert [one.remote_id for one in made] == ["a", None, "c"]
    assert isinstance(made[1].error, RecipientsRefused)
    for wrong in ({"data": [{"id": "a"}], "errors": []}, {**document, "errors": [{"index": 7, "message": "x"}]}):
        told = resend_.reports(mails, HttpReply(200, json.dumps(wrong).encode()), NOW)
        assert all(isinstance(one.error, OutcomeUnknown) for one in told)


def test_ses_names_whom_the_sandbox_does_not_know() -> None:
    _, status, document, headers = ses(400, "MessageRejected", f"{_UNVERIFIED}eve@e.example, f.example")
    made = report("ses", status, document, **headers)
    assert isinstance(made.error, RecipientsRefused)
    assert [one.phase for one in made.outcomes] == [Phase.DATA, Phase.RCPT, Phase.RCPT]


@pytest.mark.parametrize("name", APIS)
def test_no_answer_of_any_form_is_an_exception(name: str) -> None:
    bodies = [b"", b"null", b"[]", b"{}", b"\xff", b'"' * 9, b"[" * 50_000, b'{"errors": [1]}']
    for status in (200, 202, 204, 302, 400, 401, 404, 422, 429, 500, 503, 599):
        for body in bodies:
            made = report(name, status, body)
            assert len(made.outcomes) == 3
            assert made.unknown or status not in (500, 599)
            assert not made.accepted or status < 300
