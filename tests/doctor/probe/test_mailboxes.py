"""Asking about mailboxes: RCPT is answered, and no mail is sent."""

import asyncio

from postroad.doctor.checks.reception.mailboxes import CHECK
from postroad.doctor.probe.mailboxes import ask_mailboxes
from postroad.doctor.probe.server import Probed, probe
from postroad.net.tls import Tls
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.smtp.settings import Smtp
from tests.doctor.reached import HOST, around, examine, sound
from tests.peers.certificates import Certificates
from tests.peers.endpoint import free_endpoint

ADDRESSES = ("postmaster@acme.example", "abuse@acme.example")


def account(port: int) -> Smtp:
    return Smtp("127.0.0.1", port, tls=Tls.OPPORTUNISTIC)


def test_each_address_has_its_reply() -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody", when="abuse@")) as server:
        replies = asyncio.run(ask_mailboxes(account(server.port), ADDRESSES))
    assert [int(replies[one].code) for one in ADDRESSES] == [250, 550]
    assert server.messages == []
    verbs = [line.split()[0].upper() for line in server.commands]
    assert verbs == ["EHLO", "MAIL", "RCPT", "RCPT", "RSET", "QUIT"]
    assert "MAIL FROM:<>" in server.commands


def test_a_server_that_does_not_talk_to_us() -> None:
    endpoint = free_endpoint()
    assert asyncio.run(ask_mailboxes(account(endpoint.port), ADDRESSES)) == {}
    with ScriptedServer(Step("MAIL", "550 5.7.1 no")) as server:
        assert asyncio.run(ask_mailboxes(account(server.port), ADDRESSES)) == {}
    with ScriptedServer(Step("RCPT", None, then=Then.CLOSE, skip=1)) as server:
        assert list(asyncio.run(ask_mailboxes(account(server.port), ADDRESSES))) == [ADDRESSES[0]]


def test_a_check_asks_the_first_exchanger() -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody", when="abuse@")) as server:

        async def ask(host: str, addresses: object) -> object:
            assert host == HOST
            return await ask_mailboxes(account(server.port), ADDRESSES)

        found = examine(sound(), beyond=around(mailboxes=ask), checks=[CHECK])["MX-04"]
    assert found.level == "warn"
    assert "abuse@acme.example: 550 5.1.1 nobody" in found.seen


def test_hosts_are_really_visited(certificates: Certificates) -> None:
    """Nobody knows this certificate's authority, and MTA-STS is enforced."""
    with ScriptedServer(tls=certificates.good.server_context()) as server:

        async def visit(host: str) -> Probed:
            return await probe(Smtp("127.0.0.1", server.port, tls=Tls.REQUIRED, server_name=host))

        zone = {name: entries for name, entries in sound().items() if not name.startswith("_25.")}
        found = examine(zone, beyond=around(visitor=visit))
    assert (found["MX-03"].level, found["STS-04"].level) == ("fail", "fail")
    assert len(server.sessions) == 2  # for all checks: as a client that verifies, and to see what is there
