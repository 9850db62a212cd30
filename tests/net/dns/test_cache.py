"""Answers are kept for as long as they are good, and no longer."""

from postroad.lookup import Answer, RecordType, Status, found
from postroad.net.dns.cache import AnswerCache
from postroad.net.dns.settings import DnsSettings
from tests.fakes import FakeClock

A, MX = RecordType.A, RecordType.MX


def test_an_answer_is_kept_for_its_time_to_live() -> None:
    clock = FakeClock()
    cache = AnswerCache(DnsSettings(), clock)
    cache.put(found("a.example", RecordType.TXT, [b"x"], ttl=60))
    clock.at += 20
    kept = cache.get("a.example", RecordType.TXT)
    assert kept is not None
    assert (kept.texts, kept.ttl) == ((b"x",), 40)
    assert cache.get("a.example", A) is None
    clock.at += 40
    assert cache.get("a.example", RecordType.TXT) is None
    assert len(cache) == 0


def test_a_name_that_does_not_exist_has_no_records_of_any_type() -> None:
    cache = AnswerCache(DnsSettings(), FakeClock())
    cache.put(Answer("a.example", A, Status.NO_NAME, ttl=60))
    kept = cache.get("a.example", MX)
    assert kept is not None
    assert (kept.status, kept.kind) == (Status.NO_NAME, MX)


def test_an_alias_that_leads_nowhere_exists() -> None:
    cache = AnswerCache(DnsSettings(), FakeClock())
    cache.put(Answer("a.example", A, Status.NO_NAME, ttl=60, aliases=("b.example",)))
    assert cache.get("a.example", A) is not None
    assert cache.get("a.example", RecordType.CNAME) is None


def test_times_have_limits() -> None:
    clock = FakeClock()
    cache = AnswerCache(DnsSettings(max_ttl=100, max_negative_ttl=50, failure_ttl=5), clock)
    cache.put(found("good.example", RecordType.TXT, [b"x"], ttl=1e9))
    cache.put(Answer("none.example", A, Status.NO_DATA, ttl=1e9))
    cache.put(Answer("late.example", A, Status.TIMEOUT))
    cache.put(found("never.example", RecordType.TXT, [b"x"], ttl=0))
    assert cache.get("never.example", RecordType.TXT) is None
    for seconds, left in ((4.9, 3), (5, 2), (50, 1), (100, 0)):
        clock.at = FakeClock().at + seconds
        looked = [cache.get("good.example", RecordType.TXT), cache.get("none.example", A), cache.get("late.example", A)]
        assert sum(one is not None for one in looked) == left


def test_the_one_that_was_not_asked_for_longest_is_forgotten() -> None:
    cache = AnswerCache(DnsSettings(max_entries=2), FakeClock())
    for name in ("a", "b"):
        cache.put(found(name, RecordType.TXT, [b"x"], ttl=60))
    assert cache.get("a", RecordType.TXT)
    cache.put(found("c", RecordType.TXT, [b"x"], ttl=60))
    assert [cache.get(name, RecordType.TXT) is not None for name in "abc"] == [True, False, True]
