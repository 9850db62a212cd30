"""MSG-07: bounces come back, and tell which delivery they are about."""

from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule, excerpt

_PARTING: Final = "+=-_"  # one of them parts the mailbox from the token: VERP, BATV, SRS
_MIN_TOKEN: Final = 8  # characters; what is shorter is part of a name


def _faults(message: LintedMessage) -> Iterator[Fault]:
    """A message that was not delivered yet has no Return-Path; the receiver writes it (RFC 5321 §4.4)."""
    given = message.value("return-path")
    if given is None:
        return
    path = given.strip().removeprefix("<").removesuffix(">").strip()
    local, at, domain = path.rpartition("@")
    if not path:
        yield Fault(Level.INFO, "the return path is empty: nobody hears of a bounce")
    elif not at or not local or not domain:
        yield Fault(Level.WARN, f"Return-Path is no address: {excerpt(given)}")
    elif not any(_has_token(local, sign) for sign in _PARTING):
        yield Fault(Level.INFO, f"the return path {excerpt(path)} holds no token that ties a bounce to its delivery")


def _has_token(local: str, sign: str) -> bool:
    return any(len(piece) >= _MIN_TOKEN for piece in local.split(sign)[1:])


RULE: Final = Rule(
    "MSG-07",
    "The return path is an address of the bounce domain, with a token for each delivery (VERP).",
    "RFC 5321 §4.4",
    "the return path is fine, or the message was not delivered yet",
    _faults,
)
