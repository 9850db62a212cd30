"""421 at every point: it is the session's end and nobody's lasting refusal (RFC 5321 §3.8)."""

from typing import Any

import pytest

from postroad.errors import Disconnected, OutcomeUnknown, ProtocolError
from postroad.net.tls import Tls
from postroad.reply import Phase
from postroad.testing import ScriptedServer, Step, Then
from tests.fakes import letter
from tests.peers.certificates import Certificates
from tests.transport.road import account, deliver, deliver_one

PIPELINING = ("PIPELINING", "ENHANCEDSTATUSCODES")
WAYS = {
    "pipelining": PIPELINING,
    "lock-step": PIPELINING[1:],
    "chunks": (*PIPELINING, "CHUNKING"),
    "chunks in lock-step": (*PIPELINING[1:], "CHUNKING"),
}
every_way = pytest.mark.parametrize("extensions", WAYS.values(), ids=WAYS)
TWO = letter("two", "bob@b.example", "eve@e.example")
OTHER = letter("other")
WORD = "421 4.3.2 closing"


@every_way
@pytest.mark.parametrize("then", [Then.CLOSE, Then.STALL, Then.CONTINUE])
@pytest.mark.parametrize(("at", "skip"), [("MAIL", 0), ("RCPT", 0), ("RCPT", 1), ("DATA", 0), ("end", 0)])
def test_it_is_temporary_and_the_next_goes_elsewhere(
    extensions: tuple[str, ...], at: str, skip: int, then: Then
) -> None:
    chunks = "CHUNKING" in extensions
    at = {"DATA": "MAIL", "end": "BDAT LAST"}.get(at, at) if chunks else at.replace("end", "DOT")
    with ScriptedServer(Step(at, WORD, skip=skip, then=then, connection=0), extensions=extensions) as server:
        first, second = deliver(account(server), TWO, OTHER)
    assert first.error is not None
    assert not isinstance(first.error, OutcomeUnknown | ProtocolError)
    assert first.error.temporary
    assert {(one.code, one.temporary) for one in first.outcomes} == {(421, True)}
    assert second.accepted
    assert second.attempts == 1
    assert len(server.sessions) == 2
    assert [message.content for message in server.messages if message.accepted] == [OTHER.content]


@every_way
@pytest.mark.parametrize("word", [WORD, "250 2.0.0 and one more", "999 what", "garbage"])
def test_said_behind_the_answer_to_ehlo(extensions: tuple[str, ...], word: str) -> None:
    """What stands there must not pass for the answer to MAIL, nor be forgotten."""
    offers = "".join(f"250-{keyword}\n" for keyword in extensions)
    hello = Step("EHLO", f"250-hello\n{offers}250 HELP\n{word}", connection=0)
    with ScriptedServer(hello, extensions=extensions) as server:
        report = deliver_one(account(server), OTHER)
        assert not server.messages
    assert report.error is not None
    assert isinstance(report.error, Disconnected if word == WORD else ProtocolError)
    assert report.error.phase is Phase.EHLO
    assert report.error.transcript
    assert len(server.sessions) == 1


@pytest.mark.parametrize("at", ["EHLO", "AUTH"])
@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "STARTTLS"])
def test_hung_up_behind_the_last_answer_of_the_opening(certificates: Certificates, at: str, implicit: bool) -> None:
    """Over TLS the answer and the end may come at once: that is a connection that could not be had, not a new try."""
    context = certificates.good.server_context()
    steps = Step(at, then=Then.CLOSE, times=None, skip=0 if implicit or at == "AUTH" else 1)
    with ScriptedServer(steps, tls=context, implicit_tls=implicit, credentials={"ann": "secret"}) as server:
        tls = Tls.IMPLICIT if implicit else Tls.REQUIRED
        user: dict[str, Any] = {"username": "ann", "password": "secret"} if at == "AUTH" else {}
        settings = account(server, host="localhost", ca=str(certificates.ca), tls=tls, **user)
        report = deliver_one(settings, OTHER)
        assert len(server.sessions) == 1
    assert isinstance(report.error, Disconnected)
    assert report.error.temporary
