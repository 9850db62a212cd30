"""What a worker finds out, beside what somebody has decided."""

import pytest

from postroad.database.database import Database
from postroad.outbox.pause import Pause, Target, pause
from postroad.outbox.resting import Rest, Resting
from postroad.outbox.suspend import Suspending, suspend, suspensions
from tests.fakes import START


@pytest.mark.parametrize(("until", "who"), [(None, "ops"), (START + 900, "ops"), (START + 30, "worker")])
def test_a_worker_ends_no_pause_sooner(any_database: str, until: float | None, who: str) -> None:
    database = Database(any_database)
    database.write(pause, Pause(Target("site", "google"), START, until, "ops", "a wave of bounces"))
    database.write(suspend, Suspending("site", "google", START, START + 60, "worker", "421 too many"))
    (found,) = database.read(lambda connection: suspensions(connection, START + 1))
    assert found.who == who
    database.close()


def test_in_memory_too_the_longer_rest_stays() -> None:
    paused = Resting((Rest("site", "google", None),))
    assert paused.with_(Rest("site", "google", START)).rests == paused.rests
    assert Resting().with_(Rest("site", "google", START)).rests == (Rest("site", "google", START),)
