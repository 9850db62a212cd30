"""Logging in: once, never in the clear over a network, and never shown."""

import traceback
from typing import Any

import pytest

from postroad.errors import AuthenticationError, Disconnected, PostroadError, ProtocolError, Timeout, Unsupported
from postroad.reply import Phase
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.peers.certificates import Certificates
from tests.transport.road import account, deliver, deliver_one, impatient, in_turn, run, verbs

USER, PASSWORD = "ann@a.example", "hunter2 wörd"
ENCODED = ("hunter2", "aHVudGVyMi", "h1bnRlcjI", "odW50ZXIy")  # as it stands, and in the three phases of base64


def known(server: ScriptedServer, **settings: Any) -> Smtp:
    return account(server, username=USER, password=PASSWORD, **settings)


def failure(settings: Smtp) -> PostroadError:
    report = deliver_one(settings, letter())
    assert report.error is not None
    assert not report.accepted
    return report.error


def logins(server: ScriptedServer) -> int:
    return verbs(server.commands).count("AUTH")


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN PLAIN", "LOGIN", "PLAIN", "CRAM-MD5 LOGIN"])
def test_plain_before_login_and_nothing_else(mechanisms: str) -> None:
    with ScriptedServer(Step("EHLO", f"250-x\n250 AUTH {mechanisms}"), credentials={USER: PASSWORD}) as server:
        assert deliver_one(known(server), letter()).accepted
    assert server.messages[0].user == USER
    used = server.commands[1].split(" ")[1]
    assert used == ("PLAIN" if "PLAIN" in mechanisms else "LOGIN")


def test_under_tls(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context(), credentials={USER: PASSWORD}) as server:
        assert deliver_one(known(server, ca=str(certificates.ca)), letter()).accepted
    assert verbs(server.commands)[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert (server.messages[0].secure, server.messages[0].user) == (True, USER)


def test_a_server_that_overlooked_the_initial_response_asks_again() -> None:
    with ScriptedServer(Step("AUTH", "334 "), credentials={USER: PASSWORD}) as server:
        deliver_one(known(server), letter())
    auth, response = server.commands[1:3]
    assert response == auth.split(" ")[2]


def test_a_long_password_waits_to_be_asked() -> None:
    password = "x" * 600
    with ScriptedServer(credentials={USER: password}) as server:
        assert deliver_one(account(server, username=USER, password=password), letter()).accepted
    assert server.commands[1] == "AUTH PLAIN"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_wrong_credentials_are_tried_once(mechanism: str) -> None:
    offer = Step("EHLO", f"250-x\n250 AUTH {mechanism}", times=None)
    with ScriptedServer(offer, credentials={USER: "another"}) as server:
        error = failure(known(server))
    assert type(error) is AuthenticationError
    assert (error.code, error.phase, error.permanent) == (535, Phase.AUTH, True)
    assert "app password" in error.advice
    assert USER in str(error)
    assert logins(server) == 1, "neither again nor by another mechanism"


def test_five_waiting_messages_are_one_login() -> None:
    with ScriptedServer(credentials={USER: "another"}) as server:
        reports = deliver(known(server, connections=5), *(letter(str(number)) for number in range(5)))
        assert logins(server) == 1
        assert len(server.sessions) == 1
    errors = [report.error for report in reports]
    assert all(type(error) is AuthenticationError for error in errors)
    assert len({id(error) for error in errors}) == 5, "each message has an error of its own"
    assert all(error is not None and error.report is report for error, report in zip(errors, reports, strict=True))


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Step("AUTH", "454 4.7.0 Temporary authentication failure"), AuthenticationError),
        (Step("AUTH", "504 5.5.4 mechanism"), AuthenticationError),
        (Step("AUTH", None, then=Then.CLOSE), Disconnected),
        (Step("AUTH", b"235 2.7", then=Then.STALL), Timeout),
        (Step("AUTH", "334 what is your name?"), ProtocolError),
        (Step("AUTH", "354 go on"), ProtocolError),
    ],
    ids=["454", "504", "close", "stall", "no-base64", "354"],
)
def test_other_ways_to_fail(step: Step, kind: type[PostroadError]) -> None:
    with ScriptedServer(step, credentials={USER: PASSWORD}) as server:
        first, second = in_turn(known(server, timeouts=impatient("command")), letter("one"), letter("two"))
    assert type(first.error) is kind
    assert first.error.phase is Phase.AUTH
    assert second.accepted


def test_a_server_that_cannot_check_the_password_now_says_nothing_against_it() -> None:
    step = Step("AUTH", "454 4.7.0 Temporary authentication failure")
    with ScriptedServer(step, credentials={USER: PASSWORD}) as server:
        error = failure(known(server))
    assert error.temporary
    assert "could not check the credentials" in str(error)
    assert error.advice.startswith("Try again later")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_whoever_asks_for_the_password_on_and_on_does_not_get_it(mechanism: str) -> None:
    steps = (
        Step("EHLO", f"250-x\n250 AUTH {mechanism}"),
        Step("AUTH", "334 UGFzc3dvcmQ6", times=None),
        Step("AUTH_RESPONSE", "334 UGFzc3dvcmQ6", times=None),
    )
    with ScriptedServer(*steps, credentials={USER: PASSWORD}) as server:
        error = failure(known(server))
    assert type(error) is ProtocolError
    assert len(server.commands) <= 6


def test_no_common_mechanism() -> None:
    with ScriptedServer(Step("EHLO", "250-x\n250 AUTH GSSAPI NTLM")) as server:
        error = failure(known(server))
    assert type(error) is Unsupported
    assert "GSSAPI, NTLM" in str(error)
    assert logins(server) == 0


def test_without_an_account_nobody_logs_in() -> None:
    with ScriptedServer(credentials={USER: PASSWORD}) as server:
        assert deliver_one(account(server), letter()).accepted
    assert logins(server) == 0


@pytest.mark.parametrize("reply", ["535 5.7.8 no", "334 !", None])
def test_the_password_is_nowhere_to_be_seen(reply: str | None) -> None:
    step = Step("AUTH", reply, then=Then.CONTINUE if reply else Then.CLOSE)
    with ScriptedServer(step, credentials={USER: PASSWORD}) as server:
        settings = known(server)
        transport = SmtpTransport(settings)
        report = deliver_one(settings, letter())
        error = report.error
        assert error is not None
    told = [
        repr(settings),
        str(settings),
        settings.name,
        repr(transport),
        transport.name,
        repr(report),
        str(report),
        repr(error),
        str(error),
        error.advice,
        *(str(line) for line in error.transcript),
        *(str(line) for line in report.transcript),
        *traceback.TracebackException.from_exception(error, capture_locals=True).format(),
    ]
    assert "AUTH PLAIN ***" in str(told)
    for text in told:
        for form in ENCODED:
            assert form not in text


def test_the_password_is_not_in_the_transcript_of_a_good_login_either() -> None:
    steps = (Step("EHLO", "250-x\n250 AUTH LOGIN"), Step("RCPT", "550 5.1.1 nobody"))
    with ScriptedServer(*steps, credentials={USER: PASSWORD}) as server:
        report = deliver_one(known(server), letter())
        check = run(known(server), SmtpTransport.check)
    told = "\n".join(map(str, (*report.transcript, *check.transcript, check)))
    assert "> AUTH LOGIN" in told
    assert told.count("> ***") >= 2
    for form in (*ENCODED, "YW5uQGEuZXhhbXBsZQ"):
        assert form not in told
