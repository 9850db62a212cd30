"""What every test may lean on: the peers, the public test data, the effort asked for, and skips that may not pass."""

import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.peers.program import find_program

pytest_plugins = ["tests.peers.fixtures", "tests.peers.databases"]

RequiresProgram = Callable[[str], str]

LONG = 16  # octets of a parameter that are still worth reading in the name of a test

# Where every program can be installed, a skipped test is a test that silently stopped watching.
SKIPPING_FAILS = os.environ.get("POSTROAD_CI") == "1"

# A skip whose reason holds the key passes all the same, for the reason beside it.
SKIPS_THAT_PASS = {
    "POSTROAD_CORPORA": "the public test data belongs to others and is no part of a clone",
    "nobody may mount": "a container may forbid it, also to root; the full disk is tried in two more ways",
    "POSTROAD_PYTHONS": "Debian offers one Python; the others are compared where somebody installed them",
}

# The default profile tries the same examples every time, so what is red is red for everyone; `make fuzz` explores.
settings.register_profile(
    "default", max_examples=60 if SKIPPING_FAILS else 20, derandomize=True, database=None, deadline=None
)
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("POSTROAD_FUZZ_EXAMPLES", "5000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")

# A job in the background inherits that Ctrl-C is ignored, and so would the commands that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def requires_program() -> RequiresProgram:
    """The path of a program of the operating system; the test is skipped, naming it, where it is not installed."""

    def path_of(name: str) -> str:
        path = find_program(name)
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return path_of


@pytest.fixture(scope="session")
def requires_server(requires_program: RequiresProgram) -> RequiresProgram:
    """As ``requires_program``, for a server whose master gives its processes to users of their own: only root may."""

    def path_of(name: str) -> str:
        path = requires_program(name)
        if os.geteuid() != 0:
            pytest.skip(f"{name} runs as root only")
        return path

    return path_of


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of public test data; the test is skipped where it is absent."""
    folder = corpora_folder()
    if not folder.is_dir():
        pytest.skip("POSTROAD_CORPORA names no folder of public test data")
    return folder


def corpora_folder() -> Path:
    beside_the_project = Path(__file__).parents[2] / "shared" / "corpora"
    return Path(os.environ.get("POSTROAD_CORPORA", beside_the_project))


@pytest.fixture(scope="session")
def kill_rounds() -> int:
    """How often a test that kills processes at random points starts over."""
    return int(os.environ.get("POSTROAD_KILL_ROUNDS", "3"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where ``SKIPPING_FAILS``, unless its reason is one of ``SKIPS_THAT_PASS``."""
    if not (SKIPPING_FAILS and report.outcome == "skipped"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(key in reason for key in SKIPS_THAT_PASS):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {reason}"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long octets make no name: they may hold a time, and every process that runs tests must find the same ones."""
    return argname if isinstance(val, bytes) and len(val) > LONG else None
