"""Streams: mail of one purpose, kept apart from mail of another."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from postroad.errors import ConfigurationError, MessageError
from postroad.retry import BULK, TRANSACTIONAL, Schedule

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class StreamKind(StrEnum):
    """Whether somebody waits for each mail, or it is sent to many."""

    TRANSACTIONAL = "transactional"
    BULK = "bulk"

    @property
    def schedule(self) -> Schedule:
        """When its deliveries are tried again."""
        return BULK if self is StreamKind.BULK else TRANSACTIONAL

    @property
    def priority(self) -> int:
        """The lower goes first."""
        return 20 if self is StreamKind.BULK else 10  # room between and around them


class UncertainPolicy(StrEnum):
    """What to do where the final dot went out and no answer is on record."""

    RETRY = "retry"  # may double the mail
    HOLD = "hold"  # somebody decides
    ASSUME_SENT = "assume_sent"  # may lose the mail


@dataclass(frozen=True, slots=True)
class Stream:
    """What holds for a stream; one that was never declared is transactional and tries again.

    Raises:
        ConfigurationError: the name is not 1 to 64 letters, digits, dots, hyphens and underscores.
    """

    name: str
    kind: StreamKind = StreamKind.TRANSACTIONAL
    uncertain: UncertainPolicy = UncertainPolicy.RETRY
    schedule: Schedule | None = None  # a worker's own, instead of the kind's; not kept in the database

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            sentence = f"the stream name {self.name!r} is not 1 to 64 letters, digits, dots, hyphens and underscores"
            raise ConfigurationError(sentence, setting="stream")

    @property
    def retries(self) -> Schedule:
        """When its deliveries are tried again."""
        return self.schedule or self.kind.schedule


USUAL: Final = {
    "transactional": Stream("transactional"),
    "bulk": Stream("bulk", StreamKind.BULK),
}


def checked_name(name: object) -> str:
    """The name of a stream, as a caller gave it.

    Raises:
        MessageError: it is no such name.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        sentence = f"stream: {name!r} is not 1 to 64 letters, digits, dots, hyphens and underscores"
        raise MessageError(sentence, field="stream")
    return name
