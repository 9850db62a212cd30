"""postroad's client with Exim."""

from typing import ClassVar

import pytest

from postroad import Mailer, SendError
from tests.pairings.exercise import Exercise, Feature, exercises
from tests.pairings.letters import LETTER
from tests.pairings.server_suite import Offer, Running, ServerSuite, Start, Stored, letter, route
from tests.peers.exim import Exim, EximSettings
from tests.peers.fixtures import StartExim

pytestmark = pytest.mark.system

LOGGED = {"log_selector": "+smtp_connection"}


def running(exim: Exim) -> Running:
    def stored(count: int) -> list[Stored]:
        found = exim.deliveries(count)
        return [Stored(one.sender, one.recipient, one.content.replace(b"\n", b"\r\n")) for one in found]

    return Running(exim.smtp, stored, lambda: exim.log().count("TCP/IP connection count"), exim.smtps)


@pytest.fixture
def start(start_exim: StartExim) -> Start:
    def start(offer: Offer) -> Running:
        limit = {} if offer.max_recipients is None else {"recipients_max": str(offer.max_recipients)}
        settings = EximSettings(
            certificate=offer.certificate,
            users=offer.users or {},
            keywords=tuple(word for word in EximSettings().keywords if word not in offer.hidden),
            message_size_limit=offer.max_octets,
            options=LOGGED | limit,
        )
        return running(start_exim(settings))

    return start


class TestExim(ServerSuite):
    peer = "Exim"
    never = (Feature.ENHANCED_CODES,)
    always = (Feature.SIZE,)
    cannot: ClassVar = {Exercise(Feature.HELO): "it always takes EHLO"}
    otherwise = (Exercise(Feature.SHUTTING_DOWN),)


@exercises(Feature.SHUTTING_DOWN)
def test_421_in_a_session(start_exim: StartExim) -> None:
    server = running(start_exim(EximSettings(options={"smtp_accept_max_per_connection": "1", **LOGGED})))
    with Mailer(route(server.smtp), retry=None) as mailer:
        for _ in range(3):
            assert mailer.send(letter()).accepted
    assert len(server.stored(3)) == 3


@exercises(Feature.HANGING_UP)
def test_a_refusal_and_no_more(start: Start) -> None:
    server = start(Offer())
    with Mailer(route(server.smtp), retry=None) as mailer:
        with pytest.raises(SendError) as caught:
            mailer.send(letter(LETTER, "hangup@b.example"))
        assert mailer.send(letter()).accepted
    assert caught.value.code == 550
    assert len(server.stored(1)) == 1
