"""postroad's client with Postfix."""

from typing import ClassVar

import pytest

from tests.pairings.exercise import Exercise, Feature
from tests.pairings.server_suite import Offer, Running, ServerSuite, Start, Stored
from tests.peers.fixtures import StartPostfix
from tests.peers.postfix import ACCESS, Postfix, PostfixSettings

pytestmark = pytest.mark.system


def running(postfix: Postfix) -> Running:
    postfix.wait_for_log("disconnect from")  # the look whether it greets

    def stored(count: int) -> list[Stored]:
        found = postfix.deliveries(count)
        return [Stored(one.sender, one.recipient, one.content.replace(b"\n", b"\r\n")) for one in found]

    return Running(postfix.smtp, stored, lambda: postfix.log().count(": connect from"), postfix.smtps)


REFUSALS = {
    "smtpd_delay_reject": "no",
    "smtpd_sender_restrictions": "check_sender_access inline:{ {reject@ = 550 5.7.1 Not from you} }",
    "header_checks": "regexp:{ {/^Subject: spam/ REJECT 5.7.1 Not this} }",
    "smtpd_recipient_restrictions": "check_recipient_access "
    + ACCESS.removesuffix("}")
    + ", {hangup@ = 421 4.3.2 Going down} }, permit_mynetworks, reject",
}


@pytest.fixture
def start(start_postfix: StartPostfix) -> Start:
    def start(offer: Offer) -> Running:
        limit = {} if offer.max_recipients is None else {"smtpd_recipient_limit": str(offer.max_recipients)}
        settings = PostfixSettings(
            certificate=offer.certificate,
            users=offer.users or {},
            hidden_keywords=offer.hidden,
            message_size_limit=offer.max_octets,
            parameters=REFUSALS | limit,
        )
        return running(start_postfix(settings))

    return start


class TestPostfix(ServerSuite):
    peer = "Postfix"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_CRAM_MD5): "with Dovecot's authentication: tests/transport/test_smtp_auth_peers.py",
        Exercise(Feature.HELO): "it always takes EHLO",
        Exercise(Feature.HANGING_UP): "it always says why",
    }
