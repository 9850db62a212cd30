"""How reading a secret ends: found, or why not.

Tools that report failures print the variables of every frame that an error went through. So no reader raises where it
holds what it has read, a token, or another library's error, whose frames hold them too: it returns a ``Finding``, and
``Finding.secret_of`` raises in a frame that knows the reference and the reason alone.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from postroad.errors import ConfigurationError, MissingExtra, SecretUnavailable
from postroad.secret import Reference, Secret

MAX_REASON: Final = 500  # characters; what others say about a failure is shown, but not at any length


class Trouble(Enum):
    """What kind of failure it is."""

    SETTING = "the reference or its store must be corrected"
    PASSING = "the store cannot be asked now"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reader found: a secret, or the reason why there is none."""

    secret: Secret | None
    reason: str = ""
    trouble: Trouble = Trouble.SETTING

    @classmethod
    def found(cls, value: object) -> Self:
        """A value as the store gave it: a text that is not empty, or it is a reason."""
        if not isinstance(value, str):
            return cls(None, "it is no text")
        return cls(Secret(value)) if value else cls(None, "it is empty")

    @classmethod
    def passing(cls, reason: str) -> Self:
        return cls(None, reason, Trouble.PASSING)

    def secret_of(self, reference: Reference) -> Secret:
        """
        Raises:
            ConfigurationError: there is none; says why.
            SecretUnavailable: the store cannot be asked now.
        """
        if self.secret is not None:
            return self.secret
        kind = SecretUnavailable if self.trouble is Trouble.PASSING else ConfigurationError
        raise kind(f"{reference}: {printable(self.reason)}", setting=reference.text)


def missing(reference: Reference, library: str, extra: str) -> MissingExtra:
    """The library that reads such references is not installed."""
    return MissingExtra(
        f"{reference}: the {library} library is not installed",
        setting=reference.text,
        advice=f"pip install 'postroad[{extra}]'",
    )


def printable(text: str) -> str:
    """On one line, without control characters, of bounded length: the end says what went wrong."""
    line = " ".join("".join(one if one.isprintable() or one.isspace() else "?" for one in text).split())
    return line if len(line) <= MAX_REASON else "…" + line[-MAX_REASON:]
