"""A secret is used and never seen."""

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest

from postroad.secret import MASK, Secret

PASSWORD = "hunter2-correct-horse"


@dataclass
class Account:
    password: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(PASSWORD)),
        str(Secret(PASSWORD)),
        f"{Secret(PASSWORD)}",
        f"{Secret(PASSWORD):>40}",
        f"{Secret(PASSWORD)!r}",
        "%s %r" % (Secret(PASSWORD), Secret(PASSWORD)),  # noqa: UP031 - logging formats this way
        "{0}".format(Secret(PASSWORD)),  # noqa: UP030, UP032 - and this
        repr([Secret(PASSWORD)]),
        repr(Account(Secret(PASSWORD))),
    ],
)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert PASSWORD not in shown
    assert MASK in shown


def test_only_reveal_shows_it() -> None:
    secret = Secret(PASSWORD)
    assert secret.reveal() == PASSWORD
    assert Secret(secret).reveal() == PASSWORD
    assert secret == Secret(PASSWORD)
    assert secret != Secret("other")
    assert secret != PASSWORD
    assert len({secret, Secret(PASSWORD)}) == 1
    assert secret
    assert not Secret("")


def test_it_stays_out_of_logs_and_of_tracebacks_with_their_variables(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(PASSWORD)
    logging.getLogger("postroad.test").error("log in with %s", secret)
    try:
        raise ValueError(f"cannot use {secret}")
    except ValueError as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert PASSWORD not in told.replace(f"PASSWORD = {PASSWORD!r}", "")
    assert MASK in told
    assert PASSWORD not in caplog.text


def test_it_is_not_written_away_by_accident() -> None:
    with pytest.raises(TypeError, match="not picklable"):
        pickle.dumps(Secret(PASSWORD))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(PASSWORD))
    with pytest.raises(TypeError):
        json.dumps(Secret(PASSWORD))
    assert not hasattr(Secret(PASSWORD), "__dict__")


def test_it_does_not_change() -> None:
    secret = Secret(PASSWORD)
    with pytest.raises(AttributeError, match="does not change"):
        secret._value = "other"
    with pytest.raises(AttributeError):
        secret.value = "other"
    assert secret.reveal() == PASSWORD
