"""Real bounces: what they are labelled with, who they speak of, and that the form of a mail decides nothing."""

import json
import random  # noqa: TID251 - seeded, to shuffle
import re
from collections.abc import Iterator
from email import message_from_bytes
from functools import cache
from pathlib import Path
from typing import Any

from postroad.reports.mail import read_mail
from postroad.reports.parse import parse
from postroad.reports.report import ParsedReport, ReportEvent, ReportKind

NOTICES = {"bounce", "delayed", "complaint", "autoreply", "delivered"}
KEEPING = {"soft", "block", "ignore"}  # actions that leave the address as it is


@cache
def parsed(path: Path) -> ParsedReport:
    return parse(path.read_bytes())


def pairs(folder: Path) -> Iterator[tuple[dict[str, Any], ReportEvent]]:
    """Each label with the event that it is about."""
    labels = json.loads((folder / "labels.json").read_text())
    for name, rows in labels.items():
        events = parsed(folder / "messages" / f"{name}.eml").events
        for number, row in enumerate(rows):
            yield row, events[number] if number < len(events) else ReportEvent()


def test_most_labels_are_met(corpora: Path) -> None:
    rows = list(pairs(corpora / "bounces"))
    actions = sum(event.action == row["action"] for row, event in rows)
    classes = sum(event.bounce_class == row["class"] for row, event in rows)
    assert actions >= 0.93 * len(rows)
    assert classes >= 0.88 * len(rows)


def test_hardly_anybody_is_given_up_wrongly(corpora: Path) -> None:
    kept = [event for row, event in pairs(corpora / "bounces") if row["action"] in KEEPING]
    assert sum(event.action == "suppress" for event in kept) <= 0.02 * len(kept)


def recipients_of(raw: bytes) -> list[set[str]]:
    """Final- and Original-Recipient of each recipient, as the standard library reads them."""
    found = []
    for part in message_from_bytes(raw).walk():
        groups: Any = part.get_payload()
        if part.get_content_type() == "message/delivery-status" and isinstance(groups, list):
            for group in groups:
                values = [group[name] for name in ("Final-Recipient", "Original-Recipient") if group[name]]
                named = {str(value).partition(";")[2].strip().strip("<>") for value in values}
                found += [named] if named - {""} else []
    return found


def test_recipients_are_those_that_an_independent_reader_finds(corpora: Path) -> None:
    notices = right = 0
    for path in sorted((corpora / "bounces" / "messages").glob("*.eml")):
        theirs = recipients_of(path.read_bytes())
        ours = [event.recipient for event in parsed(path).events]
        notices += bool(theirs)
        right += (
            bool(theirs) and len(ours) == len(theirs) and all(one in two for one, two in zip(ours, theirs, strict=True))
        )
    assert right >= 0.95 * notices


def test_old_forms_are_recognised(corpora: Path) -> None:
    files = sorted((corpora / "bounces" / "flufl").glob("*.txt"))
    recognised = sum(parsed(path).kind in NOTICES for path in files)
    assert recognised >= 0.95 * len(files)


def test_most_recipients_of_old_forms_are_those_of_flufl(corpora: Path) -> None:
    opinions = json.loads((corpora / "bounces" / "flufl-second-opinion.json").read_text())
    same = known = 0
    for name, opinion in opinions.items():
        theirs = {address.lower() for address in (*opinion["temporary"], *opinion["permanent"])}
        ours = {event.recipient.lower() for event in parsed(corpora / "bounces" / "flufl" / name).events}
        known += bool(theirs)
        same += bool(theirs) and theirs == ours
    assert same >= 0.9 * known


# ── the form of a mail decides nothing ────────────────────────────────────────────────────────────────────────────────


def told(report: ParsedReport) -> tuple[ReportKind, list[tuple[str, ...]]]:
    return report.kind, [
        (event.recipient, event.bounce_class, event.reason, event.action, event.status, event.reply)
        for event in report.events
    ]


def messages(corpora: Path, every: int) -> list[bytes]:
    paths = sorted((corpora / "bounces" / "messages").glob("*.eml"))
    return [path.read_bytes().replace(b"\r\n", b"\n") for path in paths[::every]]


def test_line_ends_decide_nothing(corpora: Path) -> None:
    for raw in messages(corpora, 3):
        expected = told(parse(raw))
        assert told(parse(raw.replace(b"\n", b"\r\n"))) == expected
        assert told(parse(raw.replace(b"\n", b"\r"))) == expected


def test_the_order_of_the_header_decides_nothing(corpora: Path) -> None:
    shuffle = random.Random(8).shuffle
    for raw in messages(corpora, 3):
        header, _, body = re.sub(rb"\AFrom [^\n]*\n", b"", raw).partition(b"\n\n")
        fields = re.findall(rb"[^\s:][^\n]*(?:\n[ \t][^\n]*)*", header)
        expected = told(parse(b"\n".join(fields) + b"\n\n" + body))
        shuffle(fields)
        assert told(parse(b"\n".join(fields) + b"\n\n" + body)) == expected


def in_utf_16(raw: bytes) -> bytes | None:
    """The same plain mail in another charset and in base64; ``None`` for what has parts."""
    message = message_from_bytes(raw)
    if message.is_multipart() or message.get_content_charset() not in (None, "us-ascii", "utf-8"):
        return None
    text = message.get_payload(decode=True)
    assert isinstance(text, bytes)
    if not text.isascii():
        return None
    del message["content-transfer-encoding"]
    del message["content-type"]
    message.set_payload(text.decode(), "utf-16")
    return message.as_bytes()


def test_the_charset_decides_nothing(corpora: Path) -> None:
    tried = 0
    for raw in messages(corpora, 1):
        other = in_utf_16(raw)
        if other is not None:
            tried += 1
            assert told(parse(other)) == told(parse(raw))
    assert tried > 20


def test_the_recipient_decides_nothing(corpora: Path) -> None:
    tried = 0
    for raw in messages(corpora, 2):
        before = parse(raw)
        names = {event.recipient for event in before.events}
        # An address that stands in parts, encoded or as somebody else's too, cannot be exchanged that simply.
        if len(names) != 1 or not re.fullmatch(r"[\w.-]+@example\.\w+(\.\w+)?", name := names.pop()):
            continue
        sender = read_mail(raw).first("to")
        if name in sender:
            continue
        tried += 1
        after = parse(raw.replace(name.encode(), b"somebody-else@other.example"))
        kind, events = told(after)
        assert kind == before.kind
        assert {event[0] for event in events} == {"somebody-else@other.example"}
        assert [event[1:] for event in events] == [event[1:] for event in told(before)[1]]
    assert tried > 30
