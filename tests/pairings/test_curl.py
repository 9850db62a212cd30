"""postroad's server with curl."""

from typing import ClassVar

import pytest

from tests.pairings.client_suite import ClientSuite, Order, Send, Sent, Wire
from tests.pairings.exercise import Exercise, Feature, on
from tests.peers.curl import run_curl
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import RequiresProgram

pytestmark = pytest.mark.system


@pytest.fixture
def send(requires_program: RequiresProgram) -> Send:
    requires_program("curl")
    return sent


def sent(server: Endpoint, order: Order) -> Sent:
    arguments = ["--mail-from", order.sender, "--mail-rcpt-allowfails"]
    arguments += [part for recipient in order.recipients for part in ("--mail-rcpt", recipient)]
    if order.login is not None:
        login = order.login
        arguments += ["--user", f"bob:{login.password}", "--login-options", f"AUTH={login.mechanism}"]
    if order.wire is Wire.STARTTLS:
        arguments.append("--ssl-reqd")
    if order.ca:
        arguments += ["--cacert", str(order.ca)]
    scheme = "smtps" if order.wire is Wire.IMPLICIT_TLS else "smtp"
    run = run_curl(server, *arguments, content=order.content, scheme=scheme)
    return Sent(run.exit_code == 0, run.transcript)


class TestCurl(ClientSuite):
    peer = "curl"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): "it has none",
        on(Feature.PIPELINING): "it has none",
        Exercise(Feature.HELO): "only where EHLO is refused",
        on(Feature.SIZE): "it declares nothing of what it reads from standard input",
        on(Feature.DSN): "it has none",
        on(Feature.CHUNKING): "it has none",
        on(Feature.EIGHT_BIT_MIME): "it declares nothing",
        Exercise(Feature.TWENTY): "one message a run",
        Exercise(Feature.CONCURRENT): "one session a run",
    }
