"""MSG-02: fields that may stand there once, lines and line ends that every server takes."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LineEnds, LintedMessage
from postroad.lint.rule import Fault, Rule, excerpt

MAX_LINE: Final = 998  # octets (RFC 5322 §2.1.1, RFC 5321 §4.5.3.1.6)
WISHED_LINE: Final = 78  # octets (RFC 5322 §2.1.1)
MAX_HEADER: Final = 102_400  # octets of all fields; Postfix cuts here (header_size_limit), Gmail answers 552 5.3.4
# RFC 5322 §3.6, RFC 2045 §3 and §5, RFC 8058 §3.1
_ONCE: Final = frozenset(
    {"date", "from", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject",
     "mime-version", "content-type", "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post",
     "list-id"}
)  # fmt: skip


def _faults(message: LintedMessage) -> Iterator[Fault]:
    yield from _of_fields(message)
    yield from _of_line_ends(message)
    yield from _of_lines(message)


def _of_fields(message: LintedMessage) -> Iterator[Fault]:
    counts = Counter(field.key for field in message.entity.fields)
    for field in {field.key: field for field in message.entity.fields}.values():
        if field.key in _ONCE and counts[field.key] > 1:
            yield Fault(Level.FAIL, f"{excerpt(field.name)} stands there {counts[field.key]} times")
    if message.entity.body and not message.entity.blank:
        yield Fault(Level.FAIL, "a line in the header is no field, so that the rest of it counts as text")
    octets = sum(len(field.raw) for field in message.entity.fields)
    if octets > MAX_HEADER:
        yield Fault(Level.FAIL, f"the header has {octets} octets; more than {MAX_HEADER} are cut or refused")


def _of_line_ends(message: LintedMessage) -> Iterator[Fault]:
    if message.line_ends is LineEnds.MIXED:
        yield Fault(Level.FAIL, "a CR or LF stands alone; servers read it as a line end, as text, or not at all")
    if b"\x00" in message.content:
        yield Fault(Level.FAIL, "the message holds a NUL (RFC 5322 §4)")


def _of_lines(message: LintedMessage) -> Iterator[Fault]:
    longest = max(map(len, message.entity.octets.split(b"\r\n")), default=0)
    if longest > MAX_LINE:
        yield Fault(Level.FAIL, f"a line has {longest} octets; {MAX_LINE} are the most")
    elif longest > WISHED_LINE:
        yield Fault(Level.WARN, f"a line has {longest} octets; more than {WISHED_LINE} should not be")


RULE: Final = Rule(
    "MSG-02",
    "Each field that may stand there once does so; lines end with CRLF and have 998 octets at the most, better 78.",
    "RFC 5322 §2.1.1, §3.6",
    "the fields stand there once, and the lines are short enough",
    _faults,
)
