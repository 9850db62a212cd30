"""postroad's client with aiosmtpd."""

from typing import ClassVar

import pytest

from tests.pairings.exercise import Exercise, Feature
from tests.pairings.server_suite import Offer, Running, ServerSuite, Start, Stored
from tests.peers.aiosmtpd_server import AiosmtpdServer, AiosmtpdSettings
from tests.peers.fixtures import StartAiosmtpd


def running(server: AiosmtpdServer) -> Running:
    def stored(count: int) -> list[Stored]:
        found = server.messages(1)
        while sum(len(one.recipients) for one in found) < count:
            found = server.messages(len(found) + 1)
        return [Stored(one.sender.strip("<>"), recipient, one.content) for one in found for recipient in one.recipients]

    return Running(server.smtp, stored, lambda: server.sessions, getattr(server, "smtps", None))


@pytest.fixture
def start(start_aiosmtpd: StartAiosmtpd) -> Start:
    def start(offer: Offer) -> Running:
        settings = AiosmtpdSettings(
            certificate=offer.certificate,
            users=offer.users or {},
            message_size_limit=offer.max_octets,
            max_recipients=offer.max_recipients,
            smtputf8="SMTPUTF8" not in offer.hidden,
        )
        return running(start_aiosmtpd(settings))

    return start


class TestAiosmtpd(ServerSuite):
    peer = "aiosmtpd"
    never = (Feature.PIPELINING, Feature.CHUNKING, Feature.DSN, Feature.ENHANCED_CODES)
    always = (Feature.EIGHT_BIT_MIME, Feature.SIZE)
    cannot: ClassVar = {
        Exercise(Feature.AUTH_CRAM_MD5): "it has none",
        Exercise(Feature.HANGING_UP): "only when it is stopped",
        Exercise(Feature.HELO): "it always takes EHLO",
    }
