"""What postroad's client does with every foreign server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any, ClassVar

import pytest

from postroad import (
    AuthenticationError,
    DataError,
    Dsn,
    Mailer,
    MessageError,
    RawMessage,
    RecipientsRefused,
    SenderRefused,
    SendError,
    SendReport,
    Unsupported,
)
from tests.pairings.exercise import Exercise, Feature, exercises, off, on
from tests.pairings.letters import EIGHT_BIT, LARGE, LETTER, SPAM, UTF_8, UTF_8_HEADER
from tests.peers.certificates import Certificates, ServerCertificate
from tests.peers.endpoint import Endpoint
from tests.peers.waiting import wait_until

USERS = {"ann": "pa55 wörd", "bob": "secret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a foreign server shall offer; ``hidden`` are EHLO keywords that it shall not."""

    certificate: ServerCertificate | None = None
    users: Mapping[str, str] | None = None
    hidden: tuple[str, ...] = ()
    max_octets: int = 10_000_000
    max_recipients: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it reached one recipient. Line ends are CRLF."""

    sender: str  # "" for the null sender
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """A running server: ``stored`` waits for so many messages, ``sessions`` counts those that clients have begun."""

    smtp: Endpoint
    stored: Callable[[int], list[Stored]]
    sessions: Callable[[], int]
    smtps: Endpoint | None = None


REPORTED = RawMessage(
    LETTER,
    envelope_from="ann@a.example",
    recipients="bob@b.example",
    dsn=Dsn("success", ret="headers", envid="order-1"),
)
Start = Callable[[Offer], Running]


def route(server: Endpoint, scheme: str = "smtp+insecure", **options: Any) -> str:
    """The URL of a server, for one connection at a time."""
    query = "&".join(f"{name}={value}" for name, value in {"pool": 1, **options}.items())
    return f"{scheme}://localhost:{server.port}?{query}"


def letter(content: bytes = LETTER, *recipients: str, sender: str = "ann@a.example") -> RawMessage:
    return RawMessage(content, envelope_from=sender, recipients=recipients or ("bob@b.example",))


def send(url: str, message: RawMessage, *, username: str | None = None, password: str | None = None) -> SendReport:
    with Mailer(url, username=username, password=password, retry=None) as mailer:
        return mailer.send(message)


class ServerSuite:
    """The tests for one server. A subclass brings a fixture ``start``, and the reason for what cannot be tried.

    A server refuses the sender ``reject@``, a content with the subject ``spam``, and the recipients ``reject@`` for
    ever, ``defer@`` for now and ``hangup@`` with a 421.
    """

    peer: ClassVar[str]
    never: ClassVar[tuple[Feature, ...]] = ()  # extensions that it does not offer
    always: ClassVar[tuple[Feature, ...]] = ()  # extensions that it cannot be kept from offering
    cannot: ClassVar[Mapping[Exercise, str]] = {}  # and why not
    otherwise: ClassVar[tuple[Exercise, ...]] = ()  # what the server's own file tries in another way

    @exercises(Feature.PLAIN)
    def test_in_plain_text(self, start: Start) -> None:
        server = start(Offer())
        report = send(route(server.smtp), letter())
        assert [str(one.recipient) for one in report.accepted] == ["bob@b.example"]
        assert server.stored(1) == [Stored("ann@a.example", "bob@b.example", LETTER)]

    @exercises(Feature.NULL_SENDER)
    def test_from_nobody(self, start: Start) -> None:
        server = start(Offer())
        assert send(route(server.smtp), letter(sender="")).accepted
        assert server.stored(1) == [Stored("", "bob@b.example", LETTER)]

    @exercises(Feature.STARTTLS, Feature.AUTH_PLAIN)
    def test_starttls_and_then_auth(self, start: Start, certificates: Certificates) -> None:
        server = start(Offer(certificate=certificates.good, users=USERS))
        url = route(server.smtp, "smtp", ca=certificates.ca, auth="plain")
        with Mailer(url, username="ann", password=USERS["ann"]) as mailer:
            seen = str(mailer.check())
            assert mailer.send(letter()).accepted
        assert "TLSv1" in seen
        assert "authenticated as ann by PLAIN" in seen
        assert server.stored(1)[0].content == LETTER

    @exercises(Feature.IMPLICIT_TLS)
    def test_implicit_tls(self, start: Start, certificates: Certificates) -> None:
        server = start(Offer(certificate=certificates.good))
        assert server.smtps is not None
        assert send(route(server.smtps, "smtps", ca=certificates.ca), letter()).accepted
        assert server.stored(1)[0].content == LETTER

    @pytest.mark.parametrize(
        "mechanism",
        [
            pytest.param("PLAIN", marks=exercises(Feature.AUTH_PLAIN)),
            pytest.param("LOGIN", marks=exercises(Feature.AUTH_LOGIN)),
            pytest.param("CRAM-MD5", marks=exercises(Feature.AUTH_CRAM_MD5)),
        ],
    )
    def test_each_mechanism(self, start: Start, mechanism: str) -> None:
        server = start(Offer(users=USERS))
        with Mailer(route(server.smtp, auth=mechanism), username="bob", password="secret", retry=None) as mailer:
            assert f"authenticated as bob by {mechanism}" in str(mailer.check())
            assert mailer.send(letter()).accepted

    @exercises(Feature.WRONG_PASSWORD)
    def test_a_wrong_password(self, start: Start) -> None:
        server = start(Offer(users=USERS))
        with pytest.raises(AuthenticationError) as caught:
            send(route(server.smtp), letter(), username="bob", password="wrong")
        assert caught.value.code == 535
        assert "wrong" not in "".join(map(str, caught.value.transcript))

    @exercises(Feature.SEVERAL_RECIPIENTS)
    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param((), marks=exercises(on(Feature.PIPELINING))),
            pytest.param(("PIPELINING",), marks=exercises(off(Feature.PIPELINING))),
        ],
    )
    def test_some_recipients_refused(self, start: Start, hidden: tuple[str, ...]) -> None:
        server = start(Offer(hidden=hidden))
        mixed = letter(LETTER, "bob@b.example", "reject@b.example", "eve@e.example", "defer@c.example")
        report = send(route(server.smtp), mixed)
        assert [str(one.recipient) for one in report.accepted] == ["bob@b.example", "eve@e.example"]
        assert report.refused["reject@b.example"].permanent
        assert report.refused["defer@c.example"].temporary
        assert [str(one.enhanced) for one in report.refused] == ["5.1.1", "4.2.0"]
        stored = server.stored(2)
        assert {one.recipient for one in stored} == {"bob@b.example", "eve@e.example"}
        assert {one.content for one in stored} == {LETTER}

    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param((), marks=exercises(on(Feature.ENHANCED_CODES))),
            pytest.param(("ENHANCEDSTATUSCODES",), marks=exercises(off(Feature.ENHANCED_CODES))),
        ],
    )
    def test_why_in_code_and_words(self, start: Start, hidden: tuple[str, ...]) -> None:
        """Servers write enhanced codes also where they do not announce them, and they are read there too."""
        server = start(Offer(hidden=hidden))
        with pytest.raises(RecipientsRefused) as caught:
            send(route(server.smtp), letter(LETTER, "reject@b.example"))
        assert (caught.value.code, str(caught.value.enhanced)) == (550, "5.1.1")
        assert caught.value.report is not None
        assert "No such mailbox here" in caught.value.report.refused[0].text

    @exercises(Feature.NO_RECIPIENT)
    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param((), marks=exercises(on(Feature.PIPELINING))),
            pytest.param(("PIPELINING",), marks=exercises(off(Feature.PIPELINING))),
        ],
    )
    def test_all_recipients_refused(self, start: Start, hidden: tuple[str, ...]) -> None:
        server = start(Offer(hidden=hidden))
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(RecipientsRefused) as caught:
                mailer.send(letter(LETTER, "reject@b.example", "reject@c.example"))
            assert mailer.send(letter()).accepted  # the same connection is still in step
        assert caught.value.permanent
        assert [one.recipient for one in server.stored(1)] == ["bob@b.example"]

    @exercises(Feature.TOO_MANY_RECIPIENTS)
    def test_too_many_recipients(self, start: Start) -> None:
        server = start(Offer(max_recipients=3))
        everybody = [f"r{number}@b.example" for number in range(5)]
        with Mailer(route(server.smtp), retry=None) as mailer:
            report = mailer.send(letter(LETTER, *everybody))
        taken = [str(one.recipient) for one in report.accepted]
        assert taken[:3] == everybody[:3]
        assert all(one.temporary and one.code == 452 for one in report.refused)
        assert len(report.outcomes) == 5
        assert sorted(one.recipient for one in server.stored(len(taken))) == taken

    @exercises(Feature.SENDER_REFUSED)
    def test_the_sender_refused(self, start: Start) -> None:
        server = start(Offer())
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(SenderRefused) as caught:
                mailer.send(letter(sender="reject@a.example"))
            assert mailer.send(letter()).accepted
        assert caught.value.permanent
        assert [one.sender for one in server.stored(1)] == ["ann@a.example"]

    @exercises(Feature.CONTENT_REFUSED)
    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param((), marks=exercises(on(Feature.CHUNKING))),
            pytest.param(("CHUNKING",), marks=exercises(off(Feature.CHUNKING))),
        ],
    )
    def test_the_content_refused(self, start: Start, hidden: tuple[str, ...]) -> None:
        server = start(Offer(hidden=hidden))
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(DataError) as caught:
                mailer.send(letter(SPAM))
            assert mailer.send(letter()).accepted
        assert caught.value.permanent
        assert [one.content for one in server.stored(1)] == [LETTER]

    @exercises(Feature.SHUTTING_DOWN)
    def test_421_in_a_session(self, start: Start) -> None:
        server = start(Offer())
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(SendError) as caught:
                mailer.send(letter(LETTER, "hangup@b.example"))
            assert mailer.send(letter()).accepted
        assert caught.value.code == 421
        assert caught.value.temporary
        assert [one.recipient for one in server.stored(1)] == ["bob@b.example"]

    @exercises(off(Feature.SIZE), Feature.TOO_LARGE)
    def test_larger_than_silently_taken(self, start: Start) -> None:
        server = start(Offer(hidden=("SIZE",), max_octets=100_000))
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(DataError) as caught:
                mailer.send(letter(LARGE))
            assert mailer.send(letter()).accepted
        assert caught.value.code == 552
        assert [one.content for one in server.stored(1)] == [LETTER]

    @exercises(on(Feature.SIZE), Feature.TOO_LARGE)
    def test_larger_than_announced(self, start: Start) -> None:
        server = start(Offer(max_octets=100_000))
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(MessageError, match="the server takes 100000"):
                mailer.send(letter(LARGE))
            assert mailer.send(letter()).accepted
        assert len(server.stored(1)) == 1

    @exercises(Feature.LARGE)
    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param((), marks=exercises(on(Feature.CHUNKING))),
            pytest.param(("CHUNKING",), marks=exercises(off(Feature.CHUNKING))),
        ],
    )
    def test_a_large_message(self, start: Start, hidden: tuple[str, ...]) -> None:
        server = start(Offer(hidden=hidden))
        assert len(LARGE) > 1_000_000
        assert send(route(server.smtp), letter(LARGE)).accepted
        assert server.stored(1)[0].content == LARGE

    @exercises(on(Feature.EIGHT_BIT_MIME))
    def test_eight_bits(self, start: Start) -> None:
        server = start(Offer())
        assert send(route(server.smtp), letter(EIGHT_BIT)).accepted
        assert server.stored(1)[0].content == EIGHT_BIT

    @exercises(off(Feature.EIGHT_BIT_MIME))
    def test_eight_bits_where_seven_are_taken(self, start: Start) -> None:
        server = start(Offer(hidden=("8BITMIME", "SMTPUTF8")))
        assert send(route(server.smtp), letter(UTF_8)).accepted
        (stored,) = server.stored(1)
        assert stored.content.isascii()
        before, after = message_from_bytes(UTF_8), message_from_bytes(stored.content)
        assert after.get_payload(decode=True) == before.get_payload(decode=True)
        assert after["Message-ID"] == before["Message-ID"]

    @exercises(on(Feature.SMTPUTF8))
    def test_addresses_in_utf_8(self, start: Start) -> None:
        server = start(Offer())
        assert send(route(server.smtp), letter(EIGHT_BIT, "zoë@b.example", sender="jörg@a.example")).accepted
        assert server.stored(1) == [Stored("jörg@a.example", "zoë@b.example", EIGHT_BIT)]

    @exercises(off(Feature.SMTPUTF8))
    def test_addresses_in_utf_8_where_nobody_reads_them(self, start: Start) -> None:
        server = start(Offer(hidden=("SMTPUTF8",)))
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(Unsupported, match="SMTPUTF8"):
                mailer.send(letter(LETTER, "zoë@b.example"))
            assert mailer.send(letter(UTF_8_HEADER)).accepted
        (stored,) = server.stored(1)
        assert stored.content.isascii()
        assert str(make_header(decode_header(message_from_bytes(stored.content)["Subject"]))) == "Grüße"

    @exercises(on(Feature.DSN))
    def test_a_notification_of_delivery(self, start: Start) -> None:
        server = start(Offer())
        assert send(route(server.smtp), REPORTED).accepted
        (notification,) = (one for one in server.stored(2) if one.sender == "")
        assert notification.recipient == "ann@a.example"
        report = message_from_bytes(notification.content)
        fields = "".join(str(part) for part in report.walk() if part.get_content_type() == "message/delivery-status")
        assert report.get_content_type() == "multipart/report"
        assert "original-envelope-id: order-1" in fields.lower()
        assert "Original-Recipient: rfc822;bob@b.example" in fields
        assert "Action: delivered" in fields
        assert b"..two" not in notification.content  # the headers were to come back, and only they

    @exercises(off(Feature.DSN))
    def test_no_notification_is_no_sending(self, start: Start) -> None:
        server = start(Offer(hidden=("DSN",)))
        with Mailer(route(server.smtp), retry=None) as mailer:
            with pytest.raises(Unsupported, match="DSN"):
                mailer.send(REPORTED)
            assert mailer.send(letter()).accepted

    @exercises(Feature.TWENTY)
    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param((), marks=exercises(on(Feature.PIPELINING))),
            pytest.param(("PIPELINING",), marks=exercises(off(Feature.PIPELINING))),
        ],
    )
    def test_twenty_over_one_connection(self, start: Start, hidden: tuple[str, ...]) -> None:
        server = start(Offer(hidden=hidden))
        contents = [LETTER + b"%d\r\n" % number for number in range(20)]
        before = server.sessions()
        with Mailer(route(server.smtp), retry=None) as mailer:
            reports = list(mailer.send_many([letter(content) for content in contents]))
        assert all(report.accepted for report in reports)
        assert {one.content for one in server.stored(20)} == set(contents)
        wait_until(lambda: server.sessions() > before or None, "the session in the server's log")
        assert server.sessions() - before == 1
