"""postroad's server with smtp-source, Postfix's client for load tests. It makes its messages itself."""

import subprocess
from typing import ClassVar

import pytest

from postroad.smtp.server_settings import ServerLimits, ServerSettings
from tests.pairings.client_suite import Received, Sent, Serving, sender_of
from tests.pairings.exercise import Exercise, Feature, exercises, on
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import RequiresProgram
from tests.peers.sink import run_smtp_source

pytestmark = pytest.mark.system

NO_TLS = "it knows no TLS"
NO_AUTH = "it never logs in"


@pytest.fixture(autouse=True)
def _installed(requires_program: RequiresProgram) -> None:
    requires_program("smtp-source")


def run(*arguments: str, serving: Serving | None = None) -> tuple[Sent, list[Received]]:
    def client(server: Endpoint) -> Sent:
        command = ("-f", "ann@a.example", "-t", "bob@b.example", *arguments)
        try:
            run_smtp_source(Endpoint("127.0.0.1", server.port), *command)
        except subprocess.CalledProcessError as error:
            return Sent(False, error.stderr.decode())
        return Sent(True, "")

    return (serving or Serving()).to(client)


class TestSmtpSource:
    peer = "smtp-source"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): NO_AUTH,
        Exercise(Feature.STARTTLS): NO_TLS,
        Exercise(Feature.IMPLICIT_TLS): NO_TLS,
        Exercise(Feature.AUTH_PLAIN): NO_AUTH,
        Exercise(Feature.AUTH_LOGIN): NO_AUTH,
        Exercise(Feature.WRONG_PASSWORD): NO_AUTH,
        on(Feature.PIPELINING): "it has none",
        on(Feature.CHUNKING): "it has none",
        on(Feature.EIGHT_BIT_MIME): "it declares nothing",
        on(Feature.SMTPUTF8): "it has none",
        on(Feature.DSN): "it has none",
        on(Feature.SIZE): "it declares nothing",
        Exercise(Feature.EIGHT_BITS): "its messages are ASCII",
        Exercise(Feature.NULL_SENDER): "it always has a sender",
    }

    @exercises(Feature.PLAIN, Feature.HELO)
    def test_in_plain_text(self) -> None:
        sent, ((_, message),) = run()
        assert sent.accepted, sent.shown
        assert sender_of(message) == "ann@a.example"
        assert [str(one) for one in message.recipients] == ["bob@b.example"]

    @exercises(Feature.TWENTY)
    def test_twenty_over_one_connection(self) -> None:
        sent, received = run("-d", "-m", "20")
        assert sent.accepted, sent.shown
        assert len(received) == 20
        assert len({who.peer for who, _ in received}) == 1

    @exercises(Feature.CONCURRENT)
    def test_twenty_sessions_at_once(self) -> None:
        sent, received = run("-s", "20", "-m", "400")
        assert sent.accepted, sent.shown
        assert len(received) == 400

    @exercises(Feature.LARGE)
    def test_a_large_message(self) -> None:
        sent, ((_, message),) = run("-l", "1000000")
        assert sent.accepted, sent.shown
        assert 990_000 < len(message.content) < 1_010_000

    @exercises(Feature.TOO_LARGE)
    def test_too_large(self) -> None:
        settings = ServerSettings(limits=ServerLimits(message_octets=200_000))
        sent, received = run("-l", "1000000", serving=Serving(settings=settings))
        assert not sent.accepted
        assert "552" in sent.shown
        assert received == []

    @exercises(Feature.SEVERAL_RECIPIENTS)
    def test_several_recipients(self) -> None:
        sent, ((_, message),) = run("-r", "5")
        assert sent.accepted, sent.shown
        assert len(message.recipients) == 5

    @exercises(Feature.TOO_MANY_RECIPIENTS)
    def test_too_many_recipients(self) -> None:
        sent, received = run("-r", "5", serving=Serving(settings=ServerSettings(limits=ServerLimits(recipients=2))))
        assert not sent.accepted
        assert "452" in sent.shown
        assert received == []

    @exercises(Feature.NO_RECIPIENT)
    def test_the_recipient_refused(self) -> None:
        sent, received = run("-t", "reject@b.example")
        assert not sent.accepted
        assert "No such mailbox" in sent.shown
        assert received == []

    @exercises(Feature.SENDER_REFUSED)
    def test_the_sender_refused(self) -> None:
        sent, _ = run("-f", "reject@a.example")
        assert not sent.accepted
        assert "Not from you" in sent.shown

    @exercises(Feature.CONTENT_REFUSED)
    def test_the_content_refused(self) -> None:
        sent, _ = run(serving=Serving(answer="554 5.7.1 Not this"))
        assert not sent.accepted
        assert "Not this" in sent.shown

    @exercises(Feature.SHUTTING_DOWN)
    def test_421_in_a_session(self) -> None:
        sent, _ = run(serving=Serving(answer="421 4.3.2 Going down"))
        assert not sent.accepted
        assert "Going down" in sent.shown
