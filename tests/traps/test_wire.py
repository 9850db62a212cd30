"""What goes wrong in the conversation with a server."""

import socket
from collections.abc import Callable

import pytest

from postroad import Email, Mailer, RawMessage
from postroad.errors import (
    AuthenticationError,
    ConfigurationError,
    MessageError,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    TlsError,
    TlsModeMismatch,
    Unsupported,
)
from postroad.message.dsn_request import Dsn
from postroad.message.envelope import MailObject
from postroad.net.proxy import Proxy
from postroad.net.tls import Tls
from postroad.outcome import SendReport
from postroad.smtp.commands import line
from postroad.smtp.replies import MAX_REPLY_OCTETS
from postroad.smtp.sasl import WITH_PASSWORD
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.from_url import from_url
from postroad.transport.smtp.settings import Smtp, Timeouts
from tests.fakes import letter
from tests.peers.certificates import Certificates
from tests.transport.road import account, deliver_one, impatient, in_turn, verbs

PLAIN = ("SIZE", "ENHANCEDSTATUSCODES")  # neither PIPELINING nor 8BITMIME nor SMTPUTF8
BOB, EVE = "bob@b.example", "eve@e.example"
both_ways = pytest.mark.parametrize("extensions", [("PIPELINING", *PLAIN), PLAIN], ids=["pipelining", "lock-step"])


def mailer(server: ScriptedServer) -> Mailer:
    return Mailer(f"smtp://{server.host}:{server.port}", retry=None)


def error_of(settings: Smtp, mail: MailObject | None = None) -> PostroadError:
    error = deliver_one(settings, mail or letter()).error
    assert error is not None
    return error


def eight_bit() -> RawMessage:
    return RawMessage("Subject: x\r\n\r\nGrüße\r\n".encode(), envelope_from="a@a.example", recipients=BOB)


def test_p04_no_8bit_content_without_8bitmime_and_never_undeclared() -> None:
    """8-bit octets sent to a server that never said it takes them, and without BODY=8BITMIME (RFC 6152 §3)."""
    with ScriptedServer(extensions=PLAIN) as server, mailer(server) as sender:
        sender.send(eight_bit())
    assert server.messages[0].content.isascii()
    with ScriptedServer(extensions=("8BITMIME", *PLAIN)) as server, mailer(server) as sender:
        sender.send(eight_bit())
    assert "Grüße".encode() in server.messages[0].content
    assert [command for command in server.commands if command.startswith("MAIL") and "BODY=8BITMIME" in command]


def test_p06_a_refused_recipient_cannot_be_overlooked() -> None:
    """Refusals in a result that nobody looks at, 4yz and 5yz in one heap: mail is lost in silence (RFC 5321 §3.3)."""
    steps = (Step("RCPT", "550 5.1.1 no", when="eve@"), Step("RCPT", "450 4.2.1 later", when="joe@"))
    with ScriptedServer(*steps) as server, mailer(server) as sender:
        report = sender.send(Email(from_="a@a.example", to=[BOB, EVE, "joe@j.example"], text="x"))
    assert [one.permanent for one in report.refused] == [True, False]
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(report)
    with pytest.raises(RecipientsRefused):
        report.raise_for_refused()


@both_ways
def test_p07_one_bad_recipient_stops_nobody_else(extensions: tuple[str, ...]) -> None:
    """One refused RCPT that aborts the message for all (RFC 5321 appendix D.1, RFC 2920 §3.1: look at every status)."""
    with ScriptedServer(Step("RCPT", "550 5.1.1 no", when="eve@"), extensions=extensions) as server:
        report = deliver_one(account(server), letter("hello", EVE, BOB))
    assert [one.recipient.addr_spec for one in report.accepted] == [BOB]
    assert [one.recipient.addr_spec for one in report.refused] == [EVE]
    assert server.messages[0].recipients == (BOB,)


def test_p12_what_stands_behind_starttls_in_plain_text_is_an_attack(certificates: Certificates) -> None:
    """Plain text left in the buffer at STARTTLS and read as if TLS had carried it (RFC 3207 §4.2, CVE-2011-0411)."""
    step = Step("STARTTLS", b"220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n")
    with ScriptedServer(step, tls=certificates.good.server_context()) as server:
        error = error_of(account(server, ca=str(certificates.ca), host="localhost"))
    assert isinstance(error, ProtocolError)
    assert verbs(server.commands) == ["EHLO", "STARTTLS"]


def test_p13_no_starttls_no_mail(certificates: Certificates) -> None:
    """STARTTLS that is left out in silence because somebody took the offer away (CVE-2016-0772, RFC 8314 §3.3)."""
    with ScriptedServer(credentials={"ann": "hunter2"}) as server:
        settings = account(server, ca=str(certificates.ca), host="localhost", username="ann", password="hunter2")
        error = error_of(settings)
    assert type(error) is TlsError
    assert verbs(server.commands) == ["EHLO"]
    assert Smtp("smtp.example.com").tls is Tls.REQUIRED


BREAK = "x\r\nRCPT TO:<eve@e.example>"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Smtp(BREAK),
        lambda: Smtp("mx.example", ehlo=BREAK),
        lambda: Smtp("mx.example", username=BREAK, password="x"),
        lambda: Smtp("mx.example", mechanisms=BREAK),
        lambda: Smtp("mx.example", proxy=f"http://{BREAK}:8080"),
        lambda: Proxy.from_url(f"socks5h://{BREAK}:1080"),
        lambda: Smtp("mx.example\r\nX: y", proxy="http://proxy.example:8080"),
        lambda: from_url("smtp://mx.example?ehlo=x%0D%0ARCPT"),
        lambda: from_url("smtp://mx.example\r\nx"),
        lambda: Dsn("failure", envid=BREAK),
        lambda: Dsn({f"bob@b.example{BREAK}": "failure"}),
        lambda: RawMessage(b"x", envelope_from=f"a@a.example{BREAK}", recipients=BOB),
        lambda: RawMessage(b"x", envelope_from="", recipients=f"bob@b.example> {BREAK}"),
    ],
)
def test_p14_no_argument_makes_a_command_of_its_own(make: Callable[[], object]) -> None:
    """A line end in any argument of a command, a URL or a proxy's request makes a second one (RFC 5321 §4.1.1)."""
    with pytest.raises((ConfigurationError, MessageError)):
        make()


def test_p14_the_last_guard() -> None:
    """And if one came that far all the same, it would not be written (RFC 5321 §2.3.8)."""
    for text in (BREAK, "NOOP \r", "NOOP \n", "NOOP \0"):
        with pytest.raises(ProtocolError, match="control character"):
            line(text)


def test_p16_a_reply_without_end_is_stopped() -> None:
    """Replies of any size and any number of lines that are collected until memory ends (RFC 5321 §4.5.3.1.5)."""
    with ScriptedServer(Step("EHLO", b"250-" + b"x" * 500 + b"\r\n", then=Then.REPEAT)) as server:
        error = error_of(account(server))
    assert isinstance(error, ProtocolError)
    assert str(MAX_REPLY_OCTETS) in str(error)


def test_p16_an_unasked_reply_shifts_no_other() -> None:
    """A line that nobody asked for, taken for the next command's answer."""
    with ScriptedServer(Step("DOT", b"250 taken\r\n550 and not wanted\r\n")) as server:
        reports = in_turn(account(server), letter("one"), letter("two"))
    assert all(report.accepted for report in reports)
    assert [message.connection for message in server.messages] == [0, 1]


def test_p21_what_the_server_cannot_do_is_said() -> None:
    """An option that is dropped in silence, a UTF-8 address sent without SMTPUTF8 (RFC 6531 §3.2, RFC 3461 §4)."""
    utf8 = RawMessage(b"Subject: x\r\n\r\nx\r\n", envelope_from="jörg@a.example", recipients=BOB)
    dsn = RawMessage(b"Subject: x\r\n\r\nx\r\n", envelope_from="a@a.example", recipients=BOB, dsn=Dsn("success"))
    for message in (utf8, dsn):
        with ScriptedServer(extensions=PLAIN) as server, mailer(server) as sender, pytest.raises(Unsupported):
            sender.send(message)
        assert "MAIL" not in verbs(server.commands)


def test_p22_ascii_mail_asks_for_nothing_it_does_not_need() -> None:
    """SMTPUTF8 in every MAIL: the next hop that lacks it bounces plain mail (RFC 6531 §3.4)."""
    with ScriptedServer(extensions=("SMTPUTF8", "8BITMIME", *PLAIN)) as server, mailer(server) as sender:
        sender.send(Email(from_="a@a.example", to="Jörg <j@bücher.example>", subject="Grüße", text="Grüße"))
    (command,) = [command for command in server.commands if command.startswith("MAIL")]
    assert "SMTPUTF8" not in command
    assert "BODY=" not in command


def test_p23_a_refused_password_is_shown_once() -> None:
    """All mechanisms in turn after a 535, CRAM-MD5 first: one wrong password locks the account (RFC 4954 §4)."""
    with ScriptedServer(credentials={"ann": "another"}) as server:
        error = error_of(account(server, username="ann", password="hunter2"))
    assert type(error) is AuthenticationError
    assert verbs(server.commands).count("AUTH") == 1
    assert "CRAM-MD5" not in WITH_PASSWORD


def test_p24_our_name_asks_no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up of the own host name before EHLO, which hangs where DNS does (RFC 5321 §4.1.4)."""

    def hanging(*_: object) -> str:
        raise AssertionError("DNS was asked")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"):
        monkeypatch.setattr(socket, name, hanging)
    with ScriptedServer() as server:
        assert deliver_one(account(server), letter()).accepted
        assert deliver_one(account(server, ehlo="us.example"), letter()).accepted
    assert "EHLO us.example" in server.commands


def test_p25_the_code_decides_and_each_recipient_has_its_own() -> None:
    """What is temporary, guessed from the first character of a text; the last recipient's code as the message's
    (RFC 5321 §4.2.1, RFC 2034 §4).
    """
    steps = (
        Step("RCPT", "450 5.1.1 permanent, says the text", when="eve@"),
        Step("RCPT", "550 4.2.1 later, says the text", when="joe@"),
    )
    with ScriptedServer(*steps) as server:
        report: SendReport = deliver_one(account(server), letter("hello", EVE, "joe@j.example", BOB))
    assert [(one.code, one.temporary) for one in report.outcomes[:2]] == [(450, True), (550, False)]
    assert report.outcomes[2].accepted
    assert report.error is None


def test_p31_the_wrong_tls_mode_is_found_at_once_and_named(certificates: Certificates) -> None:
    """The first mistake of all, the wrong TLS mode, which hangs for minutes (RFC 8314 §3.3; RFC 5321 §4.5.3.2's long
    waits are for the conversation).
    """
    assert Timeouts().connect <= 10
    assert Timeouts().greeting <= 30
    assert Timeouts().dot >= 600
    with ScriptedServer() as server:
        error = error_of(account(server, tls=Tls.IMPLICIT, host="localhost"))
    assert type(error) is TlsModeMismatch
    assert "smtp://" in str(error.advice)
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=True) as server:
        error = error_of(account(server, timeouts=impatient("greeting")))
    assert type(error) is TlsModeMismatch
    assert "smtps://" in str(error.advice)
