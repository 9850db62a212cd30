"""REQUIRETLS (RFC 8689) fails closed: without a verified way that promises it, not a word of the message goes out."""

from dataclasses import replace

import pytest

from postroad.errors import Unsupported
from postroad.message.envelope import MailObject
from postroad.net.tls import Tls, Trust
from postroad.outcome import SendReport
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.smtp.settings import Smtp
from tests.fakes import letter
from tests.peers.certificates import Certificates
from tests.transport.road import account, deliver, in_turn, verbs
from tests.transport.test_smtp_trust import pin

OFFERED = ("PIPELINING", "REQUIRETLS")
OTHER = letter("other")


def sealed(*recipients: str) -> MailObject:
    mail = letter("sealed", *recipients)
    return replace(mail, envelope=replace(mail.envelope, require_tls=True))


def refused(settings: Smtp, server: ScriptedServer, because: str) -> None:
    """The message is refused before MAIL, and the connection serves the next one."""
    first, second = in_turn(settings, sealed(), OTHER)
    assert isinstance(first.error, Unsupported)
    assert because in str(first.error)
    assert first.error.permanent
    assert [str(one.result) for one in first.outcomes] == ["refused"]
    assert second.accepted
    assert [message.content for message in server.messages] == [OTHER.content]
    assert verbs(server.commands).count("MAIL") == len(server.sessions) == 1


@pytest.mark.parametrize("more", [(), ("CHUNKING",)], ids=["DATA", "BDAT"])
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
def test_over_verified_tls(certificates: Certificates, more: tuple[str, ...], implicit: bool) -> None:
    context = certificates.good.server_context()
    with ScriptedServer(tls=context, implicit_tls=implicit, extensions=OFFERED + more) as server:
        tls = Tls.IMPLICIT if implicit else Tls.REQUIRED
        settings = account(server, host="localhost", ca=str(certificates.ca), tls=tls)
        first, second = deliver(settings, sealed(), OTHER)
    assert first.accepted
    assert second.accepted
    assert [(message.options, message.secure) for message in server.messages] == [(("REQUIRETLS",), True), ((), True)]


def test_not_offered(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context(), extensions=("PIPELINING",)) as server:
        settings = account(server, host="localhost", ca=str(certificates.ca))
        refused(settings, server, "the server does not offer REQUIRETLS")


def test_offered_before_tls_only(certificates: Certificates) -> None:
    """RFC 3207 §4.2: what was said in the clear is void, whoever said it."""
    before = Step("EHLO", "250-hello\n250-STARTTLS\n250 REQUIRETLS")
    with ScriptedServer(before, tls=certificates.good.server_context(), extensions=("PIPELINING",)) as server:
        refused(account(server, host="localhost", ca=str(certificates.ca)), server, "does not offer REQUIRETLS")


@pytest.mark.parametrize("tls", [Tls.NONE, Tls.OPPORTUNISTIC])
def test_offered_without_tls(tls: Tls) -> None:
    with ScriptedServer(extensions=OFFERED) as server:
        refused(account(server, tls=tls), server, "the connection has no verified TLS")


@pytest.mark.parametrize("loopback", [None, Tls.OPPORTUNISTIC], ids=["loopback", "opportunistic"])
def test_over_tls_that_nobody_verified(certificates: Certificates, loopback: Tls | None) -> None:
    with ScriptedServer(tls=certificates.good.server_context(), extensions=OFFERED) as server:
        refused(account(server, tls=loopback), server, "the connection has no verified TLS")
    assert server.messages[0].secure


def test_a_next_hop_that_gave_up_its_promise_meanwhile(certificates: Certificates) -> None:
    """Each connection is looked at: what the first one offered is not what the second does."""
    with ScriptedServer(
        Step("EHLO", "250-hello\n250 PIPELINING", skip=1, connection=1),
        Step("MAIL", "421 4.3.2 closing", connection=0, skip=1),
        tls=certificates.good.server_context(),
        extensions=OFFERED,
    ) as server:
        settings = account(server, host="localhost", ca=str(certificates.ca))
        reports: list[SendReport] = in_turn(settings, sealed(), sealed("eve@e.example"))
    assert reports[0].accepted
    assert isinstance(reports[1].error, Unsupported)
    assert len(server.sessions) == 2
    assert "MAIL" not in verbs(server.sessions[1].commands)
    assert len(server.messages) == 1


def test_a_pinned_key_is_proof_enough(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context(), extensions=OFFERED) as server:
        settings = account(server, host="localhost", pin=pin(certificates.good), trust=Trust.PIN_ONLY)
        (report,) = deliver(settings, sealed())
    assert report.accepted


def test_a_way_without_tls_that_offers_the_same_is_another_way(certificates: Certificates) -> None:
    """Somebody on the way takes STARTTLS out of what the server offers on the second connection."""
    stripped = Step(
        "EHLO", "250-scripted.example\n250-PIPELINING\n250-REQUIRETLS\n250-LIMITS RCPTMAX=1\n250 HELP", connection=1
    )
    with ScriptedServer(
        stripped,
        Step("MAIL", None, connection=0, skip=1, then=Then.CLOSE),
        tls=certificates.good.server_context(),
        extensions=("PIPELINING", "REQUIRETLS", "LIMITS RCPTMAX=1"),
    ) as server:
        settings = account(server, host="localhost", tls=Tls.OPPORTUNISTIC, ca=str(certificates.ca))
        (report,) = deliver(settings, sealed("bob@b.example", "eve@e.example"))
    assert [str(one.result) for one in report.outcomes] == ["accepted", "refused"]
    assert "MAIL" not in verbs(server.sessions[1].commands)
    assert len(server.sessions) == 2
