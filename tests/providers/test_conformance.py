"""One suite for every way to send with somebody on the other side: each ability is there, or is refused by name."""

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    AuthenticationError,
    ConnectError,
    DataError,
    OutcomeUnknown,
    Unsupported,
)
from postroad.mailer.mailer import AsyncMailer
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.seal import seal
from postroad.outcome import SendReport
from postroad.providers.contract import HttpReply
from postroad.reply import Phase
from postroad.retry import may_retry
from postroad.transport.provider_api.transport import ProviderApiTransport
from tests.peers.endpoint import LOOPBACK
from tests.providers.accounts import APIS, KINDS, Account, Trouble, addressed, open_account, read

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
DATE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def email(**changes: Any) -> Email:
    arguments: dict[str, Any] = {
        "from_": "Ann Example <ann@a.example>",
        "to": ["Bob <bob@b.example>"],
        "subject": "hello",
        "text": "Hello Bob,\nall is well.\n",
        "message_id": "<one@a.example>",
        "date": DATE,
    }
    return Email(**{**arguments, **changes})


def send(account: Account, message: Email, *recipients: str) -> SendReport:
    """Deliver one message in a loop of its own; for other recipients than its own, where some are given."""

    async def work() -> SendReport:
        mail = seal(message)
        try:
            return await account.transport.deliver(addressed(mail, *recipients) if recipients else mail)
        finally:
            await account.transport.aclose()

    return asyncio.run(work())


def arrives(account: Account, message: Email) -> Email:
    """Send the message, and return what arrived of it."""
    report = send(account, message)
    assert report.error is None, report.error
    assert report.all_accepted
    (mail,) = account.arrived()
    assert set(mail.envelope.recipients) == set(message.envelope.recipients)
    arrived = read(mail)
    for name in ("from_", "to", "cc", "reply_to", "subject", "html"):
        assert getattr(arrived, name) == getattr(message, name), name
    assert {one.key for one in arrived.bcc} == {one.key for one in message.bcc}
    if message.text is not None:
        assert (arrived.text or "").rstrip("\n") == message.text.rstrip("\n")
    return arrived


def refused(account: Account, message: Email, field: str, *recipients: str) -> None:
    """The message is not sent; the error names the field, and nothing was connected."""
    report = send(account, message, *recipients)
    assert isinstance(report.error, Unsupported), report
    assert report.error.message.startswith(f"{field}: ")
    assert not any(one.accepted or one.temporary for one in report.outcomes)
    assert account.arrived() == []
    assert account.service is None or account.service.requests == []


# ── what everybody can do ─────────────────────────────────────────────────────────────────────────────────────────────


def test_text(stack: ExitStack, kind: str) -> None:
    arrives(open_account(stack, kind), email())


def test_html_with_its_text(stack: ExitStack, kind: str) -> None:
    arrived = arrives(open_account(stack, kind), email(text=None, html="<h1>Hello</h1><p>all is well"))
    assert "all is well" in (arrived.text or "")


def test_attachments(stack: ExitStack, kind: str) -> None:
    files = [
        Attachment(b"%PDF-1.7\n\x00\xff", "report.pdf"),
        Attachment("a;b\n1;ü\n", "zahlen für märz.csv"),
        Attachment(b"", "empty.dat"),
    ]
    arrived = arrives(open_account(stack, kind), email(attachments=files))
    assert [(one.filename, one.content) for one in arrived.attachments] == [
        (one.filename, one.content.replace(b"\n", b"\r\n") if one.media_type.maintype == "text" else one.content)
        for one in files
    ] or [(one.filename, one.content) for one in arrived.attachments] == [(one.filename, one.content) for one in files]
    assert [one.media_type.essence for one in arrived.attachments] == [one.media_type.essence for one in files]


def test_inline_images(stack: ExitStack, kind: str) -> None:
    image = InlineImage(PNG, "logo", "logo.png")
    arrived = arrives(open_account(stack, kind), email(html="<img src='cid:logo'>", attachments=[image]))
    (shown,) = arrived.attachments
    assert isinstance(shown, InlineImage)
    assert (shown.cid, shown.content, shown.filename) == ("logo", PNG, "logo.png")


def test_cc_and_bcc(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind)
    arrives(account, email(cc=["Cem <cem@c.example>"], bcc=["eve@e.example", "Fay <fay@f.example>"]))
    (mail,) = account.arrived()
    assert b"eve@" not in mail.content
    assert b"fay@" not in mail.content


def test_names_that_need_care(stack: ExitStack, kind: str) -> None:
    people = [Address("bob@b.example", 'Bob "the, Builder" Smith'), Address("ono@b.example", "小野 洋子")]
    arrives(open_account(stack, kind), email(to=people, from_=Address("ann@a.example", "Ann O'Neil")))


def test_characters_of_all_kinds_everywhere(stack: ExitStack, kind: str) -> None:
    message = email(
        from_="Åsa Öberg <asa@a.example>",
        to=["Jörg <joerg@xn--bcher-kva.example>"],
        subject=", ".join(["Grüße aus 東京 🗼, mit Überlänge"] * 4),
        text="Ἀχιλλεύς\n.\n..dots\nFrom here\n",
        html="<p>Ἀχιλλεύς &amp; 東京</p>",
        headers={"X-Groesse": "groß"},
    )
    assert arrives(open_account(stack, kind), message).headers["X-Groesse"] == "groß"


def test_reply_to_and_header_fields(stack: ExitStack, kind: str) -> None:
    message = email(reply_to="Help <help@a.example>", headers={"X-Order": "12345", "In-Reply-To": "<zero@a.example>"})
    arrived = arrives(open_account(stack, kind), message)
    assert arrived.headers == {"X-Order": "12345", "In-Reply-To": "<zero@a.example>"}


def test_list_unsubscribe_with_one_click(stack: ExitStack, kind: str) -> None:
    uris = ["https://a.example/u?" + "x" * 300, "mailto:leave@a.example"]
    arrived = arrives(open_account(stack, kind), email(list_unsubscribe=uris))
    assert arrived.list_unsubscribe is not None
    assert list(arrived.list_unsubscribe.uris) == uris
    assert arrived.list_unsubscribe.one_click


# ── what some can do, and others refuse by name ───────────────────────────────────────────────────────────────────────

NEEDS: dict[str, tuple[dict[str, Any], str]] = {
    "bcc_alone": ({"to": (), "bcc": ["eve@e.example"]}, "to"),
    "several_from": (
        {"from_": ["ann@a.example", "abe@a.example"], "sender": "ann@a.example", "return_path": "ann@a.example"},
        "from_",
    ),
    "repeated_headers": ({"headers": [("X-Note", "one"), ("X-Note", "two")]}, "headers['X-Note']"),
    "empty_body": ({"text": ""}, "text"),
    "return_path": ({"return_path": "bounces@a.example"}, "return_path"),
}


@pytest.mark.parametrize("ability", NEEDS)
def test_an_ability_is_there_or_refused_by_name(stack: ExitStack, kind: str, ability: str) -> None:
    account = open_account(stack, kind)
    changes, field = NEEDS[ability]
    if not account.supports(ability):
        refused(account, email(**changes), field)
        return
    arrived = arrives(account, email(**changes))
    if ability == "repeated_headers":
        assert arrived.headers.get_all("X-Note") == ("one", "two")
    if ability == "return_path":
        assert account.arrived()[0].envelope.mail_from == "bounces@a.example"


def test_our_message_id_is_kept_where_that_is_said(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind)
    if account.supports("message_id"):
        assert arrives(account, email()).message_id == "<one@a.example>"


def test_a_name_in_from_that_needs_quotes(stack: ExitStack, kind: str) -> None:
    account, message = open_account(stack, kind), email(from_='"Example, Ann" <ann@a.example>')
    if kind == "resend":
        refused(account, message, "from_")
    else:
        arrives(account, message)


@pytest.mark.parametrize("tags", [("welcome",), ("welcome", "spring")])
def test_tags_and_metadata_stay_beside_the_message(stack: ExitStack, kind: str, tags: tuple[str, ...]) -> None:
    account = open_account(stack, kind)
    message = email(tags=tags, metadata={"order": "12345", "customer": "c-9"})
    if account.provider is None:  # SMTP has no place for them: they stay with the sender
        arrives(account, message)
    elif len(tags) > 1 and not account.supports("several_tags"):
        refused(account, message, "tags")
    else:
        arrives(account, message)
        (mail,) = account.arrived()
        assert mail.tags == tags
        assert dict(mail.metadata) == {"order": "12345", "customer": "c-9"}


def test_mail_is_held_until_a_time_or_that_is_refused(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)

    async def work() -> SendReport:
        async with AsyncMailer(account.transport) as mailer:
            return await mailer.send(email(), send_at=later)

    if account.provider is None or not account.supports("send_at"):
        with pytest.raises(Unsupported, match=r"^send_at: "):
            asyncio.run(work())
        assert account.arrived() == []
    else:
        assert asyncio.run(work()).all_accepted
        assert account.arrived()[0].send_at == later.timestamp()


LONGEST = {"mailgun": timedelta(days=7), "resend": timedelta(days=30), "sendgrid": timedelta(hours=72)}


@pytest.mark.parametrize("kind", LONGEST)
def test_a_time_that_is_too_far_off_is_refused_by_us_and_by_the_provider(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    account = open_account(stack, kind)
    later = (datetime.now(UTC) + LONGEST[kind] + timedelta(hours=1)).timestamp()

    async def work() -> SendReport:
        try:
            return await account.transport.deliver(replace(seal(email()), send_at=later))
        finally:
            await account.transport.aclose()

    report = asyncio.run(work())
    assert isinstance(report.error, Unsupported)
    assert report.error.message.startswith("send_at: ")
    assert account.service is not None
    assert account.service.requests == []
    monkeypatch.setattr(type(account.provider), "longest_hold", float("inf"))
    report = asyncio.run(work())
    assert isinstance(report.error, DataError)
    assert len(account.service.requests) == 1
    assert account.arrived() == []


@pytest.mark.parametrize(("changes", "field"), [({"dsn": "failure"}, "dsn"), ({"require_tls": True}, "require_tls")])
def test_what_no_api_can_promise_is_refused(stack: ExitStack, changes: dict[str, Any], field: str) -> None:
    for name in APIS:
        refused(open_account(stack, name), email(**changes), field)


def test_a_part_of_those_in_the_header_is_sent_to_them_alone_or_not_at_all(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind)
    message = email(to=["bob@b.example", "eve@e.example", "fay@f.example"])
    if account.supports("separate_envelope"):
        report = send(account, message, "eve@e.example")
        assert report.all_accepted
        assert [list(map(str, one.envelope.recipients)) for one in account.arrived()] == [["eve@e.example"]]
    else:
        refused(account, message, "recipients", "eve@e.example")


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_bad_recipient_of_three(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind, Trouble(refused=("eve@e.example",)))
    report = send(account, email(to=["bob@b.example", "eve@e.example", "fay@f.example"]))
    bad = report.refused["eve@e.example"]
    assert bad.permanent
    assert bad.reply is not None
    assert "unknown" not in {str(one.result) for one in report.outcomes}
    if account.arrived():  # the others got it, and nobody tries the bad one again
        assert len(report.accepted) == 2
        assert report.error is None
    else:  # it is all or nothing there, and the report says whose fault it is
        assert len(report.refused) == 3
        assert all(one.permanent for one in report.outcomes)
    assert not any(map(may_retry, report.outcomes))


@pytest.mark.parametrize("kind", ["mailgun", "ses"])
@pytest.mark.parametrize("bad", [(), (0,), (6,), (2, 3), (0, 4, 6), range(7)])
def test_where_the_envelope_is_separate_all_others_get_it(stack: ExitStack, kind: str, bad: Sequence[int]) -> None:
    people = [f"u{number}@b.example" for number in range(7)]
    account = open_account(stack, kind, Trouble(refused=tuple(people[one] for one in bad)))
    report = send(account, email(to=people))
    assert [one.recipient.addr_spec for one in report.outcomes] == people
    refused = {one.recipient.addr_spec for one in report.refused}
    assert refused == {people[one] for one in bad}
    arrived = [one.addr_spec for mail in account.arrived() for one in mail.envelope.recipients]
    assert sorted(arrived) == [one for one in people if one not in refused]
    assert all(one.phase is Phase.RCPT for one in report.outcomes if one.refused)
    assert (report.error is None) is (len(bad) < 7)


def test_one_bad_message_of_a_batch_keeps_no_other_back(stack: ExitStack) -> None:
    for kind in ("postmark", "resend"):
        account = open_account(stack, kind, Trouble(refused=("eve@e.example",)))
        reports = _all_at_once(account, ["bob@b.example", "eve@e.example", "fay@f.example"])
        assert [one.all_accepted for one in reports] == [True, False, True], kind
        assert account.service is not None
        assert len(account.service.requests) == 1


def test_a_batch_that_is_refused_as_a_whole_is_tried_one_by_one(stack: ExitStack) -> None:
    account = open_account(stack, "resend")
    assert account.service is not None
    words = {"statusCode": 422, "name": "validation_error", "message": "something is wrong with one of them"}
    account.service.emulator.troubles.append(HttpReply(422, json.dumps(words).encode()))
    reports = _all_at_once(account, ["bob@b.example", "eve@e.example", "fay@f.example"])
    assert all(one.all_accepted for one in reports)
    assert len(account.arrived()) == 3


def _all_at_once(account: Account, people: list[str]) -> list[SendReport]:
    async def work() -> list[SendReport]:
        try:
            mails = [seal(email(to=one, message_id=f"<{number}@a.example>")) for number, one in enumerate(people)]
            return list(await asyncio.gather(*map(account.transport.deliver, mails)))
        finally:
            await account.transport.aclose()

    return asyncio.run(work())


def test_a_bad_key_is_not_tried_again(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind, Trouble(bad_key=True))
    report = send(account, email())
    assert isinstance(report.error, AuthenticationError), report
    assert report.error.permanent
    assert not any(map(may_retry, report.outcomes))
    assert account.arrived() == []
    with pytest.raises(AuthenticationError):
        asyncio.run(_check(open_account(stack, kind, Trouble(bad_key=True))))


async def _check(account: Account) -> str:
    try:
        return str(await account.transport.check())
    finally:
        await account.transport.aclose()


def test_check_sends_nothing(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind)
    assert account.transport.name in asyncio.run(_check(account))
    assert account.arrived() == []


def test_too_fast_says_when_to_try_again(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind, Trouble(too_fast=True))
    report = send(account, email())
    assert all(map(may_retry, report.outcomes))
    assert report.error is not None
    assert report.error.temporary
    assert account.provider is None or report.error.retry_after == 7.0
    assert account.arrived() == []


def test_not_now_may_be_tried_again(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind, Trouble(busy=True))
    assert all(map(may_retry, send(account, email()).outcomes))
    assert account.arrived() == []


def test_a_failure_of_unknown_extent_is_in_doubt(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind, Trouble(broken=True))
    report = send(account, email())
    assert isinstance(report.error, OutcomeUnknown), report
    assert [one.unknown for one in report.outcomes] == [True]
    assert not any(map(may_retry, report.outcomes))


def test_no_answer_after_the_request_went_out_is_in_doubt(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind, Trouble(silent=True))
    report = send(account, email())
    assert isinstance(report.error, OutcomeUnknown), report
    assert all(one.unknown for one in report.outcomes)


@pytest.mark.parametrize("kind", APIS)
def test_nobody_there_is_certain(kind: str) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))  # and never listens
        api = APIS[kind].provider("k", endpoint=f"http://{LOOPBACK}:{taken.getsockname()[1]}")
        report = send(Account(ProviderApiTransport(api), list, api), email())
    assert isinstance(report.error, ConnectError), report
    assert all(map(may_retry, report.outcomes))


def test_what_was_taken_back_is_not_sent(stack: ExitStack, kind: str) -> None:
    account = open_account(stack, kind)
    asked: list[tuple[str, ...]] = []

    async def no(recipients: tuple[Address, ...]) -> bool:
        asked.append(tuple(map(str, recipients)))
        return False

    async def work() -> SendReport:
        try:
            return await account.transport.deliver(seal(email()), before_commit=no)
        finally:
            await account.transport.aclose()

    report = asyncio.run(work())
    assert asked == [("bob@b.example",)]
    assert isinstance(report.error, Abandoned)
    assert account.arrived() == []
    assert account.service is None or account.service.requests == []
