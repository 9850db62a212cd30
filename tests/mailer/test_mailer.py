"""Both faces of the mailer: send, what it raises, tries within a call, closing."""

import asyncio
import inspect
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

import pytest

from postroad import (
    AsyncMailer,
    Attachment,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DataError,
    Disconnected,
    Email,
    Mailer,
    MessageError,
    OutcomeUnknown,
    PostroadError,
    RawMessage,
    RecipientsRefused,
    SenderRefused,
    SendReport,
    Smtp,
    Tls,
    TlsModeMismatch,
)
from postroad.retry import Retry, Schedule
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import FakeClock, let_others_run, middle
from tests.peers.certificates import Certificates
from tests.peers.endpoint import free_endpoint
from tests.peers.waiting import wait_until
from tests.transport.road import verbs

BOB, EVE = "bob@b.example", "eve@e.example"


def email(*to: str, subject: str = "Hello", **rest: Any) -> Email:
    return Email(from_="ann@a.example", to=to or (BOB,), subject=subject, text="hi", **rest)


class Blocking:
    """The blocking face."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        self._given, self._settings = given, settings

    def send(self, *messages: Any) -> list[SendReport]:
        with Mailer(*self._given, **self._settings) as mailer:
            return [mailer.send(message) for message in messages]

    def send_many(self, messages: Any) -> list[SendReport]:
        with Mailer(*self._given, **self._settings) as mailer:
            return list(mailer.send_many(messages))


class Asynchronous(Blocking):
    """The asynchronous face."""

    def send(self, *messages: Any) -> list[SendReport]:
        async def work() -> list[SendReport]:
            async with AsyncMailer(*self._given, **self._settings) as mailer:
                return [await mailer.send(message) for message in messages]

        return asyncio.run(work())

    def send_many(self, messages: Any) -> list[SendReport]:
        async def work() -> list[SendReport]:
            async with AsyncMailer(*self._given, **self._settings) as mailer:
                return [report async for report in mailer.send_many(messages)]

        return asyncio.run(work())


both_faces = pytest.mark.parametrize("face", [Blocking, Asynchronous])
Face = type[Blocking]


# ── what comes back, what is raised ───────────────────────────────────────────────────────────────────────────────────


@both_faces
def test_everybody_accepted(face: Face) -> None:
    with ScriptedServer() as server:
        (report,) = face(server.url).send(email(BOB, EVE))
    assert [str(one.recipient) for one in report.accepted] == [BOB, EVE]
    assert report.message_id is not None
    assert report.message_id.encode() in server.messages[0].content
    assert (report.attempts, report.error, report.index) == (1, None, 0)


@both_faces
def test_partial_refusal_returns(face: Face) -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody", when="eve@")) as server:
        (report,) = face(server.url).send(email(BOB, EVE))
    assert str(report.accepted[0].recipient) == BOB
    assert report.refused[EVE].code == 550
    with pytest.raises(RecipientsRefused, match="1 of 2"):
        report.raise_for_refused()


@both_faces
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Step("RCPT", "550 5.1.1 nobody"), RecipientsRefused),
        (Step("MAIL", "550 5.7.1 not you"), SenderRefused),
        (Step("DATA", "554 5.6.0 no"), DataError),
        (Step("DOT", "554 5.7.1 spam"), DataError),
        (Step("DOT", None, then=Then.CLOSE), OutcomeUnknown),
        (Step("GREETING", "554 5.7.1 go away"), ConnectError),
    ],
    ids=lambda value: value.at if isinstance(value, Step) else None,
)
def test_where_nobody_was_accepted_the_error_says_why(face: Face, step: Step, kind: type[PostroadError]) -> None:
    with ScriptedServer(step) as server, pytest.raises(kind) as caught:
        face(server.url).send(email())
    error = caught.value
    assert type(error) is kind
    assert error.report is not None
    assert error.report.error is error
    assert [str(one.recipient) for one in error.report.outcomes] == [BOB]
    assert error.advice
    assert error.transcript
    assert len(server.sessions) == 1, "what is refused for good, or unknown, is not tried again"


@both_faces
def test_a_message_that_is_none_is_refused_before_anything(face: Face) -> None:
    with ScriptedServer() as server:
        for wrong in (None, "From: me", b"raw", {"to": BOB}):
            with pytest.raises(MessageError, match="is no message"):
                face(server.url).send(wrong)
        with pytest.raises(MessageError, match="size"):
            face(server.url + "?max_size=100000").send(email(attachments=[Attachment(b"x" * 200_000, "large.bin")]))
        assert not server.sessions


@both_faces
def test_every_kind_of_message(face: Face) -> None:
    standard = EmailMessage()
    standard["From"], standard["To"], standard["Bcc"] = "ann@a.example", BOB, EVE
    standard.set_content("hi")
    raw = RawMessage(b"Subject: raw\n\nhi\n", envelope_from="", recipients=[BOB])
    with ScriptedServer() as server:
        reports = face(server.url).send(email(), raw, standard)
    assert all(report.accepted for report in reports)
    assert server.messages[1].content == b"Subject: raw\r\n\r\nhi\r\n"
    assert server.messages[1].mail_from == ""
    assert server.messages[2].recipients == (BOB, EVE)
    assert b"bcc" not in server.messages[2].content.lower()


def test_send_message_has_smtplibs_meaning() -> None:
    standard = EmailMessage()
    standard["From"], standard["To"] = "ann@a.example", BOB
    standard.set_content("hi")
    with ScriptedServer() as server:
        with Mailer(server.url) as mailer:
            mailer.send_message(standard)
            mailer.send_message(standard, "bounces@a.example", [EVE])

        async def work() -> None:
            async with AsyncMailer(server.url) as asynchronous:
                await asynchronous.send_message(standard, from_addr="", to_addrs=EVE)

        asyncio.run(work())
    envelopes = [(message.mail_from, message.recipients) for message in server.messages]
    assert envelopes == [("ann@a.example", (BOB,)), ("bounces@a.example", (EVE,)), ("", (EVE,))]


# ── tries within a call ───────────────────────────────────────────────────────────────────────────────────────────────


def tried(step: Step, message: Any = None, **settings: Any) -> tuple[ScriptedServer, FakeClock, SendReport]:
    """Send one message to a server that does so; what it saw, how long was waited, and the report."""
    clock = FakeClock()
    with ScriptedServer(step) as server:
        (report,) = Blocking(server.url, clock=clock, chance=middle, **settings).send_many([message or email()])
    return server, clock, report


@pytest.mark.parametrize(
    "step",
    [
        Step("GREETING", "421 4.3.2 too many", then=Then.CLOSE, times=2),
        Step("GREETING", None, then=Then.CLOSE, times=2),
        Step("MAIL", "451 4.7.1 later", times=2),
        Step("RCPT", "450 4.2.0 greylisted", times=2),
        Step("DATA", "451 4.3.0 later", times=2),
        Step("DATA", None, then=Then.CLOSE, times=2),
        Step("DOT", "452 4.3.1 full", times=2),
        Step("DOT", "421 4.3.2 closing", times=2, then=Then.CLOSE),
    ],
    ids=lambda step: f"{step.at}-{step.reply!r}"[:12],
)
def test_what_passes_is_tried_again_after_half_a_second_and_two(step: Step) -> None:
    server, clock, report = tried(step)
    assert report.accepted
    assert report.attempts == 3
    assert report.error is None
    assert clock.slept == [0.5, 2.0]
    assert len([message for message in server.messages if message.accepted]) == 1
    assert len({message.content for message in server.messages}) == 1, "each try sends the same bytes"


@pytest.mark.parametrize(
    "step",
    [
        Step("GREETING", "554 5.7.1 go away", times=None),
        Step("MAIL", "550 5.7.1 not you", times=None),
        Step("RCPT", "550 5.1.1 nobody", times=None),
        Step("DOT", "554 5.7.1 spam", times=None),
        Step("DOT", None, then=Then.CLOSE, times=None),
        Step("DOT", b"garbage\r\n", times=None),
    ],
    ids=lambda step: f"{step.at}-{step.reply!r}"[:12],
)
def test_what_does_not_pass_or_could_double_is_tried_once(step: Step) -> None:
    server, clock, report = tried(step)
    assert not report.accepted
    assert report.attempts == 1
    assert clock.slept == []
    assert len(server.sessions) == 1


def test_it_gives_up_after_the_third_try() -> None:
    server, clock, report = tried(Step("RCPT", "450 4.2.0 greylisted", times=None))
    assert isinstance(report.error, RecipientsRefused)
    assert report.error.temporary
    assert (report.attempts, clock.slept) == (3, [0.5, 2.0])
    assert verbs(server.commands).count("RCPT") == 3


def test_no_retry_is_no_retry() -> None:
    _, clock, report = tried(Step("RCPT", "450 4.2.0 greylisted"), retry=None)
    assert (report.attempts, clock.slept) == (1, [])
    assert report.refused


def test_a_schedule_of_ones_own() -> None:
    schedule = Schedule((10.0,), repeat=True, max_attempts=4)
    _, clock, report = tried(Step("RCPT", "450 4.2.0 greylisted", times=3), retry=schedule)
    assert (report.attempts, clock.slept) == (4, [10.0, 10.0, 10.0])
    assert report.accepted


def test_only_those_who_may_be_are_tried_again() -> None:
    clock = FakeClock()
    steps = (Step("RCPT", "450 4.2.0 greylisted", when="eve@"), Step("RCPT", "550 5.1.1 nobody", when="joe@"))
    with ScriptedServer(*steps) as server:
        (report,) = Blocking(server.url, clock=clock, chance=middle).send(email(BOB, EVE, "joe@j.example"))
    assert [(str(one.recipient), str(one.result)) for one in report.outcomes] == [
        (BOB, "accepted"), (EVE, "accepted"), ("joe@j.example", "refused"),
    ]  # fmt: skip
    assert [message.recipients for message in server.messages] == [(BOB,), (EVE,)]
    assert (report.attempts, report.error) == (2, None)


def test_an_accepted_one_and_a_later_unknown_one_are_both_told() -> None:
    clock = FakeClock()
    steps = (Step("RCPT", "450 4.2.0 greylisted", when="eve@"), Step("DOT", None, skip=1, then=Then.CLOSE))
    with ScriptedServer(*steps) as server:
        (report,) = Blocking(server.url, clock=clock, chance=middle).send(email(BOB, EVE))
    assert [str(one.result) for one in report.outcomes] == ["accepted", "unknown"]
    with pytest.raises(OutcomeUnknown):
        report.raise_for_refused()


def test_wrong_credentials_are_one_login() -> None:
    with ScriptedServer(credentials={"ann": "another"}) as server, pytest.raises(AuthenticationError):
        Blocking(server.url, username="ann", password="hunter2").send(email())
    assert verbs(server.commands).count("AUTH") == 1


@pytest.mark.parametrize("step", [Step("AUTH", "454 4.7.0 later"), Step("AUTH", None, then=Then.CLOSE)])
def test_trouble_at_the_password_is_one_login_too(step: Step) -> None:
    with (
        ScriptedServer(step, credentials={"ann": "hunter2"}) as server,
        pytest.raises((AuthenticationError, Disconnected)),
    ):
        Blocking(server.url, username="ann", password="hunter2").send(email())
    assert verbs(server.commands).count("AUTH") == 1


def test_a_wrong_tls_mode_is_tried_once(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context()) as server, pytest.raises(TlsModeMismatch) as caught:
        Blocking(server.url.replace("smtp://", "smtps://")).send(email())
    assert f"smtp://127.0.0.1:{server.port}" in caught.value.advice
    assert len(server.sessions) == 1


def test_cancelling_while_it_waits_for_the_next_try() -> None:
    class Endless(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.get_running_loop().create_future()

    clock = Endless()
    with ScriptedServer(Step("RCPT", "450 4.2.0 greylisted")) as server:

        async def work() -> None:
            async with AsyncMailer(server.url, clock=clock) as mailer:
                sending = asyncio.create_task(mailer.send(email()))
                await asyncio.to_thread(wait_until, lambda: clock.slept or None, "the nap")
                sending.cancel()
                await let_others_run(4)
                assert sending.done()
                with pytest.raises(asyncio.CancelledError):
                    await sending

        asyncio.run(work())
    assert verbs(server.commands).count("RCPT") == 1


@both_faces
def test_closing_while_it_waits_for_the_next_try(face: Face) -> None:
    asleep = threading.Event()

    class Endless(FakeClock):
        async def sleep(self, seconds: float) -> None:
            asleep.set()
            await asyncio.get_running_loop().create_future()

    with ScriptedServer(Step("RCPT", "450 4.2.0 greylisted")) as server:
        if face is Blocking:
            mailer = Mailer(server.url, clock=Endless())
            with ThreadPoolExecutor() as threads:
                sending = threads.submit(mailer.send, email())
                assert asleep.wait(60)
                mailer.close()
                error = sending.exception(10)
        else:

            async def work() -> BaseException | None:
                asynchronous = AsyncMailer(server.url, clock=Endless())
                task = asyncio.create_task(asynchronous.send(email()))
                await asyncio.to_thread(asleep.wait, 10)
                await asynchronous.aclose()
                await asyncio.wait([task])
                return task.exception()

            error = asyncio.run(work())
    assert isinstance(error, RecipientsRefused)
    assert len(server.sessions) == 1, "the transport was not opened again"


# ── one mailer, many users ────────────────────────────────────────────────────────────────────────────────────────────


def test_many_threads_share_one_mailer() -> None:
    with ScriptedServer() as server, Mailer(server.url + "?pool=3") as mailer, ThreadPoolExecutor(12) as threads:
        subjects = [f"subject-{number}" for number in range(60)]
        reports = list(threads.map(lambda subject: mailer.send(email(subject=subject)), subjects))
        assert all(report.accepted for report in reports)
        assert len({report.message_id for report in reports}) == 60
        assert len(server.sessions) <= 3
    received = b"".join(message.content for message in server.messages)
    assert all(f"Subject: {subject}\r\n".encode() in received for subject in subjects)
    assert len(server.messages) == 60


def test_closing_with_a_call_of_another_thread_under_way_lets_it_end() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server, ThreadPoolExecutor() as threads:
        mailer = Mailer(server.url)
        sending = threads.submit(mailer.send, email())
        gate.wait_until_reached()
        closing = threads.submit(mailer.close)
        gate.open()
        assert sending.result(10).accepted
        closing.result(10)


def test_it_may_be_closed_twice_or_unused_and_used_again() -> None:
    with ScriptedServer() as server:
        mailer = Mailer(server.url)
        mailer.close()
        assert mailer.send(email()).accepted
        mailer.close()
        mailer.close()
        assert mailer.send(email()).accepted
        mailer.close()
        assert len(server.sessions) == 2


def test_without_closing_the_connections_end_with_the_mailer() -> None:
    others = set(threading.enumerate())
    with ScriptedServer() as server:
        Mailer(server.url).send(email())
        wait_until(lambda: server.sessions[0].closed or None, "the connection's end")
        wait_until(lambda: not _mailers_threads() - others or None, "the end of the mailer's thread")


def _mailers_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "postroad-mailer"}


def test_an_asynchronous_mailer_left_open_leaves_nothing_behind() -> None:
    with ScriptedServer() as server:

        async def work() -> SendReport:
            return await AsyncMailer(server.url).send(email())

        assert asyncio.run(work()).accepted
        wait_until(lambda: server.sessions[0].closed or None, "the connection's end")


def test_a_blocking_call_inside_its_own_loop_is_refused() -> None:
    mailer: Mailer

    class Curious(MemoryTransport):
        async def deliver(self, mail: Any, *, before_commit: Any = None) -> SendReport:
            mailer.check()
            return await super().deliver(mail)

    with Mailer(Curious()) as mailer, pytest.raises(ConfigurationError, match="wait for itself"):
        mailer.send(email())


# ── two faces ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# What only one face has, and why.
ONLY_ASYNC = {
    "checked", "compose", "first_try", "numbered", "sending", "tried_on",  # what the blocking face is made of
    "aclose",  # is close() there
}  # fmt: skip


def public(kind: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(kind) if not name.startswith("_")}


def test_two_faces_have_the_same_verbs() -> None:
    blocking, asynchronous = set(public(Mailer)), set(public(AsyncMailer)) | {"transport"}
    assert blocking - asynchronous == {"close"}
    assert asynchronous - blocking == ONLY_ASYNC


@pytest.mark.parametrize("name", ["__init__", "from_env", "send", "send_message", "send_many", "check"])
def test_two_faces_have_the_same_parameters(name: str) -> None:
    def parameters(kind: type) -> list[tuple[str, object, object]]:
        signature = inspect.signature(getattr(kind, name))
        return [(one.name, one.kind, one.default) for one in signature.parameters.values()]

    assert parameters(Mailer) == parameters(AsyncMailer)
    blocking, asynchronous = getattr(Mailer, name), getattr(AsyncMailer, name)
    assert inspect.iscoroutinefunction(asynchronous) == (name not in ("__init__", "from_env", "send_many"))
    assert not inspect.iscoroutinefunction(blocking)
    assert name.startswith("__") or (blocking.__doc__ and asynchronous.__doc__)


@pytest.mark.parametrize("kind", [Mailer, AsyncMailer])
def test_neither_is_pickled(kind: Callable[[str], object]) -> None:
    with pytest.raises(TypeError, match="not picklable; pass its URL"):
        pickle.dumps(kind("null://"))


@pytest.mark.parametrize("kind", [Mailer, AsyncMailer])
def test_neither_shows_the_password(kind: type[Mailer]) -> None:
    mailer = kind("smtp://ann:hunter2@localhost:2525")
    assert repr(mailer) == f"{kind.__name__}('smtp://ann@localhost:2525')"
    assert "hunter2" not in repr(vars(mailer))
    assert "hunter2" not in repr(mailer.transport)


# ── routes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_route_is_a_url_an_account_or_a_transport() -> None:
    memory = MemoryTransport()
    assert Mailer(memory).transport is memory
    assert Mailer("null://").transport.name == "null://"
    assert Mailer(Smtp("localhost", 2525, tls=Tls.NONE)).transport.name == "smtp+insecure://localhost:2525"
    assert Mailer("smtp://localhost", username="ann", password="x").transport.name == "smtp://ann@localhost:587"


@pytest.mark.parametrize("route", [None, 25, b"smtp://localhost", ["smtp://localhost"], object()])
def test_what_is_no_route(route: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no route"):
        Mailer(route)


@pytest.mark.parametrize("route", [Smtp("localhost"), MemoryTransport()])
def test_an_account_beside_one_that_has_its_own(route: Any) -> None:
    with pytest.raises(ConfigurationError, match="go with a URL"):
        Mailer(route, username="ann", password="x")


@both_faces
def test_check(face: Face) -> None:
    with ScriptedServer() as server:
        if face is Blocking:
            with Mailer(server.url) as mailer:
                report = mailer.check()
        else:

            async def work() -> Any:
                async with AsyncMailer(server.url) as asynchronous:
                    return await asynchronous.check()

            report = asyncio.run(work())
        assert server.messages == []
        assert str(server.port) in str(report)
    with pytest.raises(ConnectError):
        Mailer("smtp://{}:{}".format(*free_endpoint())).check()


RETRIES: tuple[Any, ...] = (None, Schedule((0.0,), repeat=True, max_attempts=3), Retry.AS_SET)


def test_a_schedule_may_be_for_one_message() -> None:
    for face in (_attempts, _attempts_asynchronously):
        with ScriptedServer(Step("MAIL", "451 4.3.0 later", times=3)) as server:
            # One try; two refused and one accepted; and then nothing goes wrong any more.
            assert face(server.url, RETRIES) == [1, 3, 1]


def _attempts(url: str, retries: tuple[Any, ...]) -> list[int]:
    with Mailer(url, clock=FakeClock(), chance=middle) as mailer:
        return [_tries(mailer.send(email(), retry=retry)) if retry else _refused(mailer) for retry in retries]


def _tries(report: SendReport) -> int:
    return report.attempts


def _refused(mailer: Mailer) -> int:
    with pytest.raises(SenderRefused) as caught:
        mailer.send(email(), retry=None)
    assert caught.value.report is not None
    return caught.value.report.attempts


def _attempts_asynchronously(url: str, retries: tuple[Any, ...]) -> list[int]:
    async def work() -> list[int]:
        attempts = []
        async with AsyncMailer(url, clock=FakeClock(), chance=middle) as mailer:
            for retry in retries:
                try:
                    attempts.append((await mailer.send(email(), retry=retry)).attempts)
                except SenderRefused as refused:
                    attempts.append(0 if refused.report is None else refused.report.attempts)
        return attempts

    return asyncio.run(work())
