"""References resolved: late, kept for a bounded time, one trip for all, in whatever thread or loop they ask."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from postroad.errors import ConfigurationError, SecretUnavailable
from postroad.net.secrets.finding import Finding
from postroad.net.secrets.store import AT_HAND, READERS, SecretStore
from postroad.secret import FORMS, Reference, Secret
from tests.fakes import FakeClock
from tests.showing import shows_nothing

PATIENCE = 120.0  # seconds; only waited for by a test that fails


class Place:
    """A place where secrets are kept, that answers when it is told to."""

    def __init__(self, *answers: Finding, closed: bool = False) -> None:
        self._answers = list(answers)
        self.visits: list[str] = []  # the names of the threads that came
        self.reached = threading.Event()
        self.open = threading.Event()
        if not closed:
            self.open.set()

    def __call__(self, reference: Reference) -> Finding:
        self.visits.append(threading.current_thread().name)
        number = len(self.visits) - 1
        self.reached.set()
        assert self.open.wait(PATIENCE)
        return self._answers[min(number, len(self._answers) - 1)]


def stored(place: Callable[[Reference], Finding]) -> tuple[SecretStore, FakeClock]:
    clock = FakeClock()
    return SecretStore({"vault": place, "env": place}, clock), clock


def found(value: str) -> Finding:
    return Finding.found(value)


REFERENCE = Reference("vault:secret/smtp#password", "vault", "secret/smtp", "password", 60.0)
SECRET = Secret.ref(REFERENCE.text, max_age=60)


def test_every_form_has_a_reader() -> None:
    assert set(READERS) == set(FORMS)
    assert set(READERS) > AT_HAND


def test_it_is_kept_for_max_age_and_no_longer() -> None:
    place = Place(found("one"), found("two"), found("three"))
    store, clock = stored(place)
    assert not place.visits, "nothing is read before it is needed"
    seen = []
    for at in (0.0, 59.9, 60.0, 119.9, 120.0):
        clock.at = at
        seen.append(store.resolve(REFERENCE))
    assert seen == ["one", "one", "two", "two", "three"]


def test_what_is_at_hand_is_read_each_time() -> None:
    place = Place(found("one"), found("two"))
    store, _ = stored(place)
    secret = Secret.ref("env:NAME")
    assert secret.reference is not None
    assert store.resolve(secret.reference) == "one"
    assert asyncio.run(store.fetch(secret)) == Secret("two")
    assert set(place.visits) == {threading.main_thread().name}


def test_a_value_is_its_own() -> None:
    store, _ = stored(Place(found("other")))
    assert asyncio.run(store.fetch(Secret("own"))) == Secret("own")
    store.forget(Secret("own"), Secret("own"))


def test_a_refused_value_is_read_anew_and_a_newer_one_stays() -> None:
    place = Place(found("old"), found("new"), found("newest"))
    store, _ = stored(place)
    old = Secret(store.resolve(REFERENCE))
    store.forget(SECRET, old)
    assert store.resolve(REFERENCE) == "new"
    store.forget(SECRET, old)  # by a connection that was refused a little later
    assert store.resolve(REFERENCE) == "new"
    assert len(place.visits) == 2


def test_many_coroutines_and_threads_make_one_trip() -> None:
    place = Place(found("hunter2"), closed=True)
    store, _ = stored(place)

    async def many() -> list[Secret]:
        asking = [asyncio.create_task(store.fetch(SECRET)) for _ in range(50)]
        await asyncio.to_thread(place.reached.wait)
        return await asyncio.gather(*asking)

    with ThreadPoolExecutor(8) as threads:
        loops = [threads.submit(asyncio.run, many()) for _ in range(3)]
        blocking = [threads.submit(store.resolve, REFERENCE) for _ in range(4)]
        assert place.reached.wait(PATIENCE)
        place.open.set()
        assert {secret.reveal() for loop in loops for secret in loop.result()} == {"hunter2"}
        assert {one.result() for one in blocking} == {"hunter2"}
    assert place.visits == ["postroad-secret"]


def test_the_event_loop_goes_on_meanwhile() -> None:
    place = Place(found("hunter2"), closed=True)
    store, _ = stored(place)

    async def work() -> Secret:
        asking = asyncio.create_task(store.fetch(SECRET))
        await asyncio.to_thread(place.reached.wait)
        assert not asking.done()
        place.open.set()  # by this very loop: if it were blocked, nobody would
        return await asking

    assert asyncio.run(work()) == Secret("hunter2")


def test_whoever_gives_up_ends_it_for_nobody_else() -> None:
    place = Place(found("hunter2"), closed=True)
    store, _ = stored(place)

    async def work() -> Secret:
        first, second = (asyncio.create_task(store.fetch(SECRET)) for _ in range(2))
        await asyncio.to_thread(place.reached.wait)
        first.cancel()
        await asyncio.wait((first,))
        assert first.cancelled()
        place.open.set()
        return await second

    assert asyncio.run(work()) == Secret("hunter2")
    assert store.resolve(REFERENCE) == "hunter2"
    assert len(place.visits) == 1


def test_a_failure_is_everybodys_own_and_is_not_kept() -> None:
    place = Place(Finding.passing("sealed"), found("hunter2"), closed=True)
    store, _ = stored(place)

    async def work() -> list[Secret | BaseException]:
        asking = [asyncio.create_task(store.fetch(SECRET)) for _ in range(5)]
        await asyncio.to_thread(place.reached.wait)
        place.open.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    errors = asyncio.run(work())
    assert {type(error) for error in errors} == {SecretUnavailable}
    assert {str(error) for error in errors} == {"vault:secret/smtp#password: sealed"}
    assert len({id(error) for error in errors}) == 5
    assert store.resolve(REFERENCE) == "hunter2"


def test_a_trip_that_takes_too_long_is_given_up_and_the_next_one_begins_anew() -> None:
    stuck, quick = threading.Event(), found("hunter2")
    visits: list[int] = []

    def place(reference: Reference) -> Finding:
        visits.append(1)
        if len(visits) == 1:
            assert stuck.wait(PATIENCE)
            return found("too late")
        return quick

    store, _ = stored(place)
    with pytest.raises(SecretUnavailable, match=r"no answer within 0\.05 s"):
        asyncio.run(store.fetch(SECRET, 0.05))
    assert store.resolve(REFERENCE) == "hunter2"
    stuck.set()
    assert store.resolve(REFERENCE) == "hunter2"


def test_a_readers_defect_reaches_those_who_ask() -> None:
    def place(reference: Reference) -> Finding:
        raise ZeroDivisionError

    store, _ = stored(place)
    with pytest.raises(ZeroDivisionError):
        store.resolve(REFERENCE)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(store.fetch(SECRET))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 on: that forking is dangerous
def test_a_forked_child_makes_its_own_trip() -> None:
    place = Place(found("of the parent"), found("of the child"), closed=True)
    store, _ = stored(place)
    waiting = threading.Thread(target=store.resolve, args=(REFERENCE,))
    waiting.start()
    assert place.reached.wait(PATIENCE)
    child = os.fork()
    if child == 0:  # the thread that would land the parent's trip is not here
        try:
            place.open = threading.Event()
            place.open.set()
            os._exit(0 if store.resolve(REFERENCE) == "of the child" else 1)
        finally:
            os._exit(2)
    place.open.set()
    waiting.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.resolve(REFERENCE) == "of the parent"


def test_nothing_shows_in_any_frame() -> None:
    place = Place(Finding(None, "no \x1b[31mreason\n at all"))
    store, _ = stored(place)
    with pytest.raises(ConfigurationError) as caught:
        store.resolve(REFERENCE)
    assert str(caught.value) == "vault:secret/smtp#password: no ?[31mreason at all"
    shows_nothing(caught.value, "hunter2")
    assert "hunter2" not in repr(found("hunter2"))
