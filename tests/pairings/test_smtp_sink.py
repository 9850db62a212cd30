"""postroad's client with smtp-sink, Postfix's server for load tests."""

from typing import ClassVar

import pytest

from postroad import (
    DataError,
    Disconnected,
    Dsn,
    Mailer,
    OutcomeUnknown,
    RawMessage,
    RecipientsRefused,
    SenderRefused,
    SendError,
)
from tests.pairings.exercise import Exercise, Feature, exercises, off, on
from tests.pairings.letters import LARGE, LETTER
from tests.pairings.server_suite import Offer, Running, ServerSuite, Start, Stored, letter, route, send
from tests.peers.fixtures import StartSink
from tests.peers.sink import SmtpSink
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.system

QUIET = {"PIPELINING": "-p", "8BITMIME": "-8", "DSN": "-N", "ENHANCEDSTATUSCODES": "-E"}


def running(sink: SmtpSink) -> Running:
    def stored(count: int) -> list[Stored]:
        return [
            Stored(_address(one.sender), _address(recipient), one.content.replace(b"\n", b"\r\n"))
            for one in sink.kept(1)
            for recipient in one.recipients
        ]

    wait_until(lambda: sink.sessions() or None, "the look whether it greets")
    return Running(sink.smtp, stored, sink.sessions)


def _address(argument: str) -> str:
    return argument.partition(" ")[0].strip("<>")


@pytest.fixture
def start(start_sink: StartSink) -> Start:
    def start(offer: Offer) -> Running:
        auth = () if offer.users else ("-a",)
        return running(start_sink(*auth, *(QUIET[word] for word in offer.hidden if word in QUIET), keep=True))

    return start


class TestSmtpSink(ServerSuite):
    peer = "smtp-sink"
    never = (Feature.CHUNKING, Feature.SMTPUTF8, Feature.SIZE)
    cannot: ClassVar = {
        Exercise(Feature.TOO_LARGE): "it takes every size",
        Exercise(Feature.STARTTLS): "it knows no TLS",
        Exercise(Feature.IMPLICIT_TLS): "it knows no TLS",
        Exercise(Feature.AUTH_CRAM_MD5): "it has none",
        Exercise(Feature.WRONG_PASSWORD): "it takes every password",
        Exercise(Feature.SEVERAL_RECIPIENTS): "it refuses all or none",
        Exercise(Feature.TOO_MANY_RECIPIENTS): "it refuses all or none",
    }
    otherwise = (
        off(Feature.SIZE),
        on(Feature.ENHANCED_CODES),
        off(Feature.ENHANCED_CODES),
        on(Feature.DSN),
        Exercise(Feature.NO_RECIPIENT),
        Exercise(Feature.SENDER_REFUSED),
        Exercise(Feature.CONTENT_REFUSED),
        Exercise(Feature.SHUTTING_DOWN),
    )


@exercises(off(Feature.SIZE))
def test_larger_than_silently_taken(start: Start) -> None:
    assert send(route(start(Offer()).smtp), letter(LARGE)).accepted


@exercises(Feature.HELO)
def test_without_ehlo(start_sink: StartSink) -> None:
    server = running(start_sink("-e", keep=True))
    with Mailer(route(server.smtp), retry=None) as mailer:
        assert "HELO" in "".join(mailer.check().seen) or mailer.send(letter()).accepted
        assert mailer.send(letter(LETTER, "bob@b.example", "eve@e.example")).accepted
    assert [one.content for one in server.stored(1)][-1] == LETTER


@pytest.mark.parametrize("quiet", [(), ("-E",)])
@exercises(on(Feature.ENHANCED_CODES), off(Feature.ENHANCED_CODES))
def test_why_in_code_and_words(start_sink: StartSink, quiet: tuple[str, ...]) -> None:
    server = running(start_sink("-f", "RCPT", "-B", "550 5.1.1 No such mailbox here", *quiet))
    with pytest.raises(RecipientsRefused, match="No such mailbox here") as caught:
        send(route(server.smtp), letter())
    assert (caught.value.code, str(caught.value.enhanced)) == (550, "5.1.1")


@exercises(Feature.NO_RECIPIENT)
@pytest.mark.parametrize(("how", "temporary"), [("-f", False), ("-r", True)])
def test_all_recipients_refused(start_sink: StartSink, how: str, temporary: bool) -> None:
    server = running(start_sink(how, "RCPT"))
    with pytest.raises(RecipientsRefused) as caught:
        send(route(server.smtp), letter(LETTER, "bob@b.example", "eve@e.example"))
    assert caught.value.temporary is temporary


@exercises(Feature.SENDER_REFUSED)
def test_the_sender_refused(start_sink: StartSink) -> None:
    with pytest.raises(SenderRefused):
        send(route(start_sink("-f", "MAIL").smtp), letter())


@exercises(Feature.CONTENT_REFUSED)
@pytest.mark.parametrize("command", ["DATA", "."])
def test_the_content_refused(start_sink: StartSink, command: str) -> None:
    with pytest.raises(DataError):
        send(route(start_sink("-f", command).smtp), letter())


@exercises(Feature.SHUTTING_DOWN)
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_421_in_a_session(start_sink: StartSink, command: str) -> None:
    with pytest.raises(SendError) as caught:
        send(route(start_sink("-Q", command).smtp), letter())
    assert caught.value.code == 421
    assert caught.value.temporary


@exercises(Feature.HANGING_UP)
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_hanging_up_in_a_session(start_sink: StartSink, command: str) -> None:
    """Behind the final dot nobody knows what became of the message."""
    with pytest.raises(OutcomeUnknown if command == "." else Disconnected):
        send(route(start_sink("-q", command).smtp), letter())


@exercises(on(Feature.DSN))
def test_the_wishes_for_notifications(start_sink: StartSink) -> None:
    sink = start_sink(keep=True)
    wishes = Dsn("success", ret="headers", envid="order=1")
    reported = RawMessage(LETTER, envelope_from="ann@a.example", recipients="bob@b.example", dsn=wishes)
    assert send(route(sink.smtp), reported).accepted
    (kept,) = sink.kept(1)
    assert "RET=HDRS ENVID=order+3D1" in kept.sender
    assert kept.recipients == ("<bob@b.example> NOTIFY=SUCCESS ORCPT=rfc822;bob@b.example",)
