"""Limits that hold for a while, written down by several workers."""

from postroad.database.database import Database
from postroad.outbox.override import Override, overrides, set_overrides
from postroad.outbox.shaping.limits import Limits
from postroad.transport.gcra import Rate
from tests.fakes import START

STRICT = Override("site", "google", START, START + 3600, Limits(rate=Rate(1, 60.0)), "rule one", "421 far too fast")
MILD = Override("site", "google", START + 60, START + 600, Limits(4, rate=Rate(10, 60.0)), "rule two", "421 too fast")


def test_what_another_worker_has_learnt_is_not_taken_back_by_what_is_milder(any_database: str) -> None:
    database = Database(any_database)
    database.write(set_overrides, STRICT)
    database.write(set_overrides, MILD)
    (found,) = database.read(lambda connection: overrides(connection, START + 61))
    assert found.limits == Limits(4, rate=Rate(1, 60.0))
    assert found.until == STRICT.until
    database.close()


def test_what_is_over_counts_no_more(any_database: str) -> None:
    database = Database(any_database)
    database.write(set_overrides, STRICT._replace(until=START + 30))
    database.write(set_overrides, MILD)
    (found,) = database.read(lambda connection: overrides(connection, START + 61))
    assert found == MILD
    database.close()
