"""Complaints: the Abuse Reporting Format (RFC 5965, RFC 6650), and the older forms that some providers still send."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postroad.reports.mail import Part, read_fields

_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\",;:]+@[^\s<>()\[\]\",;:]+")
# Microsoft's JMRP sends the message back in a plain mail, with the recipient in a field of its own.
_HINT: Final = b"X-HmXm"
_JMRP: Final = ("x-hmxmroriginalrecipient", "x-hmxmrroriginalrecipient")


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What a recipient's provider reports. ``fields`` are those of the machine-read part, names in lower case;
    ``recipients`` who complained, where that is told; ``returned`` the message, or its header."""

    feedback_type: str
    fields: tuple[tuple[str, str], ...]
    recipients: tuple[str, ...]
    returned: Part | None

    def first(self, name: str) -> str:
        """The first field of that name."""
        return next((value for known, value in self.fields if known == name), "")


def read_feedback_report(mail: Part) -> FeedbackReport | None:
    """The report that a mail brings; ``None`` where it brings none."""
    parts = list(own_parts(mail))
    about = next((part for part in parts if part.essence == "message/feedback-report"), None)
    if about is not None:
        return _read(about, parts)
    return _jmrp(list(mail.walk())) if _HINT in mail.body else None


def _read(about: Part, parts: list[Part]) -> FeedbackReport:
    fields = read_fields(about.text().lstrip())
    returned = returned_message(parts)
    said = [value for name, value in fields if name in ("original-rcpt-to", "removal-recipient")]
    recipients = [found[0] for value in said for found in _ADDRESS.finditer(value)]
    if not recipients and returned is not None:
        recipients = _ADDRESS.findall(returned.first("to"))[:1]
    kind = next((value for name, value in fields if name == "feedback-type"), "").strip().lower()
    return FeedbackReport(kind, fields, tuple(dict.fromkeys(recipients)), returned)


def _jmrp(parts: list[Part]) -> FeedbackReport | None:
    for part in parts:
        for name in _JMRP:
            if (recipient := part.first(name)) and part is not parts[0]:
                return FeedbackReport("abuse", (), tuple(_ADDRESS.findall(recipient)), part)
    return None


def own_parts(mail: Part) -> Iterator[Part]:
    """The parts of a mail that are its own, and the messages that it brings, without what is inside of those."""
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        yield part
        if part.essence.startswith("multipart/"):
            waiting.extend(reversed(part.parts))


def returned_message(parts: list[Part]) -> Part | None:
    """The message that a report is about, or what came back of it (RFC 5965 §2, RFC 6522 §3)."""
    for part in parts:
        if part.essence in ("message/rfc822", "message/global") and part.parts:
            return part.parts[0]
        if part.essence in ("text/rfc822-headers", "message/global-headers", "message/rfc822-headers", "text/rfc822"):
            return header_of(part.text())
    return None


def header_of(text: str) -> Part:
    """A header that stands in a text, as a message without a body."""
    return Part(read_fields(text.lstrip()), "text/plain", "", (), b"", 0, 0)
