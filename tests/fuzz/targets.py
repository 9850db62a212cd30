"""What is fed with bad input, and what must hold whatever it is. Each target takes any octets and raises where not."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message import Email, RawMessage
from postroad.message.address_list import address_list
from postroad.message.plain_text import plain_text
from postroad.reports.dmarc_failure import read_failure_report
from postroad.reports.feedback_details import FeedbackDetails
from postroad.reports.mail import read_mail
from postroad.reports.report_file import Report, report_in_file, report_in_forwarded, report_in_mail
from postroad.smtp.client import Answer, Broken, ClientConversation, Unsolicited
from postroad.smtp.commands import mail, rcpt
from postroad.smtp.extensions import Extensions
from postroad.smtp.replies import MAX_LINE_OCTETS, MAX_REPLY_OCTETS, ReplyReader
from postroad.smtp.server_settings import AuthOffer, ServerSettings
from tests.fuzz import mail_authentication, returned_mail, seeds, signatures
from tests.message.meaning import expected_field_names, field_names
from tests.smtp.driven_server import DrivenServer

LINE_END = b"\r\n"
MOST_OF_A_LINE = 998  # octets without its end; RFC 5321 §4.5.3.1.6, RFC 5322 §2.1.1
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
BCC = re.compile(rb"(?im)^(resent-)?bcc[ \t]*:")
ANN, BOB = Address("ann@a.example"), Address("bob@b.example")


@dataclass(frozen=True, slots=True)
class Target:
    """``most_growth``: octets of memory taken at the peak for each octet of input, beyond a first megabyte."""

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    most_growth: int


def in_pieces(data: bytes) -> list[bytes]:
    """Cut at places that depend on the octets alone."""
    places = [0, *(place for place in range(1, len(data)) if data[place - 1] % 5 == 0), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


# ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_replies(data: bytes) -> None:
    """Replies or a ``ProtocolError``, the same however the octets arrive, within the limits."""
    whole, piecewise = ReplyReader(), ReplyReader()
    replies = whole.feed(data)
    assert replies == [reply for piece in in_pieces(data) for reply in piecewise.feed(piece)]
    assert str(whole.fault) == str(piecewise.fault)
    for reply in replies:
        assert 200 <= reply.code <= 599
        assert sum(map(len, reply.lines)) <= MAX_REPLY_OCTETS * 4  # an octet that is no UTF-8 is written with four
        assert max(map(len, reply.lines)) <= MAX_LINE_OCTETS * 4
        str(reply)
        Extensions.parse(reply.lines[1:])
    check_conversation(data)


def check_conversation(data: bytes) -> None:
    """A client in the middle of a transaction hears answers, unasked words and one breach, and nothing behind that."""
    conversation = ClientConversation()
    said = conversation.ehlo("us.example") if not conversation.receive(b"220 x\r\n")[1:] else b""
    conversation.receive(b"250-x\r\n250-PIPELINING\r\n250 SIZE\r\n")
    said += conversation.mail(ANN) + conversation.rcpt(BOB) + conversation.data()
    assert said.count(LINE_END) == 4
    events = [event for piece in in_pieces(data) for event in conversation.receive(piece)]
    assert sum(isinstance(event, Answer) for event in events) <= 3
    broken = [place for place, event in enumerate(events) if isinstance(event, Broken)]
    assert broken in ([], [len(events) - 1])
    assert all(isinstance(event, Answer | Unsolicited | Broken) for event in events)


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SETTINGS = ServerSettings(hostname="mx.example", starttls=True, auth=AuthOffer.OVER_TLS_OR_LOOPBACK)


def check_commands(data: bytes) -> None:
    """A server says replies and nothing else, the same however the octets arrive."""
    whole, piecewise = DrivenServer(SETTINGS, loopback=True), DrivenServer(SETTINGS, loopback=True)
    whole.feed(data)
    piecewise.feed(*in_pieces(data))
    reader = ReplyReader()
    assert reader.feed(whole.output)
    assert reader.fault is None
    assert not reader.pending
    assert max(map(len, whole.output.split(LINE_END))) <= 510  # RFC 5321 §4.5.3.1.5
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", whole.output)
    assert [one.content for one in whole.contents] == [one.content for one in piecewise.contents]
    for one in whole.contents:
        assert one.recipients
        assert not CONTROLS.search("".join(map(str, one.recipients)))


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_addresses(data: bytes) -> None:
    """Mailboxes or an ``AddressError``; what was read is written safely and read again."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = [Address.parse(text)]
    except AddressError:
        found = []
    try:
        found += address_list(text, "to")
    except AddressError as refused:
        assert refused.field is not None  # noqa: PT017 - this is the other good end
    for address in found:
        check_address(address)


def check_address(address: Address) -> None:
    assert Address.parse(str(address)) == address
    assert Address.parse(str(address)).display_name == address.display_name
    assert not CONTROLS.search(str(address))
    assert set(address.addr_spec) & set("<>\r\n\0") <= set("<>" if '"' in address.addr_spec else "")
    for line in (rcpt(address), mail(address)):
        assert line.endswith(LINE_END)
        assert line.count(b"\r") == line.count(b"\n") == 1


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_headers(data: bytes) -> None:
    """Any fields beside those that a message must have."""
    check_messages(b"From: a@example.com\nTo: b@example.com\n" + data + b"\n\nbody\n")


def check_messages(data: bytes) -> None:
    """A message or a ``MessageError``; what is rendered can go over any wire, and is read again as the same."""
    check_raw(data)
    try:
        email = Email.from_bytes(data)
    except MessageError as refused:
        assert refused.field is not None  # noqa: PT017 - this is the other good end
        return
    content = email.to_bytes()
    assert content == email.to_bytes()
    check_wire(content)
    assert max(map(len, content.split(LINE_END))) <= MOST_OF_A_LINE
    assert field_names(content) == expected_field_names(email)
    again = Email.from_bytes(content)
    assert field_names(again.to_bytes()) == field_names(content)
    # Images stand with the HTML, so they are read before the files that were read between them.
    assert sorted(one.filename for one in again.attachments) == sorted(one.filename for one in email.attachments)
    # A reader puts an attached message together again from what it understood of it.
    if not any(one.content_type.startswith("message/") for one in email.attachments):
        assert [one.content for one in again.attachments] == [one.content for one in email.attachments]


def check_raw(data: bytes) -> None:
    """Unchanged, or refused."""
    try:
        raw = RawMessage(data, envelope_from="", recipients="b@example.com")
    except MessageError as refused:
        assert refused.field == "raw"  # noqa: PT017 - this is the other good end
        return
    check_wire(raw.content)
    assert not BCC.search(raw.content.partition(LINE_END * 2)[0] + LINE_END)


def check_wire(content: bytes) -> None:
    assert content.endswith(LINE_END)
    assert b"\0" not in content
    assert content.count(b"\r") == content.count(b"\n") == content.count(LINE_END)


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_html(data: bytes) -> None:
    """A text, and nothing that a text may not hold."""
    markup = data.decode("utf-8", "replace").replace("\0", "")  # which no ``Email`` takes
    text = plain_text(markup)
    assert not re.search(r"[\r\0]", text)
    text.encode()


# ── reports ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_reports(data: bytes) -> None:
    """A report that can be written as JSON, none, or a ``MessageError``."""
    for found in (report_in_file, _reports_in_mail):
        try:
            report = found(data)
        except MessageError as refused:
            assert refused.field in ("report", "raw")  # noqa: PT017 - this is the other good end
            continue
        if report is not None:
            json.dumps(report.as_json(), ensure_ascii=False, allow_nan=False).encode()


def _reports_in_mail(data: bytes) -> Report | FeedbackDetails | None:
    mail = read_mail(data)
    return read_failure_report(mail) or report_in_mail(mail) or report_in_forwarded(mail)


TARGETS = (
    Target("replies", check_replies, lambda: seeds.REPLIES, 60),
    Target("commands", check_commands, lambda: seeds.COMMANDS, 120),
    Target("addresses", check_addresses, seeds.addresses, 120),
    Target("headers", check_headers, seeds.headers, 120),
    Target("messages", check_messages, seeds.messages, 60),
    Target("html", check_html, seeds.html, 120),
    Target("reports", check_reports, seeds.reports, 120),
    Target("returned mail", returned_mail.check_returned_mail, returned_mail.notices, 200),
    Target("refusals", returned_mail.check_replies, lambda: returned_mail.REPLIES, 400),
    Target("dmarc records", mail_authentication.check_record, lambda: mail_authentication.RECORDS, 200),
    Target("dmarc verdicts", mail_authentication.check_verdict, lambda: mail_authentication.FROMS, 200),
    Target("authentication results", mail_authentication.check_results, lambda: mail_authentication.RESULTS, 200),
    Target("dkim signatures", signatures.check_message, signatures.messages, 200),
    Target("dkim keys", signatures.check_record, signatures.records, 200),
    Target("arc chains", mail_authentication.check_chain, mail_authentication.chains, 120),
    Target("lint", mail_authentication.check_lint, mail_authentication.letters, 200),
)
