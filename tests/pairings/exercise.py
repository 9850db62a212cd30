"""What is tried with every foreign server and client, and the mark by which a test says that it tries it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest


class Feature(Enum):
    """A row of the tables in docs/pairings.md, in their order."""

    PLAIN = "plain text"
    STARTTLS = "STARTTLS"
    IMPLICIT_TLS = "implicit TLS"
    AUTH_PLAIN = "AUTH PLAIN"
    AUTH_LOGIN = "AUTH LOGIN"
    AUTH_CRAM_MD5 = "AUTH CRAM-MD5"
    AUTH_SCRAM = "AUTH SCRAM-SHA-256"
    WRONG_PASSWORD = "a wrong password"
    HELO = "HELO alone"
    PIPELINING = "PIPELINING"
    CHUNKING = "CHUNKING"
    EIGHT_BIT_MIME = "8BITMIME"
    EIGHT_BITS = "8-bit content"
    SMTPUTF8 = "SMTPUTF8"
    SIZE = "SIZE"
    TOO_LARGE = "a message too large"
    DSN = "DSN"
    ENHANCED_CODES = "ENHANCEDSTATUSCODES"
    SEVERAL_RECIPIENTS = "some recipients refused"
    NO_RECIPIENT = "all recipients refused"
    TOO_MANY_RECIPIENTS = "452 for too many recipients"
    SENDER_REFUSED = "the sender refused"
    CONTENT_REFUSED = "the content refused"
    SHUTTING_DOWN = "421 in a session"
    HANGING_UP = "hanging up in a session"
    NULL_SENDER = "the null sender"
    LARGE = "1 MB, lines beginning with dots"
    TWENTY = "20 messages"
    CONCURRENT = "20 sessions at once"
    EACH_REPLY = "one reply for each recipient"
    UNIX_SOCKET = "over a UNIX socket"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Exercise:
    """A feature tried; ``offered`` says, for an extension, whether the server offered it."""

    feature: Feature
    offered: bool | None = None


def on(feature: Feature) -> Exercise:
    """An extension that is offered."""
    return Exercise(feature, offered=True)


def off(feature: Feature) -> Exercise:
    """An extension that is not offered."""
    return Exercise(feature, offered=False)


def exercises(*tried: Feature | Exercise) -> pytest.MarkDecorator:
    """The mark of a test, or of one of its parameters."""
    return pytest.mark.exercises(*(Exercise(one) if isinstance(one, Feature) else one for one in tried))


def marked(marks: Iterable[Any]) -> set[Exercise]:
    """What the marks among these say is tried."""
    return {tried for mark in marks if mark.name == "exercises" for tried in mark.args}


def exercised_by(function: Callable[..., Any]) -> set[Exercise]:
    """What a test function tries, all its parameters taken together."""
    marks = getattr(function, "pytestmark", [])
    of_parameters = [
        mark
        for parametrize in marks
        if parametrize.name == "parametrize"
        for parameters in parametrize.args[1]
        for mark in getattr(parameters, "marks", ())
    ]
    return marked(marks) | marked(getattr(mark, "mark", mark) for mark in of_parameters)


def beyond(suite: type) -> dict[Exercise, str]:
    """What a suite leaves out, and why."""
    return {
        **{on(feature): "it does not offer it" for feature in getattr(suite, "never", ())},
        **{off(feature): "it always offers it" for feature in getattr(suite, "always", ())},
        **dict.fromkeys(getattr(suite, "otherwise", ()), "tried in another way"),
        **getattr(suite, "cannot", {}),
    }
