"""Parameters of MAIL and RCPT (RFC 3461, 8689, 9422): what is offered where, read strictly, handed on decoded."""

import pytest

from postroad.address import Address
from postroad.reply import EnhancedCode
from postroad.smtp import commands, standard_replies
from postroad.smtp.server_events import MailGiven, OriginalRecipient, RecipientGiven
from postroad.smtp.server_settings import ServerLimits, ServerSettings
from tests.smtp.driven_server import DrivenServer

EHLO = b"EHLO client.example\r\n"
MAIL = b"MAIL FROM:<ann@a.example>\r\n"


def greeted(settings: ServerSettings | None = None, *, secure: bool = False) -> DrivenServer:
    server = DrivenServer(settings, secure=secure)
    server.feed(EHLO)
    return server


def test_what_dsn_asks_for_reaches_the_caller() -> None:
    server = greeted()
    server.feed(
        b"MAIL FROM:<ann@a.example> RET=hdrs ENVID=QQ+3D314159+20x\r\n"
        b"RCPT TO:<bob@b.example> NOTIFY=success,DELAY,SUCCESS ORCPT=rfc822;Bob+2Bx@B.example\r\n"
        b"RCPT TO:<eve@e.example> notify=never\r\n"
        b"RCPT TO:<joe@e.example>\r\n"
        b"BDAT 0 LAST\r\n"
    )
    (content,) = server.contents
    assert (content.mail.ret, content.mail.envid) == ("HDRS", "QQ=314159 x")
    bob, eve, joe = content.given
    assert bob.notify == ("SUCCESS", "DELAY")
    assert bob.original == OriginalRecipient("rfc822", "Bob+x@B.example")
    assert (eve.notify, eve.original) == (("NEVER",), None)
    assert joe == RecipientGiven(content.mail, joe.recipient)


@pytest.mark.parametrize("text", ["ann+x=y@a.example", "jörg@dömain.example", "straße+a@b.example"])
def test_what_our_client_writes_is_read_again(text: str) -> None:
    address = Address(text)
    server = greeted()
    wire = commands.mail(None, smtputf8=True) + commands.rcpt(address, orcpt=commands.original_recipient(address))
    assert server.codes(wire) == [250, 250]
    (given,) = [event for event in server.events if isinstance(event, RecipientGiven)]
    assert given.original is not None
    assert given.original.address == address.addr_spec


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ("NOTIFY=", 501),
        ("NOTIFY=NEVER,SUCCESS", 501),
        ("NOTIFY=SUCCESS,", 501),
        ("NOTIFY=SUCCESS,FAILURE,DELAY", 250),
        ("NOTIFY=SOMETIMES", 501),
        ("NOTIFY=NEVER NOTIFY=NEVER", 501),
        ("ORCPT=bob@b.example", 501),
        ("ORCPT=rfc822;", 501),
        ("ORCPT=;bob@b.example", 501),
        ("ORCPT=rfc 822;bob@b.example", 501),
        ("ORCPT=rfc822;bob+b.example", 501),
        ("ORCPT=rfc822;bob+2b@b.example", 501),  # RFC 3461 §4: upper case
        ("ORCPT=rfc822;bob=x@b.example", 501),
        ("ORCPT=rfc822;bob+0D+0ARSET", 501),
        ("ORCPT=rfc822;" + "x" * 493, 250),
        ("ORCPT=rfc822;" + "x" * 494, 501),
        ("ORCPT=utf-8;j\\x{F6}rg@b.example", 250),
        ("ORCPT=utf-8;j\\x{0A}rg@b.example", 501),
        ("ORCPT=utf-8;j\\x{FFFFFF}rg@b.example", 501),
        ("ORCPT=utf-8;jörg@b.example", 553),  # only with SMTPUTF8
        ("ORCPT=rfc822;jörg@b.example", 501),
        ("RET=FULL", 555),
    ],
)
def test_parameters_of_rcpt(parameter: str, code: int) -> None:
    assert greeted().codes(MAIL, f"RCPT TO:<bob@b.example> {parameter}\r\n".encode()) == [250, code]


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ("RET=FULL", 250),
        ("RET=SOME", 501),
        ("RET", 501),
        ("RET=FULL RET=FULL", 501),
        ("ENVID=", 501),
        ("ENVID=" + "+20" * 100, 250),
        ("ENVID=" + "x" * 101, 501),
        ("ENVID=a+0Ab", 501),
        ("ENVID=a+7", 501),
        ("NOTIFY=NEVER", 555),
        ("REQUIRETLS", 555),
    ],
)
def test_parameters_of_mail(parameter: str, code: int) -> None:
    assert greeted().codes(f"MAIL FROM:<ann@a.example> {parameter}\r\n".encode()) == [code]


def test_requiretls_is_for_sessions_under_tls() -> None:
    """RFC 8689 §2: a promise that the wire before us has broken already would be none."""
    plain = ServerSettings(starttls=True)
    server = DrivenServer(plain)
    assert not [line for line in server.feed(EHLO) if b"REQUIRETLS" in line]
    server.feed(b"STARTTLS\r\n")
    assert b"250 REQUIRETLS" in server.feed(EHLO)
    assert server.codes(b"MAIL FROM:<ann@a.example> REQUIRETLS=yes\r\n") == [501]
    assert server.codes(b"MAIL FROM:<ann@a.example> REQUIRETLS\r\n") == [250]
    mails = [event for event in server.events if isinstance(event, MailGiven)]
    assert [mail.require_tls for mail in mails] == [True]


def test_limits_are_named_and_kept() -> None:
    settings = ServerSettings(limits=ServerLimits(recipients=7, messages=2))
    server = DrivenServer(settings)
    assert b"250 LIMITS MAILMAX=2 RCPTMAX=7" in server.feed(EHLO)
    assert server.codes(MAIL, b"RSET\r\n", MAIL, b"RSET\r\n", MAIL) == [250, 250, 250, 250, 421]


def test_every_reply_of_ours_has_an_enhanced_code_of_its_class() -> None:
    """RFC 2034 §4: 2yz, 4yz and 5yz, but for the greeting and EHLO's."""
    replies = [reply for name, reply in vars(standard_replies).items() if name.isupper() and name != "START_CONTENT"]
    assert len(replies) > 40
    for reply in replies:
        assert isinstance(reply.enhanced, EnhancedCode)
        assert reply.enhanced.klass == reply.code // 100
