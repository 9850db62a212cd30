"""The server's conversation: what it says to each command, in each order, in whatever pieces it comes."""

import base64
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.reply import Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.replies import from_text
from postroad.smtp.server import REPLIES_AHEAD, ServerConversation
from postroad.smtp.server_events import (
    AuthAttempt,
    ContentComplete,
    Ending,
    MailGiven,
    Question,
    RecipientGiven,
    TlsWanted,
)
from postroad.smtp.server_settings import AuthOffer, ServerLimits, ServerSettings
from postroad.smtp.states import State
from tests.smtp.driven_server import DrivenServer, agreeable, chunked

EHLO = b"EHLO client.example\r\n"
ENVELOPE = b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\n"
TLS = ServerSettings(hostname="mx.example", starttls=True)
AUTH = ServerSettings(auth=AuthOffer.OVER_TLS)


def greeted(settings: ServerSettings | None = None, *, secure: bool = False) -> DrivenServer:
    server = DrivenServer(settings, secure=secure)
    assert server.codes(EHLO) == [250]
    return server


def b64(text: str) -> bytes:
    return base64.b64encode(text.encode())


# ── the main road ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_message() -> None:
    server = greeted()
    assert server.output.startswith(b"220 localhost ESMTP postroad\r\n")
    assert server.codes(ENVELOPE) == [250, 250]
    assert server.codes(b"RCPT TO:<eve@e.example>\r\n", b"DATA\r\n") == [250, 354]
    assert server.feed(b"Subject: x\r\n\r\n..dot\r\n.\r\n") == [b"250 2.0.0 Ok"]
    (content,) = server.contents
    assert content.mail.sender == "ann@a.example"
    assert list(map(str, content.recipients)) == ["bob@b.example", "eve@e.example"]
    assert content.content == b"Subject: x\r\n\r\n.dot\r\n"
    assert server.feed(b"QUIT\r\n") == [b"221 2.0.0 Bye"]
    assert server.ending is Ending.QUIT


def test_ehlo_names_what_is_offered_and_helo_nothing() -> None:
    settings = ServerSettings(
        starttls=True, auth=AuthOffer.OVER_TLS_OR_LOOPBACK, limits=ServerLimits(message_octets=1000)
    )
    lines = DrivenServer(settings, loopback=True).feed(EHLO)
    assert lines == [
        b"250-localhost",
        b"250-PIPELINING",
        b"250-SIZE 1000",
        b"250-8BITMIME",
        b"250-SMTPUTF8",
        b"250-ENHANCEDSTATUSCODES",
        b"250-CHUNKING",
        b"250-DSN",
        b"250-LIMITS RCPTMAX=1000",
        b"250-STARTTLS",
        b"250 AUTH PLAIN LOGIN",
    ]
    assert DrivenServer(settings).feed(b"HELO client.example\r\n") == [b"250 localhost"]
    assert b"250 STARTTLS" in DrivenServer(settings).feed(EHLO)  # AUTH is not offered from elsewhere in plain text


def test_parameters_of_mail_reach_the_caller() -> None:
    server = greeted()
    server.feed("MAIL FROM:<jörg@dömain.example> SIZE=42 body=8bitmime SMTPUTF8\r\n".encode())
    (mail,) = [event for event in server.events if isinstance(event, MailGiven)]
    assert mail == MailGiven(mail.sender, 42, eight_bit=True, smtputf8=True)
    assert str(mail.sender) == "jörg@xn--dmain-jua.example"


def test_the_null_sender_and_the_postmaster() -> None:
    server = greeted()
    assert (
        server.codes(b"MAIL FROM:<>\r\nRCPT TO:<postMASTER>\r\nRCPT TO:<@relay.example,@b.example:c@d.example>\r\n")
        == [250] * 3
    )
    assert server.events[0] == MailGiven(None)
    recipients = [event.recipient for event in server.events if isinstance(event, RecipientGiven)]
    assert recipients == ["postMASTER@localhost", "c@d.example"]


def test_who_is_refused_is_no_recipient() -> None:
    def no_bob(question: Question) -> Reply:
        if isinstance(question, RecipientGiven) and question.recipient == "bob@b.example":
            return from_text("550 No Bob here")
        return agreeable(question)

    server = DrivenServer(answer=no_bob)
    server.feed(EHLO)
    assert server.feed(ENVELOPE)[1] == b"550 5.0.0 No Bob here"  # the enhanced code is never left out
    assert server.feed(b"DATA\r\n") == [b"554 5.5.1 No valid recipients"]
    assert server.codes(b"RCPT TO:<eve@e.example>\r\n", b"DATA\r\n", b".\r\n") == [250, 354, 250]
    assert list(map(str, server.contents[0].recipients)) == ["eve@e.example"]


# ── order, form, parameters ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("commands", "reply"),
    [
        (b"MAIL FROM:<a@a.example>\r\n", b"503 5.5.1 Say EHLO first"),
        (b"STARTTLS\r\n", b"503 5.5.1 Say EHLO first"),
        (EHLO + b"RCPT TO:<a@a.example>\r\n", b"503 5.5.1 Bad sequence of commands"),
        (EHLO + b"DATA\r\n", b"503 5.5.1 Bad sequence of commands"),
        (EHLO + ENVELOPE + b"MAIL FROM:<a@a.example>\r\n", b"503 5.5.1 Bad sequence of commands"),
        (EHLO + ENVELOPE + b"STARTTLS\r\n", b"503 5.5.1 Bad sequence of commands"),
        (EHLO + b"STARTTLS\r\n", b"502 5.5.1 Command not implemented"),
        (EHLO + b"AUTH PLAIN\r\n", b"502 5.5.1 Command not implemented"),
        (EHLO + ENVELOPE + EHLO + b"DATA\r\n", b"503 5.5.1 Bad sequence of commands"),
        (EHLO + ENVELOPE + b"RSET\r\nDATA\r\n", b"503 5.5.1 Bad sequence of commands"),
        (b"NOOP whatever\r\n", b"250 2.0.0 Ok"),
        (b"RSET\r\n", b"250 2.0.0 Ok"),
        (b"VRFY ann\r\n", b"252 2.5.0 Send mail to it and see"),
        (b"VRFY\r\n", b"501 5.5.4 An argument is missing"),
        (b"EXPN list\r\n", b"502 5.5.1 Command not implemented"),
        (b"EHLO\r\n", b"501 5.5.4 A host name or an address literal must follow"),
        (b"EHLO two words\r\n", b"501 5.5.4 A host name or an address literal must follow"),
        (b"RSET now\r\n", b"501 5.5.4 This command takes no argument"),
        (b"BDAT LAST\r\n", b"501 5.5.4 Say BDAT and the number of octets that follow"),
        (b"LHLO c\r\n", b"500 5.5.2 Unknown command"),
        (b"\r\n", b"500 5.5.2 Unknown command"),
        (b"final dot\r\n", b"500 5.5.2 Unknown command"),
        (b"NOOP \x00\r\n", b"500 5.5.2 A command holds a control character"),
        (b"NOOP \x1b[2J\r\n", b"500 5.5.2 A command holds a control character"),
        (b"NOOP \xff\r\n", b"500 5.5.2 A command is not UTF-8"),
    ],
)
def test_what_is_out_of_order_or_form(commands: bytes, reply: bytes) -> None:
    assert DrivenServer().feed(commands)[-1] == reply


@pytest.mark.parametrize(
    ("mail", "reply"),
    [
        ("MAIL ann@a.example", b"501 5.5.4 Say MAIL FROM:<address>"),
        ("MAIL FROM:ann@a.example", b"501 5.5.4 Say MAIL FROM:<address>"),
        ("MAIL FROM:<ann@a.example>SIZE=1", b"501 5.5.4 Say MAIL FROM:<address>"),
        ("MAIL FROM:<ann>", b"501 5.1.7 Bad sender address"),
        ("MAIL FROM:<a@b.example@c.example>", b"501 5.1.7 Bad sender address"),
        ("MAIL FROM:<ann@a.example> FOO=1", b"555 5.5.4 Unknown parameter"),
        ("MAIL FROM:<ann@a.example> AUTH=<>", b"555 5.5.4 Unknown parameter"),
        ("MAIL FROM:<ann@a.example> SIZE=1 SIZE=1", b"501 5.5.4 A parameter is malformed or given twice"),
        ("MAIL FROM:<ann@a.example> SIZE=", b"501 5.5.4 A parameter is malformed or given twice"),
        ("MAIL FROM:<ann@a.example> SIZE=-1", b"501 5.5.4 A parameter is malformed or given twice"),
        ("MAIL FROM:<ann@a.example> SIZE=" + 21 * "9", b"501 5.5.4 A parameter is malformed or given twice"),
        ("MAIL FROM:<ann@a.example> BODY=BINARYMIME", b"501 5.5.4 A parameter is malformed or given twice"),
        ("MAIL FROM:<ann@a.example> SMTPUTF8=yes", b"501 5.5.4 A parameter is malformed or given twice"),
        ("MAIL FROM:<ann@a.example> SIZE=35882578", b"552 5.3.4 Message too large"),
        ("MAIL FROM:<ann@a.example> SIZE=35882577", b"250 2.1.0 Sender ok"),
        ("mail from: <ann@a.example>   size=1 ", b"250 2.1.0 Sender ok"),
        ("MAIL FROM:<jörg@a.example>", b"553 5.6.7 A non-ASCII address needs SMTPUTF8"),
        ("MAIL FROM:<ann@dömain.example>", b"553 5.6.7 A non-ASCII address needs SMTPUTF8"),
        ("MAIL FROM:<ann@a.example>\r\nRCPT TO:<jörg@a.example>", b"553 5.6.7 A non-ASCII address needs SMTPUTF8"),
        ("MAIL FROM:<ann@a.example> SMTPUTF8\r\nRCPT TO:<jörg@a.example>", b"250 2.1.5 Recipient ok"),
        ("MAIL FROM:<ann@a.example>\r\nRCPT TO:<>", b"501 5.1.3 Bad recipient address"),
        ("MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob>", b"501 5.1.3 Bad recipient address"),
        ("MAIL FROM:<ann@a.example>\r\nRCPT bob", b"501 5.5.4 Say RCPT TO:<address>"),
        ("MAIL FROM:<ann@a.example>\r\nRCPT TO:<b@b.example> SIZE=1", b"555 5.5.4 Unknown parameter"),
    ],
)
def test_envelope_commands(mail: str, reply: bytes) -> None:
    assert greeted().feed(mail.encode() + b"\r\n")[-1] == reply


def test_after_helo_there_are_no_parameters() -> None:
    server = DrivenServer()
    server.feed(b"HELO client.example\r\n")
    assert server.codes(b"MAIL FROM:<ann@a.example> SIZE=1\r\n") == [555]


def test_the_auth_parameter_is_read_where_auth_is_offered() -> None:
    server = greeted(AUTH, secure=True)
    assert server.codes(b"MAIL FROM:<ann@a.example> AUTH=e+3Dmc2@example.com\r\n") == [250]
    assert server.codes(b"RSET\r\n", b"MAIL FROM:<ann@a.example> AUTH=<>\r\n") == [250, 250]
    assert server.codes(b"RSET\r\n", b"MAIL FROM:<ann@a.example> AUTH=e+3dmc2\r\n") == [250, 501]


# ── pipelining ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_commands_behind_data_are_content() -> None:
    server = greeted()
    assert server.codes(ENVELOPE + b"DATA\r\nRSET\r\nQUIT\r\n.\r\nNOOP\r\n") == [250, 250, 354, 250, 250]
    assert server.contents[0].content == b"RSET\r\nQUIT\r\n"


def test_a_refused_data_leaves_what_follows_commands() -> None:
    assert greeted().codes(b"DATA\r\nNOOP\r\n") == [503, 250]


def test_replies_wait_for_the_answer_to_the_content() -> None:
    conversation = ServerConversation(ServerSettings())
    conversation.greet()
    conversation.receive(EHLO + ENVELOPE + b"DATA\r\nx\r\n.\r\n" + ENVELOPE + b"DATA\r\n")
    contents = _answer_all_but_contents(conversation)
    conversation.outgoing()
    (first,) = contents
    assert conversation.unanswered == 1
    assert conversation.outgoing() == b""  # MAIL and RCPT are answered, behind a reply that is not known yet
    assert conversation.state is State.RCPT
    conversation.answer(first, say.LOCAL_ERROR)
    _answer_all_but_contents(conversation)
    assert [line[:3] for line in conversation.outgoing().splitlines()] == [b"451", b"250", b"250", b"354"]
    with pytest.raises(ValueError, match="answered already"):
        conversation.answer(first, say.OK)


def test_quit_is_answered_behind_a_late_content() -> None:
    conversation = ServerConversation(ServerSettings())
    conversation.receive(b"")
    conversation.greet()
    conversation.receive(EHLO + ENVELOPE + b"DATA\r\n.\r\nQUIT\r\n")
    (content,) = _answer_all_but_contents(conversation)
    assert conversation.ended
    conversation.outgoing()
    conversation.answer(content, say.OK)
    assert conversation.outgoing() == b"250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n"


def _answer_all_but_contents(conversation: ServerConversation) -> list[ContentComplete]:
    contents = []
    while (event := conversation.next_event()) is not None:
        if isinstance(event, ContentComplete):
            contents.append(event)
        elif isinstance(event, MailGiven | RecipientGiven):
            conversation.answer(event, agreeable(event))
    return contents


def test_no_event_comes_before_the_last_question_is_answered() -> None:
    conversation = ServerConversation(ServerSettings())
    conversation.greet()
    conversation.receive(EHLO + ENVELOPE)
    mail = conversation.next_event()
    assert isinstance(mail, MailGiven)
    assert conversation.next_event() is None
    with pytest.raises(ValueError, match="354 is no answer"):
        conversation.answer(mail, say.START_CONTENT)
    with pytest.raises(ValueError, match="control character"):
        conversation.answer(mail, Reply(say.OK.code, ("two\r\n250 lines",)))
    conversation.answer(mail, from_text("451 4.7.1 Later"))
    assert conversation.next_event() is None  # the RCPT was refused: no transaction
    assert [line[:3] for line in conversation.outgoing().splitlines()][-2:] == [b"451", b"503"]
    with pytest.raises(ValueError, match="not asked"):
        conversation.answer(mail, say.OK)


# ── STARTTLS ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_starttls_forgets_what_was_said_before() -> None:
    server = greeted(TLS)
    assert server.feed(b"STARTTLS\r\n") == [b"220 2.0.0 Ready to start TLS"]
    assert isinstance(server.events[0], TlsWanted)
    assert server.conversation.hello == ""
    assert server.codes(b"MAIL FROM:<a@a.example>\r\n") == [503]
    assert b"250-STARTTLS" not in server.feed(EHLO)
    assert server.feed(b"STARTTLS\r\n") == [b"503 5.5.1 TLS is on already"]
    assert server.codes(b"STARTTLS now\r\n") == [501]


@pytest.mark.parametrize("injected", [b"R", b"RSET\r\n", b"\n", EHLO + ENVELOPE])
def test_plain_text_behind_starttls_ends_the_session(injected: bytes) -> None:
    server = greeted(TLS)
    assert server.codes(b"STARTTLS\r\n" + injected) == [421]
    assert server.ending is Ending.INJECTION
    assert server.codes(b"NOOP\r\n") == []


def test_plain_text_before_the_handshake_ends_the_session() -> None:
    conversation = ServerConversation(TLS)
    conversation.greet()
    conversation.receive(EHLO)
    assert conversation.next_event() is None
    conversation.receive(b"STARTTLS\r\n")
    assert conversation.next_event() == TlsWanted()
    assert conversation.next_event() is None
    conversation.receive(b"NOOP\r\n")
    assert conversation.ended
    assert conversation.outgoing().endswith(b"421 4.7.0 Plain text came behind STARTTLS\r\n")


def test_tls_and_auth_can_be_required() -> None:
    settings = ServerSettings(starttls=True, tls_required=True, auth=AuthOffer.OVER_TLS, auth_required=True)
    server = greeted(settings)
    mail = b"MAIL FROM:<a@a.example>\r\n"
    assert server.feed(mail) == [b"530 5.7.0 Must issue a STARTTLS command first"]
    server.feed(b"STARTTLS\r\n", EHLO)
    assert server.feed(mail) == [b"530 5.7.0 Authentication required"]
    server.feed(b"AUTH PLAIN " + b64("\0ann\0secret") + b"\r\n")
    assert server.codes(mail) == [250]


# ── AUTH ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "lines",
    [
        [b"AUTH PLAIN " + b64("\0ann\0secret")],
        [b"auth plain " + b64("ann\0ann\0secret")],
        [b"AUTH PLAIN", b64("\0ann\0secret")],
        [b"AUTH LOGIN", b64("ann"), b64("secret")],
        [b"AUTH LOGIN " + b64("ann"), b64("secret")],
    ],
)
def test_auth(lines: list[bytes]) -> None:
    server = greeted(AUTH, secure=True)
    replies = server.codes(*(line + b"\r\n" for line in lines))
    assert replies == [334] * (len(lines) - 1) + [235]
    assert server.conversation.user == "ann"
    assert server.codes(b"AUTH PLAIN\r\n") == [503]
    assert all(b"AUTH" not in line for line in server.feed(EHLO))
    assert "secret" not in repr(server.events)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"AUTH PLAIN " + b64("\0ann\0wrong")], b"535 5.7.8 Authentication credentials invalid"),
        ([b"AUTH LOGIN", b64("ann"), b64("wrong")], b"535 5.7.8 Authentication credentials invalid"),
        ([b"AUTH CRAM-MD5"], b"504 5.5.4 Unknown authentication mechanism"),
        ([b"AUTH"], b"504 5.5.4 Unknown authentication mechanism"),
        ([b"AUTH PLAIN a b"], b"501 5.5.4 A parameter is malformed or given twice"),
        ([b"AUTH PLAIN ="], b"501 5.5.2 The response is not base64 of this mechanism's form"),
        ([b"AUTH PLAIN *"], b"501 5.5.2 The response is not base64 of this mechanism's form"),
        ([b"AUTH PLAIN", b"*"], b"501 5.7.0 Authentication cancelled"),
        ([b"AUTH LOGIN", b64("ann"), b"*"], b"501 5.7.0 Authentication cancelled"),
        ([b"AUTH PLAIN", b""], b"501 5.5.2 The response is not base64 of this mechanism's form"),
        ([b"AUTH PLAIN", b"====", b"NOOP"], b"250 2.0.0 Ok"),
        ([b"AUTH PLAIN", b64("ann\0secret")], b"501 5.5.2 The response is not base64 of this mechanism's form"),
        ([b"AUTH PLAIN", b64("bob\0ann\0secret")], b"501 5.5.2 The response is not base64 of this mechanism's form"),
        (
            [b"AUTH PLAIN", base64.b64encode(b"\0ann\0\xff")],
            b"501 5.5.2 The response is not base64 of this mechanism's form",
        ),
        ([b"AUTH PLAIN", b"A" * 12_287], b"500 5.5.6 Authentication exchange line is too long"),
        ([b"AUTH PLAIN", b"A" * 12_284], b"501 5.5.2 The response is not base64 of this mechanism's form"),
    ],
)
def test_auth_refused(lines: list[bytes], reply: bytes) -> None:
    server = greeted(AUTH, secure=True)
    assert server.feed(*(line + b"\r\n" for line in lines))[-1] == reply
    assert server.conversation.state is State.READY
    assert server.conversation.user is None
    assert server.codes(b"AUTH PLAIN " + b64("\0ann\0secret") + b"\r\n") == [235]


def test_auth_in_plain_text_is_for_loopback_alone() -> None:
    attempt = b"AUTH PLAIN " + b64("\0ann\0secret") + b"\r\n"
    local = ServerSettings(auth=AuthOffer.OVER_TLS_OR_LOOPBACK)
    assert greeted(AUTH).codes(attempt) == [538]
    assert greeted(local).codes(attempt) == [538]
    assert DrivenServer(local, loopback=True).codes(EHLO + attempt) == [250, 235]
    assert DrivenServer(AUTH, loopback=True).codes(EHLO + attempt) == [250, 538]


def test_a_password_may_hold_anything_but_nul() -> None:
    server = greeted(AUTH, secure=True)
    server.feed(b"AUTH LOGIN\r\n", b64("änn") + b"\r\n", b64("pass wörd ☃") + b"\r\n")
    attempt = server.events[-1]
    assert isinstance(attempt, AuthAttempt)
    assert (attempt.mechanism, attempt.username, attempt.password.reveal()) == ("LOGIN", "änn", "pass wörd ☃")


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────


def limited(**limits: int | None) -> DrivenServer:
    return greeted(ServerSettings(limits=ServerLimits(**limits)))  # type: ignore[arg-type]  # each as its field wants it


def test_a_command_line_has_a_longest_length() -> None:
    server = limited(command_octets=40)
    assert server.codes(b"NOOP " + b"x" * 33 + b"\r\n") == [250]
    assert server.codes(b"NOOP " + b"x" * 34 + b"\r\n") == [500]
    assert server.codes(b"NOOP " + b"x" * 1000, b"x" * 1000, b"\r\nNOOP\r\n") == [500, 250]
    assert server.conversation.buffered == 0


def test_what_is_too_long_is_not_kept() -> None:
    server = limited(command_octets=40)
    for _ in range(50):
        server.feed(b"x" * 1000)
        assert server.conversation.buffered == 0


def test_too_many_recipients() -> None:
    server = limited(recipients=2)
    assert server.codes(ENVELOPE + b"RCPT TO:<c@c.example>\r\nRCPT TO:<d@d.example>\r\n") == [250, 250, 250, 452]
    assert server.codes(b"DATA\r\n", b".\r\n") == [354, 250]
    assert len(server.contents[0].recipients) == 2


def test_too_many_errors() -> None:
    server = limited(errors=3)
    assert server.codes(b"FOO\r\nBAR\r\nBAZ\r\nNOOP\r\n") == [500, 500, 500, 421]
    assert server.ending is Ending.ERRORS


def test_wrong_passwords_are_errors() -> None:
    server = greeted(ServerSettings(auth=AuthOffer.OVER_TLS, limits=ServerLimits(errors=2)), secure=True)
    attempt = b"AUTH PLAIN " + b64("\0ann\0wrong") + b"\r\n"
    assert server.codes(attempt, b"AUTH LOGIN\r\n", b"*\r\n", attempt) == [535, 334, 501, 421]


def test_too_many_commands_without_mail() -> None:
    server = limited(commands_without_mail=5)  # the EHLO is one of them
    assert server.codes(b"NOOP\r\n" * 2 + ENVELOPE + b"DATA\r\n.\r\n" + b"RSET\r\n" * 6) == [
        *[250, 250, 250, 250, 354, 250],
        *[250] * 5,
        421,
    ]
    assert server.ending is Ending.COMMANDS


def test_a_message_too_large_is_read_to_its_end_and_refused() -> None:
    server = limited(message_octets=10)
    assert server.codes(ENVELOPE + b"DATA\r\n") == [250, 250, 354]
    assert server.codes(b"x" * 100_000, b"\r\n.\r\n") == [552]
    assert server.codes(ENVELOPE + b"DATA\r\n", b"..3456789\r\n.\r\n") == [250, 250, 354, 250]
    assert server.codes(ENVELOPE + b"DATA\r\n", b"..34567890\r\n.\r\n") == [250, 250, 354, 552]
    assert [content.content for content in server.contents] == [b".3456789\r\n"]


def test_a_message_without_an_end_ends_the_session() -> None:
    server = limited(message_octets=10, drained_octets=100)
    server.feed(ENVELOPE + b"DATA\r\n")
    assert server.codes(b"x" * 90) == []
    assert server.codes(b"x" * 20) == [421]
    assert server.ending is Ending.ENDLESS_CONTENT


def test_replies_do_not_pile_up() -> None:
    conversation = ServerConversation(ServerSettings(limits=ServerLimits(commands_without_mail=10**6)))
    conversation.greet()
    conversation.receive(EHLO * 2000)
    said = [len(wire) for wire in _all_said(conversation)]
    assert max(said) < REPLIES_AHEAD + 1000
    assert sum(said) > 5 * REPLIES_AHEAD


def test_replies_do_not_pile_up_behind_a_content() -> None:
    conversation = ServerConversation(ServerSettings(limits=ServerLimits(commands_without_mail=10**6)))
    conversation.greet()
    conversation.receive(EHLO + ENVELOPE + b"DATA\r\n.\r\n" + b"NOOP\r\n" * 10_000)
    (content,) = _answer_all_but_contents(conversation)
    assert len(conversation.outgoing()) < 1000
    assert not conversation.piled_up  # nothing can be written
    left = conversation.buffered
    assert left > 10_000
    conversation.answer(content, say.OK)
    said = b"".join(_all_said(conversation))
    assert said.count(b"250 2.0.0 Ok") == 10_001


def _all_said(conversation: ServerConversation) -> Iterator[bytes]:
    while wire := conversation.outgoing():
        yield wire
        assert conversation.next_event() is None


def test_a_session_can_be_ended_from_this_side() -> None:
    server = greeted()
    server.feed(ENVELOPE + b"DATA\r\nhalf a mess")
    server.conversation.end()
    assert server.feed(b"age\r\n.\r\n") == [b"421 4.3.2 Shutting down"]
    server.conversation.end()
    assert server.feed() == []
    assert server.ending is Ending.OURS
    assert not server.contents


def test_an_answer_of_421_ends_the_session() -> None:
    server = DrivenServer(answer=lambda _: from_text("421 4.7.0 Go away"))
    assert server.codes(EHLO + ENVELOPE) == [250, 421]
    assert server.conversation.ended


def test_a_greeting_can_be_a_refusal() -> None:
    conversation = ServerConversation(ServerSettings())
    conversation.end(say.TOO_MANY_CONNECTIONS)
    assert conversation.outgoing() == b"421 4.3.2 Too many connections\r\n"


def test_a_reply_is_ascii_unless_the_client_speaks_utf8() -> None:
    server = DrivenServer(answer=lambda _: from_text("250 2.0.0 grüß dich"))
    server.feed(EHLO)
    assert server.feed(b"MAIL FROM:<a@a.example>\r\n") == [b"250 2.0.0 gr?? dich"]
    assert server.feed(b"RSET\r\nMAIL FROM:<a@a.example> SMTPUTF8\r\nRCPT TO:<b@b.example>\r\n")[-1] == (
        "250 2.0.0 grüß dich".encode()
    )


def test_the_host_name_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match="not a host"):
        ServerSettings(hostname="not a host\r\n")


# ── any chunking ──────────────────────────────────────────────────────────────────────────────────────────────────

SESSIONS = st.lists(
    st.sampled_from(
        [
            EHLO,
            b"HELO x\r\n",
            ENVELOPE,
            b"RCPT TO:<eve@e.example>\r\n",
            b"DATA\r\n",
            ENVELOPE + b"DATA\r\nSubject: x\r\n\r\n..\r\n...\r\n.\r\n",
            b".\r\n",
            b"line\r\n",
            b"bare\nline\r\n.\r\n",
            b"bare\r.\r\r\n.\r\n",
            b"AUTH PLAIN " + b64("\0ann\0secret") + b"\r\n",
            b"AUTH LOGIN\r\n" + b64("ann") + b"\r\n" + b64("wrong") + b"\r\n",
            b"x" * 70 + b"\r\n",
            b"NOOP\r\n",
            b"RSET\r\n",
            b"QUIT\r\n",
            b"\r\n",
            b"\r",
            b"\n",
            b".",
            b"\0",
        ]
    ),
    max_size=12,
).map(b"".join)


@given(SESSIONS, st.lists(st.integers(0, 2000), max_size=30))
def test_any_chunking_gives_the_same_events_and_replies(session: bytes, cuts: list[int]) -> None:
    settings = ServerSettings(
        auth=AuthOffer.OVER_TLS,
        limits=ServerLimits(command_octets=60, message_octets=60, text_line_octets=50, drained_octets=200, errors=4),
    )
    whole, pieces = DrivenServer(settings, secure=True), DrivenServer(settings, secure=True)
    whole.feed(session)
    pieces.feed(*chunked(session, cuts))
    assert pieces.output == whole.output
    assert [_shown(event) for event in pieces.events] == [_shown(event) for event in whole.events]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_no_octets_bring_it_down(noise: bytes, cuts: list[int]) -> None:
    server = greeted()
    server.feed(*chunked(noise, cuts))
    assert all(line[:3].isdigit() for line in server.output.splitlines())


def _shown(event: object) -> object:
    return (event.mail, event.recipients, event.content) if isinstance(event, ContentComplete) else event
