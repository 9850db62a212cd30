"""Everything that a program may print about an error, variables of all frames included."""

import traceback

import pytest

from postroad.errors import ConfigurationError
from postroad.secret import Secret


def failure_of(secret: Secret, *, hidden: tuple[str, ...] = ()) -> ConfigurationError:
    """The error that revealing ends with; none of ``hidden`` may show in it, however it is printed."""
    with pytest.raises(ConfigurationError) as caught:
        secret.reveal()
    shows_nothing(caught.value, *hidden)
    assert secret.reference is not None
    assert str(caught.value).startswith(f"{secret.reference}: ")
    assert caught.value.setting == secret.reference.text
    return caught.value


def shows_nothing(error: BaseException, *hidden: str) -> None:
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    told = [str(error), repr(error), *_of_the_package(whole)]
    for text in told:
        for one in hidden:
            assert one not in text


def _of_the_package(trace: traceback.TracebackException | None) -> list[str]:
    """The frames outside of the tests, and all that led to them: a test holds what it looks for itself."""
    if trace is None:
        return []
    frames = [f"{frame.name} {frame.locals}" for frame in trace.stack if "/tests/" not in frame.filename]
    return [*frames, *_of_the_package(trace.__cause__), *_of_the_package(trace.__context__)]
