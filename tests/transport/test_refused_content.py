"""A server that keeps a transaction open after it has refused its content, as Postfix does for its policy servers."""

from collections.abc import Callable

import pytest

from postroad.errors import DataError
from postroad.outcome import SendReport
from postroad.testing import ScriptedServer, Step
from postroad.transport.smtp.settings import PoolLimits, Smtp
from tests.fakes import letter
from tests.peers.fixtures import StartPostfix
from tests.peers.postfix import PostfixSettings
from tests.transport.road import account, deliver, in_turn, verbs


def test_the_next_message_begins_with_a_clean_slate() -> None:
    with ScriptedServer(Step("DOT", "554 5.7.1 Not this")) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    assert isinstance(first.error, DataError)
    assert second.accepted
    assert verbs(server.commands).count("RSET") == 1
    assert len(server.sessions) == 1


@pytest.mark.system
@pytest.mark.parametrize("hidden", [(), ("chunking",), ("chunking", "pipelining")], ids=["BDAT", "DATA", "lock-step"])
@pytest.mark.parametrize("send", [deliver, in_turn], ids=["at-once", "in-turn"])
def test_postfix_behind_a_policy(
    start_postfix: StartPostfix, hidden: tuple[str, ...], send: Callable[..., list[SendReport]]
) -> None:
    policy = "check_sender_access inline:{ {spam@a.example = 554 5.7.1 Not this} }"
    settings = PostfixSettings(hidden_keywords=hidden, parameters={"smtpd_end_of_data_restrictions": policy})
    postfix = start_postfix(settings)
    mails = [
        letter(f"{number}", sender="spam@a.example" if number % 3 == 1 else "ann@a.example") for number in range(9)
    ]
    host, port = postfix.smtp
    reports = send(Smtp(host, port, limits=PoolLimits(connections=1)), *mails)
    assert [bool(report.accepted) for report in reports] == [number % 3 != 1 for number in range(9)]
    assert all(isinstance(report.error, DataError) for number, report in enumerate(reports) if number % 3 == 1)
    assert len(postfix.deliveries(6)) == 6
