"""Many messages: every one reported, read only a little ahead, left early without loss."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from postroad import AsyncMailer, Email, Mailer, MessageError, OutcomeUnknown, RawMessage, RecipientsRefused, SendReport
from postroad.mailer.many import MESSAGES_AHEAD, OCTETS_AHEAD
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import FakeClock, let_others_run, middle
from tests.mailer.test_mailer import Asynchronous, Blocking, Face, both_faces, email
from tests.peers.waiting import wait_until
from tests.transport.road import verbs

WINDOW = MESSAGES_AHEAD


def emails(count: int) -> list[Email]:
    return [email(subject=f"subject-{number}") for number in range(count)]


async def later(messages: list[Any]) -> AsyncIterator[Any]:
    for message in messages:
        await let_others_run()
        yield message


class Counted:
    """An iterable that counts how far it was read."""

    def __init__(self, count: int, octets: int = 0) -> None:
        self.read = 0
        self._count, self._octets = count, octets

    def __iter__(self) -> Iterator[RawMessage]:
        for number in range(self._count):
            self.read += 1
            content = b"Subject: %d\r\n\r\n" % number + b"x" * self._octets
            yield RawMessage(content, envelope_from="ann@a.example", recipients="bob@b.example")


def subjects(server: ScriptedServer) -> list[str]:
    lines = [line for message in server.messages for line in message.content.split(b"\r\n")]
    return [line.decode()[9:] for line in lines if line.startswith(b"Subject: ")]


# ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────────


@both_faces
@pytest.mark.parametrize("count", [0, 1, 5, 3 * WINDOW])
def test_every_message_is_reported_with_its_place(face: Face, count: int) -> None:
    with ScriptedServer() as server:
        reports = face(server.url + "?pool=2").send_many(emails(count))
    assert sorted(report.index for report in reports) == list(range(count))
    assert all(report.accepted for report in reports)
    assert sorted(subjects(server)) == sorted(f"subject-{number}" for number in range(count))
    by_index = {report.index: report.message_id for report in reports}
    for message in server.messages:
        number = int(message.content.split(b"subject-")[1].split(b"\r\n")[0])
        assert str(by_index[number]).encode() in message.content


@both_faces
def test_any_iterable_will_do(face: Face) -> None:
    for source in (tuple(emails(3)), iter(emails(3)), (one for one in emails(3)), {"a": 1}.keys() and emails(3)):
        assert len(face(MemoryTransport()).send_many(source)) == 3


def test_an_async_iterable_will_do_too() -> None:
    reports = Asynchronous(MemoryTransport()).send_many(later(emails(3 * WINDOW)))
    assert sorted(report.index for report in reports) == list(range(3 * WINDOW))


@both_faces
def test_one_wrong_message_is_its_own_trouble(face: Face) -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody", when="eve@")) as server:
        messages = [email(), None, email("eve@e.example"), "a string", email(subject="last")]
        reports = {report.index: report for report in face(server.url).send_many(messages)}
    assert sorted(reports) == [0, 1, 2, 3, 4]
    assert {index: type(report.error) for index, report in reports.items() if report.error} == {
        1: MessageError,
        2: RecipientsRefused,
        3: MessageError,
    }
    assert reports[1].outcomes == ()
    assert reports[2].refused[0].code == 550
    with pytest.raises(MessageError):
        reports[3].raise_for_refused()
    assert len(server.messages) == 2


@both_faces
def test_an_unknown_outcome_is_its_own_trouble(face: Face) -> None:
    with ScriptedServer(Step("DOT", None, skip=2, then=Then.CLOSE)) as server:
        reports = {report.index: report for report in face(server.url + "?pool=1").send_many(emails(6))}
    kinds = [type(reports[index].error) for index in range(6)]
    assert kinds.count(OutcomeUnknown) == 1
    assert type(reports[2].error) is OutcomeUnknown
    assert len(subjects(server)) == len(set(subjects(server))) == 6


@both_faces
def test_tries_within_the_call(face: Face) -> None:
    clock = FakeClock()
    with ScriptedServer(Step("RCPT", "450 4.2.0 greylisted", times=2)) as server:
        settings = {"clock": clock, "chance": middle}
        reports = face(server.url + "?pool=1", **settings).send_many(emails(4))
    assert all(report.accepted and report.error is None for report in reports)
    assert sorted(report.attempts for report in reports)[:2] == [1, 1]
    assert len(clock.slept) == 2
    assert len(set(subjects(server))) == len(server.messages) == 4


@both_faces
def test_nobody_there_is_an_error_for_each(face: Face) -> None:
    clock = FakeClock()
    reports = face("smtp://127.0.0.1:1", clock=clock, retry=None).send_many(emails(3))
    assert [type(report.error).__name__ for report in reports] == ["ConnectError"] * 3
    assert sorted(report.index for report in reports) == [0, 1, 2]


@both_faces
def test_what_the_iterable_raises_is_raised(face: Face) -> None:
    def broken() -> Iterator[Email]:
        yield email(subject="first")
        raise LookupError("the list of recipients is gone")

    with ScriptedServer() as server:
        with pytest.raises(LookupError, match="list of recipients"):
            face(server.url).send_many(broken())
        assert subjects(server) in ([], ["first"])


def test_what_an_async_iterable_raises_is_raised() -> None:
    async def broken() -> AsyncIterator[Email]:
        yield email(subject="first")
        raise LookupError("the list of recipients is gone")

    with pytest.raises(LookupError, match="list of recipients"):
        Asynchronous(MemoryTransport()).send_many(broken())


@both_faces
def test_a_bug_in_a_transport_is_not_hidden(face: Face) -> None:
    class Broken(MemoryTransport):
        async def deliver(self, mail: Any, *, before_commit: Any = None) -> SendReport:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        face(Broken()).send_many(emails(2))


# ── only a little ahead ───────────────────────────────────────────────────────────────────────────────────────────────


@both_faces
def test_the_iterable_is_read_only_a_little_ahead(face: Face) -> None:
    source = Counted(3 * WINDOW)
    with ScriptedServer() as server:
        if face is Blocking:
            with Mailer(server.url) as mailer:
                for number, _ in enumerate(mailer.send_many(source), 1):
                    assert source.read <= number + WINDOW
        else:

            async def work() -> None:
                number = 0
                async with AsyncMailer(server.url) as mailer:
                    async for _ in mailer.send_many(source):
                        number += 1
                        assert source.read <= number + WINDOW

            asyncio.run(work())
    assert source.read == 3 * WINDOW


def test_while_nothing_is_answered_no_more_is_read() -> None:
    gate = Gate()
    source = Counted(3 * WINDOW)
    with ScriptedServer(Step("DOT", gate=gate, times=None)) as server:

        async def work() -> None:
            async with AsyncMailer(server.url) as mailer:
                reports = mailer.send_many(source)
                first = asyncio.ensure_future(anext(reports))
                await asyncio.to_thread(gate.wait_until_reached)
                await let_others_run(20)
                assert source.read == WINDOW
                gate.open()
                await first
                assert len([report async for report in reports]) == 3 * WINDOW - 1

        asyncio.run(work())


@both_faces
def test_large_messages_are_read_less_far_ahead(face: Face) -> None:
    octets = OCTETS_AHEAD // 8
    source = Counted(20, octets)
    held: list[int] = []

    class Slow(MemoryTransport):
        concurrency = 1

        async def deliver(self, mail: Any, *, before_commit: Any = None) -> SendReport:
            await let_others_run(5)
            held.append(source.read)
            return await super().deliver(mail, before_commit=before_commit)

    assert len(face(Slow()).send_many(source)) == 20
    assert held[0] <= 10


def test_a_message_is_on_its_way_before_the_next_one_is_asked_for() -> None:
    with ScriptedServer() as server:

        def coupled() -> Iterator[Email]:
            for number, message in enumerate(emails(3), 1):
                yield message
                server.wait_for_messages(number)

        assert len(Blocking(server.url).send_many(coupled())) == 3


def test_reports_do_not_wait_for_a_slow_async_source() -> None:
    with ScriptedServer() as server:

        async def work() -> None:
            reported = asyncio.Queue[int]()

            async def coupled() -> AsyncIterator[Email]:
                for number, message in enumerate(emails(5)):
                    yield message
                    assert await reported.get() == number

            async with AsyncMailer(server.url) as mailer:
                async for report in mailer.send_many(coupled()):
                    reported.put_nowait(report.index)

        asyncio.run(asyncio.wait_for(work(), 60))
    assert len(server.messages) == 5


def test_reports_do_not_wait_for_a_slow_blocking_source() -> None:
    clock = FakeClock()

    def slow() -> Iterator[Email]:
        for number, message in enumerate(emails(6)):
            if number == 3:
                wait_until(lambda: len(memory.messages) >= 3 or None, "three messages")
                clock.at += 10
            yield message

    memory = MemoryTransport()
    with Mailer(memory, clock=clock) as mailer:
        reports = mailer.send_many(slow())
        early = [next(reports) for _ in range(3)]
        assert len(memory.messages) <= 4, "the rest was not read yet"
        assert sorted(report.index for report in [*early, *reports]) == list(range(6))


# ── left early ────────────────────────────────────────────────────────────────────────────────────────────────────────


@both_faces
def test_left_early_what_is_at_its_dot_is_finished_and_the_rest_is_dropped(face: Face) -> None:
    gate = Gate()
    # The second dot is held: when the caller goes with the first report, the second message may be in either state,
    # the ones behind it certainly wait.
    with ScriptedServer(Step("DOT", gate=gate, skip=1)) as server:
        url = server.url + "?pool=1"
        if face is Blocking:
            with Mailer(url) as mailer:
                reports = mailer.send_many(emails(WINDOW))
                next(reports)
                gate.wait_until_reached()
                gate.open()
                reports.close()  # type: ignore[attr-defined]  # what leaving the loop does
                assert mailer.send(email(subject="after")).accepted
        else:

            async def work() -> None:
                async with AsyncMailer(url) as mailer:
                    reports = mailer.send_many(emails(WINDOW))
                    await anext(reports)
                    await asyncio.to_thread(gate.wait_until_reached)
                    leaving = asyncio.ensure_future(reports.aclose())  # type: ignore[attr-defined]  # as above
                    await let_others_run(5)
                    assert not leaving.done(), "the dot that is out gets its answer"
                    gate.open()
                    await leaving
                    assert (await mailer.send(email(subject="after"))).accepted

            asyncio.run(work())
    got = subjects(server)
    assert got[-1] == "after"
    assert got[:-1] == [f"subject-{number}" for number in range(len(got) - 1)]
    assert len(got) < WINDOW
    assert all(message.accepted for message in server.messages)
    if face is Asynchronous:
        assert got == ["subject-0", "subject-1", "after"]


def test_a_cancelled_one_ends_at_once() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server:

        async def work() -> None:
            async with AsyncMailer(server.url + "?pool=1") as mailer:

                async def consume() -> None:
                    async for _ in mailer.send_many(emails(WINDOW)):
                        pass

                consuming = asyncio.create_task(consume())
                await asyncio.to_thread(gate.wait_until_reached)
                consuming.cancel()
                await let_others_run(8)
                assert consuming.done(), "the cancellation waited for a dot"
                assert consuming.cancelled()
                gate.open()
                assert (await mailer.send(email(subject="after"))).accepted

        asyncio.run(work())
        wait_until(lambda: all(session.closed for session in server.sessions) or None, "the connections' end")
    assert subjects(server) == ["subject-0", "after"]


def test_a_cancelled_slow_source_is_not_read_on() -> None:
    async def work() -> None:
        asked = asyncio.Event()
        ended = asyncio.Event()

        async def endless() -> AsyncIterator[Email]:
            try:
                asked.set()
                await asyncio.get_running_loop().create_future()
                yield email()
            finally:
                ended.set()

        async with AsyncMailer("null://") as mailer:

            async def consume() -> None:
                async for _ in mailer.send_many(endless()):
                    pass

            consuming = asyncio.create_task(consume())
            await asked.wait()
            consuming.cancel()
            await let_others_run(8)
            assert consuming.cancelled()
            assert ended.is_set()

    asyncio.run(work())


def test_break_in_a_loop_over_reports() -> None:
    with ScriptedServer() as server:

        async def work() -> None:
            async with AsyncMailer(server.url + "?pool=1") as mailer:
                async for _ in mailer.send_many(emails(10 * WINDOW)):
                    break

        asyncio.run(work())
        with Mailer(server.url + "?pool=1") as mailer:
            for _ in mailer.send_many(emails(10 * WINDOW)):
                break
        wait_until(lambda: all(session.closed for session in server.sessions) or None, "the connections' end")
    assert len(server.messages) < 10 * WINDOW
    assert all(message.accepted for message in server.messages)


def test_many_go_over_few_connections_pipelined() -> None:
    with ScriptedServer() as server:
        reports = Blocking(server.url + "?pool=2").send_many(emails(50))
        assert len(reports) == 50
        assert len(server.sessions) <= 2
    assert verbs(server.commands).count("RSET") == 0


def failing(count: int) -> Iterator[Email]:
    yield from emails(count)
    raise LookupError("my database died")


@pytest.mark.parametrize("count", [0, 5, 150])
def test_what_the_iterable_raises_comes_behind_the_reports(count: int) -> None:
    with ScriptedServer() as server:
        with Mailer(server.url) as mailer:
            blocking = _heard(mailer.send_many(failing(count)))
        asynchronous = asyncio.run(_heard_later(server.url, failing(count)))
        later = asyncio.run(_heard_later(server.url, _failing_later(count)))
        assert len(server.messages) == 3 * count
    assert blocking == asynchronous == later == count


def _heard(reports: Iterator[SendReport]) -> int:
    heard = 0
    try:
        for _ in reports:
            heard += 1
    except LookupError:
        return heard
    raise AssertionError("it was not raised")


async def _failing_later(count: int) -> AsyncIterator[Email]:
    for one in failing(count):
        yield one


async def _heard_later(url: str, messages: Any) -> int:
    heard = 0
    async with AsyncMailer(url) as mailer:
        try:
            async for _ in mailer.send_many(messages):
                heard += 1
        except LookupError:
            return heard
    raise AssertionError("it was not raised")
