"""What ``postroad`` exports is there, loads late, and has its documentation."""

import importlib
import inspect
import subprocess
import sys

import pytest

import postroad


@pytest.mark.parametrize("name", postroad.__all__)
def test_every_name_is_there(name: str) -> None:
    value = getattr(postroad, name)
    assert value is not None
    if inspect.isclass(value):
        assert value.__name__ == name
        assert value.__module__.startswith("postroad.")
        assert inspect.getdoc(value), f"{name} says nothing about itself"


def test_all_is_sorted_and_complete() -> None:
    assert postroad.__all__ == sorted(postroad.__all__)
    assert set(postroad.__all__) - {"__version__"} == set(postroad._HOME_OF)
    assert set(dir(postroad)) >= set(postroad.__all__)


def test_every_name_stands_where_it_is_said_to() -> None:
    for name, home in postroad._HOME_OF.items():
        assert getattr(importlib.import_module(home), name) is getattr(postroad, name)


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Mialer'"):
        postroad.Mialer  # noqa: B018 - looking it up is the point


def test_the_names_a_reader_learns_first_are_public() -> None:
    first = {
        "Email",
        "Attachment",
        "InlineImage",
        "RawMessage",
        "Mailer",
        "AsyncMailer",
        "Outbox",
        "AsyncOutbox",
        "Secret",
    }
    assert first <= set(postroad.__all__)


def loaded_by(statement: str) -> set[str]:
    program = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    return set(done.stdout.split())


def test_importing_postroad_costs_next_to_nothing() -> None:
    loaded = loaded_by("import postroad")
    assert {name for name in loaded if name.startswith("postroad")} <= {"postroad", "postroad.secret"}
    assert len(loaded) < 60  # a handful of the standard library's; asyncio or ssl alone would be more


@pytest.mark.parametrize(
    "statement", ["from postroad import Email, Mailer", "from postroad import AsyncMailer, RawMessage"]
)
def test_sending_loads_nothing_that_it_does_not_use(statement: str) -> None:
    loaded = loaded_by(statement)
    heavy = {"sqlalchemy", "alembic", "cryptography", "rich", "click", "idna", "html.parser", "http.client", "sqlite3",
             "importlib.metadata", "email.message", "email.policy", "postroad.outbox", "postroad.database"}  # fmt: skip
    assert loaded & heavy == set()


def test_what_an_extra_would_bring_is_named_when_it_is_missing() -> None:
    program = """
import sys
sys.modules["sqlalchemy"] = None  # as if it were not installed
import postroad
from postroad import Email, Mailer
try:
    postroad.Outbox
except ImportError as error:
    assert isinstance(error, postroad.MissingExtra), error
    assert isinstance(error, postroad.ConfigurationError)
    print(error, "|", error.advice)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert "pip install 'postroad[outbox]'" in done.stdout
    assert "sqlalchemy" in done.stdout
