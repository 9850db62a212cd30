"""Mutated mail, replies and commands find nothing that breaks.

In the default run a few hundred inputs for each target, always the same. ``make fuzz SECONDS=…`` goes on for so long,
from a seed that a failure names; ``POSTROAD_FUZZ_SEED`` starts from there again.
"""

import os
import tracemalloc
from collections.abc import Iterator
from secrets import randbits
from time import perf_counter

import pytest

from tests.fuzz.mutator import Mutator, reduced
from tests.fuzz.targets import TARGETS, Target

FUZZ_SECONDS = float(os.environ.get("POSTROAD_FUZZ_SECONDS", "0"))  # for each target; 0: so many inputs and no more
INPUTS = 200
WEIGH_EACH = 20  # every so many inputs memory is weighed, which is slow
SLACK = 2_000_000  # octets that any input may take
SLOW = 5.0  # seconds for one input, of 200 kB at the most: far beyond anything linear


def seed() -> str:
    return os.environ.get("POSTROAD_FUZZ_SEED") or (str(randbits(32)) if FUZZ_SECONDS else "0")


def turns() -> Iterator[int]:
    """Count the inputs, for as many or as long as there should be."""
    end, turn = perf_counter() + FUZZ_SECONDS, 0
    while turn < INPUTS or perf_counter() < end:
        yield turn
        turn += 1


def failure(target: Target, data: bytes) -> Exception | None:
    try:
        target.check(data)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is what is looked for
        return fault
    return None


def shortest(target: Target, data: bytes, kind: type[Exception]) -> bytes:
    return reduced(data, lambda shorter: isinstance(failure(target, shorter), kind))


def peak(target: Target, data: bytes) -> int:
    """Octets taken at the most."""
    tracemalloc.start()
    try:
        target.check(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_breaks(target: Target) -> None:
    begun_with = seed()
    mutator, good = Mutator(f"{begun_with}/{target.name}"), target.seeds()
    for turn in turns():
        data = mutator.mutated(good) if turn >= len(good) else good[turn]
        started = perf_counter()
        fault = failure(target, data)
        where = f"input {turn} of seed {begun_with}"
        if fault is not None:
            short = shortest(target, data, type(fault))
            raise AssertionError(f"{where}, reduced: {short!r}") from failure(target, short) or fault
        assert perf_counter() - started < SLOW, f"{where} is slow: {data!r}"
        if turn % WEIGH_EACH == 0:
            octets = peak(target, data)
            assert octets <= SLACK + target.most_growth * len(data), f"{where} took {octets} octets: {data!r}"


def test_the_same_seed_gives_the_same_inputs() -> None:
    seeds = [b"From: a@example.com\r\n\r\nx\r\n", b"220 x\r\n"]
    first, second, other = Mutator(1), Mutator(1), Mutator(2)
    inputs = [first.mutated(seeds) for _ in range(50)]
    assert inputs == [second.mutated(seeds) for _ in range(50)]
    assert inputs != [other.mutated(seeds) for _ in range(50)]
    assert len(set(inputs)) > 40


def test_what_fails_is_made_short() -> None:
    long = b"x" * 300 + b"<" + b"y" * 200 + b">" + b"z" * 100
    assert reduced(long, lambda data: b"<" in data and b">" in data) == b"<>"
