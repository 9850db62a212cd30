"""Every public MIME message goes through the outbox to a real Postfix and arrives as it was."""

import re
from pathlib import Path

import pytest

from postroad import MessageError, Outbox, RawMessage
from tests.peers.fixtures import StartPostfix
from tests.peers.postfix import Delivered, PostfixSettings

pytestmark = pytest.mark.system

# An LF counts as CRLF; Postfix stores LF.
LINE_END = re.compile(rb"\r?\n")
# Postfix cleans headers of mail that is submitted on its own machine only; nothing is to be cleaned here.
AS_IT_IS = PostfixSettings(parameters={"local_header_rewrite_clients": ""}, message_size_limit=100_000_000)


def body_of(message: bytes) -> bytes:
    """What stands behind the first empty line."""
    lines = LINE_END.sub(b"\n", message)
    return lines[1:] if lines.startswith(b"\n") else lines.partition(b"\n\n")[2]


def readable(corpora: Path) -> dict[str, bytes]:
    """The messages with line ends that mail knows, by the recipient that each will get."""
    files = sorted((corpora / "mime").rglob("*.eml"))
    contents = {f"{file.parent.name}-{file.stem}@example.com": file.read_bytes() for file in files}
    assert len(contents) > 50
    return {recipient: raw for recipient, raw in contents.items() if b"\r" not in LINE_END.sub(b"", raw)}


def test_every_body_arrives_unchanged(corpora: Path, start_postfix: StartPostfix, tmp_path: Path) -> None:
    postfix = start_postfix(AS_IT_IS)
    messages = readable(corpora)
    with Outbox(f"sqlite:///{tmp_path}/outbox.db") as outbox:
        for recipient, raw in messages.items():
            outbox.send(RawMessage(raw, envelope_from="bounces@acme.example", recipients=recipient))
        with outbox.worker(f"smtp://{postfix.smtp}"):
            delivered = {one.recipient: one for one in postfix.deliveries(len(messages))}

    assert delivered.keys() == messages.keys()
    changed = [name for name, raw in messages.items() if body_of(delivered[name].content) != body_of(closed(raw))]
    assert changed == []
    assert {one.sender for one in delivered.values()} == {"bounces@acme.example"}


def closed(raw: bytes) -> bytes:
    """With the last line end, which SMTP cannot leave out (RFC 5321 §4.1.1.4)."""
    return raw if raw.endswith(b"\n") else raw + b"\n"


def test_headers_arrive_unchanged_but_for_blind_copies(
    corpora: Path, start_postfix: StartPostfix, tmp_path: Path
) -> None:
    postfix = start_postfix(AS_IT_IS)
    bcc = b"Bcc: eve@example.com,\n\tmallory@example.com\n"
    raw = b"From: a@acme.example\n" + bcc + b"X-Odd:   spaced\n  out\nTo: b@example.com\n\nHi\n"
    with Outbox(f"sqlite:///{tmp_path}/outbox.db") as outbox, outbox.worker(f"smtp://{postfix.smtp}"):
        outbox.send(RawMessage(raw, envelope_from=None, recipients="b@example.com"))
        (arrived,) = postfix.deliveries()

    assert isinstance(arrived, Delivered)
    assert arrived.sender == ""
    assert arrived.content == b"From: a@acme.example\nX-Odd:   spaced\n  out\nTo: b@example.com\n\nHi\n"


def test_a_bare_cr_is_refused_by_name(corpora: Path) -> None:
    refused = [file for file in (corpora / "mime").rglob("*.eml") if b"\r" in LINE_END.sub(b"", file.read_bytes())]
    assert refused
    for file in refused:
        with pytest.raises(MessageError, match="bare CR"):
            RawMessage(file.read_bytes(), envelope_from="a@acme.example", recipients="b@example.com")
