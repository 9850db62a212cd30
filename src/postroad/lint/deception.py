"""MSG-10: name and subject claim nothing that is not so."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule, excerpt

MAX_NAME: Final = 1_000  # characters of a name that are looked at; no client shows as many
_ADDRESS: Final = re.compile(r"[^\s<>()@\"',;:]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_REPLY: Final = re.compile(r"(?i)\s*(?:re|aw|antw|sv|fwd?|wg|tr|rv|enc)\s*(?:\[\d+\])?\s*:")


def _faults(message: LintedMessage) -> Iterator[Fault]:
    for address in message.addresses("from"):
        found = _ADDRESS.search(address.display_name[:MAX_NAME])
        if found and found[1].lower() != address.domain:
            yield Fault(Level.WARN, f"the name in From shows another address: {excerpt(found.group())}")
        yield from _of_characters("the name in From", address.display_name)
    subject = message.value("subject") or ""
    if _REPLY.match(subject) and not (message.named("in-reply-to") or message.named("references")):
        yield Fault(Level.WARN, f"the subject looks like an answer, and nothing is answered: {excerpt(subject)}")
    yield from _of_characters("the subject", subject)


def _of_characters(what: str, text: str) -> Iterator[Fault]:
    """Characters that nobody sees, or that turn the direction of others, are there to deceive (Unicode TR 36)."""
    hidden = [one for one in text if unicodedata.category(one) == "Cf" and one not in "\u200c\u200d\u00ad"]
    if hidden:
        yield Fault(Level.WARN, f"{what} holds an invisible character (U+{ord(hidden[0]):04X})")


RULE: Final = Rule(
    "MSG-10",
    "The name in From shows no other address, and a subject begins with Re: only in an answer.",
    "Gmail, requirements for all senders",
    "name and subject claim nothing that is not so",
    _faults,
)
