"""Delivery status notifications are asked for exactly as RFC 3461 and RFC 6533 write them, or not sent at all."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from postroad.address import Address
from postroad.errors import Unsupported
from postroad.message.dsn_request import Dsn
from postroad.message.envelope import MailObject
from postroad.testing import ScriptedServer
from tests.fakes import letter
from tests.transport.road import account, deliver_one, in_turn, verbs

BOB, EVE = "bob@b.example", "eve+tag@e.example"
DSN = ("PIPELINING", "DSN", "SMTPUTF8", "8BITMIME")


def asking(dsn: Dsn, *recipients: str, sender: str = "ann@a.example") -> MailObject:
    mail = letter("hello", *recipients, sender=sender)
    mail = replace(mail, envelope=replace(mail.envelope, dsn=dsn))
    return replace(mail, smtputf8=mail.envelope.needs_smtputf8)


def opening(mail: MailObject, extensions: tuple[str, ...] = DSN) -> list[str]:
    """MAIL and RCPT as they went over the wire."""
    with ScriptedServer(extensions=extensions) as server:
        assert deliver_one(account(server), mail).accepted
    return [line for line in server.commands if line.startswith(("MAIL", "RCPT"))]


@pytest.mark.parametrize("more", [(), ("CHUNKING",)], ids=["DATA", "BDAT"])
def test_everything_at_once(more: tuple[str, ...]) -> None:
    dsn = Dsn(("success", "delay", "failure"), ret="full", envid="QQ314159")
    assert opening(asking(dsn, BOB, "carl@c.example"), DSN + more) == [
        "MAIL FROM:<ann@a.example> RET=FULL ENVID=QQ314159",
        "RCPT TO:<bob@b.example> NOTIFY=SUCCESS,DELAY,FAILURE ORCPT=rfc822;bob@b.example",
        "RCPT TO:<carl@c.example> NOTIFY=SUCCESS,DELAY,FAILURE ORCPT=rfc822;carl@c.example",
    ]


@pytest.mark.parametrize(
    ("dsn", "mail", "rcpt"),
    [
        (Dsn("never"), "", " NOTIFY=NEVER ORCPT=rfc822;bob@b.example"),
        (Dsn("failure"), "", " NOTIFY=FAILURE ORCPT=rfc822;bob@b.example"),
        (Dsn("failure,delay", ret="headers"), " RET=HDRS", " NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@b.example"),
        (Dsn(envid="a+b=c d"), " ENVID=a+2Bb+3Dc+20d", " ORCPT=rfc822;bob@b.example"),
        (Dsn({"other@o.example": "never"}), "", " ORCPT=rfc822;bob@b.example"),
    ],
)
def test_what_is_not_asked_for_is_not_written(dsn: Dsn, mail: str, rcpt: str) -> None:
    assert opening(asking(dsn, BOB)) == [f"MAIL FROM:<ann@a.example>{mail}", f"RCPT TO:<bob@b.example>{rcpt}"]


def test_each_recipient_as_it_is_wanted() -> None:
    each: Mapping[str | Address, str] = {BOB: "never", "Eve+tag@E.example": "success,failure"}
    with ScriptedServer(extensions=DSN) as server:
        assert deliver_one(account(server), asking(Dsn(each), BOB, EVE, "joe@j.example")).accepted
    (message,) = server.messages
    assert message.recipient_options == (
        ("NOTIFY=NEVER", "ORCPT=rfc822;bob@b.example"),
        ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;eve+2Btag@e.example"),
        ("ORCPT=rfc822;joe@j.example",),
    )


@pytest.mark.parametrize(
    ("address", "orcpt"),
    [
        ("a=b@b.example", "rfc822;a+3Db@b.example"),
        ('"a b"@b.example', 'rfc822;"a+20b"@b.example'),
        ("jörg@b.example", "utf-8;jörg@b.example"),
        ("jö+rg=1@b.example", r"utf-8;jö\x{2B}rg\x{3D}1@b.example"),
    ],
)
def test_the_original_recipient(address: str, orcpt: str) -> None:
    (_, rcpt) = opening(asking(Dsn("never"), address))
    assert rcpt == f"RCPT TO:<{address}> NOTIFY=NEVER ORCPT={orcpt}"


def test_the_longest_that_can_be_asked_for_fits_a_command() -> None:
    longest = f"{'+' * 64}@{'.'.join(['a' * 60] * 3)}.exam"
    dsn = Dsn("success,failure,delay", ret="full", envid="=" * 100)
    mail, rcpt = opening(asking(dsn, longest, sender=longest), (*DSN, "SIZE"))
    assert mail.endswith("ENVID=" + "+3D" * 100)
    assert rcpt.count("+2B") == 64
    with_utf8 = f"ö{'=' * 62}@{'.'.join(['a' * 60] * 3)}.exam"
    assert opening(asking(dsn, with_utf8))[1].count(r"\x{3D}") == 62


@pytest.mark.parametrize("extensions", [("PIPELINING",), (), ("PIPELINING", "CHUNKING")])
def test_not_offered_it_is_not_sent(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(extensions=extensions) as server:
        first, second = in_turn(account(server), asking(Dsn("success"), BOB), letter("other"))
    assert isinstance(first.error, Unsupported)
    assert "DSN" in str(first.error)
    assert first.error.permanent
    assert second.accepted
    assert verbs(server.commands).count("MAIL") == len(server.sessions) == 1


def test_in_every_transaction_of_a_message() -> None:
    with ScriptedServer(extensions=(*DSN, "LIMITS RCPTMAX=1")) as server:
        assert deliver_one(account(server), asking(Dsn("delay", envid="Q7"), BOB, EVE)).accepted
    assert [message.options for message in server.messages] == [("ENVID=Q7",)] * 2
    assert [message.recipient_options[0][0] for message in server.messages] == ["NOTIFY=DELAY"] * 2
