"""Opening a session, what the server can do, and many messages over one connection."""

import asyncio
from dataclasses import replace
from email import message_from_bytes

import pytest

from postroad.errors import (
    ConnectError,
    DataError,
    Disconnected,
    DnsError,
    MessageError,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    Throttled,
    Unsupported,
)
from postroad.message.envelope import Body, MailObject
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.smtp.settings import Protocol, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.peers.certificates import Certificates
from tests.peers.endpoint import free_endpoint
from tests.transport.road import account, deliver, deliver_one, in_turn, run, verbs

EIGHT_BIT = replace(letter("hello"), content="Subject: x\r\n\r\nwörter\r\n".encode(), body=Body.EIGHT_BIT)
SIGNED = replace(EIGHT_BIT, content=b"DKIM-Signature: v=1\r\n" + EIGHT_BIT.content)
UTF8 = letter("hello", "jörg@b.example", smtputf8=True)


def error_of(report: SendReport) -> PostroadError:
    assert report.error is not None
    assert all(one.refused for one in report.outcomes)
    return report.error


# ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_listens() -> None:
    host, port = free_endpoint()
    error = error_of(deliver_one(Smtp(host, port), letter()))
    assert type(error) is ConnectError
    assert "refused" in str(error)
    assert (error.phase, error.temporary) == (Phase.CONNECT, True)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".example"])
def test_a_name_that_does_not_resolve(host: str) -> None:
    error = error_of(deliver_one(Smtp(host, 25), letter()))
    assert type(error) is DnsError
    assert error.phase is Phase.DNS


@pytest.mark.parametrize(
    ("step", "kind", "phase", "temporary"),
    [
        (Step("GREETING", "421 4.3.2 too many connections", then=Then.CLOSE), Throttled, Phase.GREETING, True),
        (Step("GREETING", "450 later"), Throttled, Phase.GREETING, True),
        (Step("GREETING", "554 5.7.1 your address is listed"), ConnectError, Phase.GREETING, False),
        (Step("GREETING", None, then=Then.CLOSE), ConnectError, Phase.GREETING, True),
        (Step("EHLO", "421 4.3.2 busy", then=Then.CLOSE), Throttled, Phase.EHLO, True),
        (Step("EHLO", "450 4.3.2 busy"), Throttled, Phase.EHLO, True),
    ],
    ids=lambda value: f"{value.at}-{value.reply!r}"[:13] if isinstance(value, Step) else None,
)
def test_a_server_that_takes_no_session(step: Step, kind: type[PostroadError], phase: Phase, temporary: bool) -> None:
    with ScriptedServer(step) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    error = error_of(first)
    assert type(error) is kind
    assert (error.phase, error.temporary) == (phase, temporary)
    assert error.transcript
    assert second.accepted


def test_a_server_that_tears_the_connection_down_at_once() -> None:
    with ScriptedServer(Step("GREETING", None, then=Then.RESET)) as server:
        error = error_of(deliver_one(account(server), letter()))
    assert type(error) is ConnectError
    assert error.phase in (Phase.CONNECT, Phase.GREETING)  # whichever of the two the reset is quicker than
    assert error.temporary


def test_a_server_from_before_extensions() -> None:
    with ScriptedServer(Step("EHLO", "502 5.5.1 what?")) as server:
        assert deliver_one(account(server), letter()).accepted
    assert verbs(server.commands)[:6] == ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert server.commands[2] == "MAIL FROM:<ann@a.example>"


def test_a_server_that_does_not_like_our_name() -> None:
    steps = (Step("EHLO", "550 5.7.1 bad name", times=None), Step("HELO", "550 5.7.1 bad name", times=None))
    with ScriptedServer(*steps) as server:
        error = error_of(deliver_one(account(server, ehlo="client.example"), letter()))
    assert type(error) is ConnectError
    assert "client.example" in str(error)
    assert "ehlo=" in error.advice
    assert server.commands == ["EHLO client.example", "HELO client.example"]


@pytest.mark.parametrize("serves_lmtp", [False, True], ids=["smtp", "lmtp"])
def test_the_other_one_of_smtp_and_lmtp_is_named(serves_lmtp: bool) -> None:
    wanted = Protocol.SMTP if serves_lmtp else Protocol.LMTP
    with ScriptedServer(lmtp=serves_lmtp) as server:
        error = error_of(deliver_one(account(server, protocol=wanted), letter()))
        right = account(server, protocol=Protocol.LMTP if serves_lmtp else Protocol.SMTP)
    assert type(error) is ConnectError
    assert f"use {'lmtp' if serves_lmtp else 'smtp'}://{right.where}" in error.advice
    assert "name" not in str(error)
    assert error.permanent


@pytest.mark.parametrize(
    ("greeting", "service"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        (b"+OK POP3 ready\r\n", "POP3"),
        (b"hello there\r\n", "does not greet"),
    ],
)
def test_a_port_where_something_else_is_spoken(greeting: bytes, service: str) -> None:
    with ScriptedServer(Step("GREETING", greeting)) as server:
        settings = account(server)
        error = error_of(deliver_one(settings, letter()))
    assert type(error) is ProtocolError
    assert service in str(error)
    assert f"Is {settings.where} an SMTP port?" in error.advice
    assert error.phase is Phase.GREETING
    assert error.transcript


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        ("GREETING", "554 5.7.1 your address is listed"),
        ("STARTTLS", "454 4.7.0 TLS not available"),
        ("STARTTLS", "502 5.5.1 what?"),
    ],
)
def test_a_server_that_says_why_is_to_be_read(certificates: Certificates, at: str, reply: str) -> None:
    with ScriptedServer(Step(at, reply), tls=certificates.good.server_context()) as server:
        error = error_of(deliver_one(account(server), letter()))
    assert reply.partition(" ")[2].partition(" ")[2] in str(error)
    assert error.advice.startswith("Read what the server says")


def test_the_name_we_give() -> None:
    with ScriptedServer() as server:
        deliver_one(account(server, ehlo="[192.0.2.1]"), letter())
        deliver_one(account(server), letter())
    given = [session.commands[0] for session in server.sessions]
    assert given[0] == "EHLO [192.0.2.1]"
    assert given[1].startswith("EHLO ")
    assert " " not in given[1].removeprefix("EHLO ")


# ── what the server can do ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_offered_is_not_used() -> None:
    with ScriptedServer(extensions=()) as server:
        assert deliver_one(account(server), letter("hello", "bob@b.example", "eve@e.example")).accepted
    assert server.commands[1:] == [
        "MAIL FROM:<ann@a.example>", "RCPT TO:<bob@b.example>", "RCPT TO:<eve@e.example>", "DATA", "QUIT",
    ]  # fmt: skip


def test_what_is_needed_and_offered_is_asked_for() -> None:
    with ScriptedServer() as server:
        reports = in_turn(account(server), letter("x"), EIGHT_BIT, UTF8, letter(sender=None))
        assert all(report.accepted for report in reports)
    options = [message.options for message in server.messages]
    size = f"SIZE={len(letter('x').content)}"
    assert options[0] == (size,), "SMTPUTF8 and 8BITMIME only where they are needed"
    assert "BODY=8BITMIME" in options[1]
    assert "SMTPUTF8" in options[2]
    assert server.messages[2].recipients == ("jörg@b.example",)
    assert server.messages[3].mail_from == ""


@pytest.mark.parametrize(
    ("mail", "missing"),
    [(SIGNED, "8bit"), (UTF8, "SMTPUTF8")],
)
def test_what_is_needed_and_not_offered_is_said_before_anything_is(mail: MailObject, missing: str) -> None:
    with ScriptedServer(extensions=("PIPELINING", "SIZE")) as server:
        first, second = in_turn(account(server), mail, letter("two"))
    error = error_of(first)
    assert isinstance(error, Unsupported)
    assert missing in str(error)
    assert error.permanent
    assert second.accepted, "the connection is still of use"
    assert len(server.sessions) == 1
    assert verbs(server.commands).count("MAIL") == 1


def test_too_large_for_the_server_is_said_before_data() -> None:
    with ScriptedServer(extensions=("SIZE 1000",)) as server:
        large = replace(letter(), content=b"x" * 998 + b"\r\n\r\n")
        just = replace(letter(), content=b"x" * 998 + b"\r\n")
        first, second = in_turn(account(server), large, just)
    error = error_of(first)
    assert isinstance(error, MessageError)
    assert "1002 octets, the server takes 1000" in str(error)
    assert error.field == "size"
    assert second.accepted
    assert verbs(server.commands).count("MAIL") == 1


def test_a_message_that_one_server_cannot_take_does_not_stop_the_others_behind_it() -> None:
    with ScriptedServer(extensions=("PIPELINING",)) as server:
        reports = deliver(account(server), letter("one"), SIGNED, letter("two"), UTF8, letter("three"))
    assert [bool(report.accepted) for report in reports] == [True, False, True, False, True]
    assert len(server.messages) == 3


def test_8bit_content_without_a_signature_is_encoded_for_a_server_that_does_not_take_it() -> None:
    with ScriptedServer(extensions=("PIPELINING",)) as server:
        assert deliver_one(account(server), EIGHT_BIT).accepted
    (message,) = server.messages
    assert message.content.isascii()
    assert message_from_bytes(message.content).get_payload(decode=True) == "wörter\r\n".encode()
    assert message.options == ()


# ── one connection, many messages ─────────────────────────────────────────────────────────────────────────────────────


def test_354_although_all_were_refused() -> None:
    # RFC 2920 §3.1: an empty content follows, and is nobody's mail.
    steps = (
        Step("RCPT", "550 5.1.1 nobody", times=2),
        Step("DATA", "354 go on"),
        Step("DOT", "554 5.5.1 no recipients"),
    )
    with ScriptedServer(*steps) as server:
        first, second = in_turn(account(server), letter("one", "bob@b.example", "eve@e.example"), letter("two"))
    assert isinstance(error_of(first), RecipientsRefused)
    assert second.accepted
    assert [message.content for message in server.messages] == [b"", letter("two").content]
    assert len(server.sessions) == 1


def test_an_empty_content_that_is_accepted_for_nobody_is_no_success() -> None:
    steps = (Step("RCPT", "550 5.1.1 nobody"), Step("DATA", "354 go on"), Step("DOT", "250 2.0.0 Ok"))
    with ScriptedServer(*steps) as server:
        assert isinstance(error_of(deliver_one(account(server), letter())), RecipientsRefused)
    assert server.messages[0].content == b""


@pytest.mark.parametrize(
    "step", [Step("RCPT", "550 5.1.1 nobody"), Step("DATA", "451 4.3.0 later")], ids=["refused", "no-data"]
)
@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelining", "lock-step"])
def test_what_a_refused_transaction_left_is_reset(step: Step, extensions: tuple[str, ...]) -> None:
    with ScriptedServer(step, extensions=extensions) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    error_of(first)
    assert second.accepted
    assert len(server.sessions) == 1
    assert verbs(server.commands).count("RSET") == 1


@pytest.mark.parametrize("word", ["502 5.5.1 what?", "421 4.3.2 closing", "451 4.3.0 later"])
def test_a_refused_reset_is_nobodys_failure(word: str) -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody"), Step("RSET", word)) as server:
        _, second = in_turn(account(server), letter("one"), letter("two"))
    assert second.accepted
    assert second.attempts == 1
    assert len(server.sessions) == 2


@pytest.mark.parametrize(
    "step",
    [
        Step("QUIT", "500 what?"),
        Step("QUIT", None, then=Then.CLOSE),
        Step("QUIT", None, then=Then.RESET),
        Step("QUIT", b"garbage\r\n"),
    ],
    ids=["refused", "close", "reset", "garbage"],
)
def test_a_failed_goodbye_is_nobodys_failure(step: Step) -> None:
    with ScriptedServer(step) as server:
        assert deliver_one(account(server), letter()).accepted
    assert verbs(server.commands)[-1] == "QUIT"


def test_a_large_content_goes_in_blocks_and_arrives_whole() -> None:
    lines = b"".join(b".%d %s\r\n" % (number, b"x" * (number % 70)) for number in range(40_000))
    mail = replace(letter(), content=lines)
    with ScriptedServer(extensions=("PIPELINING",)) as server:
        assert deliver_one(account(server), mail).accepted
    assert server.messages[0].content == lines


LARGE = replace(letter(), content=(b"x" * 70 + b"\r\n") * 200_000)


@pytest.mark.parametrize("word", ["552 5.3.4 too big", "451 4.3.0 disk full"])
def test_a_server_that_refuses_a_large_content_while_it_comes(word: str) -> None:
    with ScriptedServer(Step("CONTENT", word, then=Then.STALL)) as server:
        first, second = in_turn(account(server), LARGE, letter("two"))
    error = error_of(first)
    assert isinstance(error, DataError)
    assert (error.code, error.phase) == (int(word[:3]), Phase.DATA)
    assert second.accepted


def test_a_server_that_refuses_a_large_content_and_hangs_up() -> None:
    with ScriptedServer(Step("CONTENT", "552 5.3.4 too big", then=Then.CLOSE)) as server:
        first, second = in_turn(account(server), LARGE, letter("two"))
    # What it said can be lost: with unread content the operating system tears the connection down.
    assert isinstance(error_of(first), DataError | Disconnected)
    assert second.accepted


def test_an_acceptance_before_the_end_is_none() -> None:
    with ScriptedServer(Step("CONTENT", "250 2.0.0 Taken", then=Then.STALL)) as server:
        first, second = in_turn(account(server), LARGE, letter("two"))
    assert isinstance(error_of(first), ProtocolError)
    assert second.accepted


def test_content_with_a_bare_line_end_never_leaves() -> None:
    # No RawMessage and no Email holds one; whoever makes the mail object by hand is stopped here.
    with ScriptedServer() as server:
        first, second = in_turn(account(server), replace(letter(), content=b"a\nb\r\n"), letter("two"))
    assert isinstance(first.error, MessageError)
    assert second.accepted
    assert [message.content for message in server.messages] == [letter("two").content]


def test_check_says_what_it_saw_and_sends_nothing() -> None:
    with ScriptedServer(credentials={"ann": "hunter2"}) as server:

        async def work(transport: SmtpTransport) -> str:
            report = await transport.check()
            assert report.transcript
            return str(report)

        told = run(account(server, username="ann", password="hunter2"), work)
        assert verbs(server.commands) == ["EHLO", "AUTH", "QUIT"]
    for fact in (f"{server.host}:{server.port}", "TLS: none", "PIPELINING", "authenticated as ann"):
        assert fact in told
    assert "hunter2" not in told


def test_check_raises_what_is_wrong() -> None:
    with ScriptedServer(Step("GREETING", "554 5.7.1 no")) as server, pytest.raises(ConnectError):
        run(account(server), SmtpTransport.check)


def test_two_loops_at_once_cannot_share_a_transport() -> None:
    with ScriptedServer() as server:
        transport = SmtpTransport(account(server))

        async def first() -> None:
            await transport.deliver(letter())
            with pytest.raises(PostroadError, match="another event loop"):
                await asyncio.to_thread(asyncio.run, second())
            await transport.aclose()

        async def second() -> None:
            await transport.deliver(letter())

        asyncio.run(first())
        asyncio.run(second())  # after aclose() another loop may have it
        asyncio.run(transport.aclose())
        assert len(server.messages) == 2
