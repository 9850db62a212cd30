"""Notices in the forms and languages of many servers, and delivery status notifications as they vary."""

import pytest

from postroad.reports.delivery_status import MAX_RECIPIENTS
from postroad.reports.parse import parse
from tests.reports.notices import NOTICES, Written
from tests.reports.notices_of_servers import ServerNotice, server_notices
from tests.reports.rare_notices import RARE_NOTICES


@pytest.mark.parametrize("written", [*NOTICES, *RARE_NOTICES], ids=lambda written: written.name)
def test_a_notice_in_words(written: Written) -> None:
    report = parse(written.mail())
    assert report.kind == written.kind
    assert tuple((event.recipient, str(event.bounce_class)) for event in report.events) == written.expected


@pytest.mark.parametrize("notice", server_notices(), ids=lambda notice: notice.name)
def test_a_notice_of_a_server(notice: ServerNotice) -> None:
    report = parse(notice.raw)
    assert report.kind == notice.kind
    assert tuple((event.recipient, str(event.bounce_class)) for event in report.events) == notice.expected


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends_decide_nothing(end: bytes) -> None:
    for notice in server_notices():
        assert parse(notice.raw.replace(b"\n", end)) == parse(notice.raw), notice.name


def report_of(status: str, words: str = "", header: str = "") -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.acme.example\nTo: joe@acme.example\nSubject: Returned mail\n{header}"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\n{words}\n--b\nContent-Type: message/delivery-status\n\n{status}\n--b--\n"
    ).encode()


HEAD = "Reporting-MTA: dns; mx.acme.example\n\n"


def events(status: str, words: str = "") -> list[tuple[str, str, str]]:
    return [
        (event.recipient, str(event.bounce_class), str(event.action))
        for event in parse(report_of(status, words)).events
    ]


def test_each_recipient_has_an_event() -> None:
    found = events(
        f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n\n"
        "Final-Recipient: rfc822; b@example.com\nAction: failed\nStatus: 5.2.2\n\n"
        "Final-Recipient: rfc822; c@example.com\nAction: delayed\nStatus: 4.4.1\n\n"
        "Final-Recipient: rfc822; d@example.com\nAction: delivered\nStatus: 2.1.5\n"
    )
    assert found == [
        ("a@example.com", "hard_recipient", "suppress"), ("b@example.com", "mailbox_full", "soft"),
        ("c@example.com", "transient", "soft"), ("d@example.com", "delivered", "ignore"),
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["<ann@example.com>: unknown", ""], ids=["the text", "the message"])
def test_who_is_left_out_by_the_machine_part_is_named_by(words: str) -> None:
    raw = report_of(f"{HEAD}Action: failed\nStatus: 5.1.1\n", words)
    message = b"--b\nContent-Type: message/rfc822\n\nFrom: joe@acme.example\nTo: ann@example.com\n\nhello\n--b--\n"
    report = parse(raw.replace(b"--b--\n", message))
    assert [(event.recipient, str(event.action)) for event in report.events] == [("ann@example.com", "suppress")]


def test_deferred_is_a_word_for_delayed() -> None:
    report = parse(report_of(f"{HEAD}Final-Recipient: rfc822; ann@example.com\nAction: deferred\nStatus: 5.1.1\n"))
    assert (report.kind, [str(event.action) for event in report.events]) == ("delayed", ["soft"])


def test_microsoft_says_by_one_sentence_that_it_was_the_recipient() -> None:
    """Its edge answers RCPT alone so; some who tell of it do not tell the command."""
    said = "550 5.4.1 Recipient address rejected: Access denied. [AM7EUR03FT013.eop.prod.protection.outlook.com]"
    status = f"Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.4.1\nDiagnostic-Code: smtp; {said}\n"
    assert events(HEAD + status) == [("ann@example.com", "hard_recipient", "suppress")]


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("Final-Recipient: rfc822; ann@example.com", "ann@example.com"),
        ("Final-Recipient: RFC822;<ann@example.com>", "ann@example.com"),
        ("Final-Recipient:ann@example.com", "ann@example.com"),
        ("final-recipient: rfc822;\n ann@example.com", "ann@example.com"),
        (
            "Original-Recipient: rfc822;ann@acme.example\nFinal-Recipient: rfc822; box17@store.example",
            "ann@acme.example",
        ),
        (
            "Original-Recipient: rfc822;ann+2Btag@example.com\nFinal-Recipient: rfc822; ann+tag@example.com",
            "ann+tag@example.com",
        ),
        (
            "Original-Recipient: rfc822;ann+2B@example.com\nFinal-Recipient: rfc822; box17@store.example",
            "ann+2B@example.com",
        ),
        ('Final-Recipient: rfc822; "a b"@example.com', '"a b"@example.com'),
        ("Final-Recipient: utf-8; jörg@example.com", "jörg@example.com"),
        ("Final-Recipient: utf-8; j\\x{F6}rg@example.com", "jörg@example.com"),
        ("Final-Recipient: rfc822; =?utf-8?q?x?=@example.com", "=?utf-8?q?x?=@example.com"),
        ("Final-Recipient: rfc822; |/usr/bin/program ann", "|/usr/bin/program ann"),
    ],
)
def test_a_recipient_is_read_in_all_its_forms(field: str, address: str) -> None:
    assert events(f"{HEAD}{field}\nAction: failed\nStatus: 5.1.1\n") == [(address, "hard_recipient", "suppress")]


def test_a_status_whose_groups_lost_their_border() -> None:
    found = events(
        "Reporting-MTA: dns; mx\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n"
        "Final-Recipient: rfc822; b@example.com\nAction: failed\nStatus: 5.2.2\n"
    )
    assert [one[0] for one in found] == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize("end", ["\n", "\n\n"])
def test_of_too_many_recipients_the_first_are_read(end: str) -> None:
    status = "".join(f"Final-Recipient: rfc822; a{number}@example.com\nAction: failed{end}" for number in range(1_100))
    found = events(HEAD + status)
    assert len(found) == MAX_RECIPIENTS
    assert found[-1][0] == f"a{MAX_RECIPIENTS - 1}@example.com"


def test_a_status_that_stands_in_plain_text() -> None:
    raw = report_of(f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n")
    [event] = parse(raw.replace(b"multipart/report", b"text/plain")).events
    assert (event.recipient, event.action) == ("a@example.com", "suppress")


def test_words_say_what_codes_do_not() -> None:
    status = (
        f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: x-unix; 77\n"
    )
    assert events(status, "<a@example.com>: mail quota exceeded") == [("a@example.com", "mailbox_full", "soft")]


def test_the_text_is_believed_before_a_status_field_that_says_nothing() -> None:
    status = f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; "
    assert events(f"{status}550 5.7.1 Message rejected as spam\n") == [("a@example.com", "block_content", "block")]
    assert events(f"{status}550 4.2.2 mailbox full\n") == [("a@example.com", "mailbox_full", "soft")]


@pytest.mark.parametrize("action", ["delayed", "Delayed", "delayed (will be retried)"])
def test_a_delay_is_no_bounce_and_gives_up_nobody(action: str) -> None:
    for reason in ("550 5.1.1 User unknown", "450 4.1.2 Domain not found", "timed out", ""):
        status = f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: {action}\nStatus: 4.4.7\n"
        report = parse(report_of(f"{status}Diagnostic-Code: smtp; {reason}\n" if reason else status))
        assert report.kind == "delayed"
        assert report.events[0].action == "soft"


def test_after_the_content_the_words_of_the_step_decide() -> None:
    status = f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.0.0\n"
    status += "Diagnostic-Code: smtp; 550 User unknown\n"
    for step, action in (("RCPT TO", "suppress"), ("end of DATA", "soft")):
        words = f"<a@example.com>: host mx.example.com[192.0.2.1] said: 550 User unknown (in reply to {step} command)"
        assert events(status, words)[0][2] == action


def test_a_notice_of_which_nothing_is_known() -> None:
    report = parse(report_of("Reporting-MTA: dns; mx\n"))
    assert report.kind == "bounce"
    assert [(event.recipient, str(event.bounce_class)) for event in report.events] == [("", "unknown")]


def test_a_forwarded_notice_is_a_letter() -> None:
    inner = report_of(f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n")
    outer = b"From: ann@example.com\nSubject: Fwd: look\nContent-Type: message/rfc822\n\n"
    assert parse(outer + inner).kind == "none"


def test_a_gateway_may_wrap_the_notice_of_another() -> None:
    inner = report_of(f"{HEAD}Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n")
    outer = b"From: postmaster@gate.example\nSubject: Undeliverable\nContent-Type: message/rfc822\n\n"
    assert [event.recipient for event in parse(outer + inner).events] == ["a@example.com"]


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("Auto-Submitted: auto-replied\n", "autoreply"),
        ("Auto-Submitted: auto-replied (vacation)\n", "autoreply"),
        ("Auto-Submitted: auto-generated\n", "none"),
        ("Auto-Submitted: no\n", "none"),
        ("X-Autoreply: yes\n", "autoreply"),
        ("X-Autorespond: 1\n", "autoreply"),
        ("Precedence: auto_reply\n", "autoreply"),
        ("Precedence: bulk\n", "none"),
        ("X-Auto-Response-Suppress: All\n", "none"),
        ("", "none"),
    ],
)
def test_answers_of_machines(field: str, kind: str) -> None:
    raw = f"From: ann@example.com\nTo: joe@acme.example\nSubject: Re: order\n{field}\nI will read it later.\n"
    assert parse(raw.encode()).kind == kind


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: order", "Automatische Antwort: Bestellung", "Réponse automatique : x",
        "Respuesta automática: x", "Resposta automática: x", "Risposta automatica: x", "Automatisch antwoord: x",
        "Odpowiedź automatyczna: x", "Автоответ: x", "自動応答: x", "自动回复: x", "[EXTERNAL] Automatic reply: x",
        "自動返信：注文", "Autosvar: x", "Automatikus válasz: x", "Otomatik Yanıt: x", "رد تلقائي: x",
        "Trả lời tự động: x",
    ],
)  # fmt: skip
def test_the_label_of_an_answer_by_a_machine_needs_no_other_sign(subject: str) -> None:
    assert kind_of(subject) == "autoreply"
    assert kind_of(f"Re: {subject}") == "none"
    assert kind_of(subject, "List-Id: <news.example.com>\n") == "none"


def kind_of(subject: str, field: str = "") -> str:
    head = f"From: Ann <ann@example.com>\nTo: joe@acme.example\nSubject: {subject}\n{field}"
    return str(parse(f"{head}\nI will see to it.\n".encode()).kind)


ANSWER = "In-Reply-To: <1@acme.example>\nReferences: <1@acme.example>\n"


@pytest.mark.parametrize(
    "subject",
    [
        "Out of Office: order", "I am away until Monday", "Urlaub: Ihre Bestellung", "Abwesend: x", "Vacation",
        "Ausente: pedido", "Frånvaro: order", "不在: 注文", "Nieobecność: zamówienie", "Sono in ferie", "[ext] Away: x",
    ],
)  # fmt: skip
def test_words_of_absence_need_a_sign(subject: str) -> None:
    assert kind_of(subject) == "none"
    assert kind_of(subject, ANSWER) == "autoreply"
    assert kind_of(subject, "X-Auto-Response-Suppress: All\n") == "autoreply"
    assert kind_of(subject, "Return-Path: <>\n") == "autoreply"


@pytest.mark.parametrize(
    "subject",
    [
        "Urlaub im Mai?", "Urlaub auf Rügen ab 99 EUR", "Absence of invoice", "Absent from the meeting",
        "Licença do software", "Poissa oleva tuote", "Ferias agosto", "Ausente el recibo", "Ihre Anfrage vom Montag",
        "We have received your order and have a question", "Ticket received, but wrong seat", "Semester 2 begins",
        "Acuse de recibo: factura", "Krankenkasse", "Acknowledgement of debt", "[Ticket] seats", "Auto fair",
        "Receipt of your parcel", "不在通知の件で質問", "Thank you for your message of Monday",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", [ANSWER, "Precedence: bulk\n", "X-MS-Exchange-Inbox-Rules-Loop: ann@example.com\n"])
def test_a_letter_with_such_words_is_no_answer_by_a_machine(subject: str, field: str) -> None:
    assert kind_of(subject, field) == "none"


@pytest.mark.parametrize("subject", ["We have received your request", "Eingangsbestätigung", "Ticket received: 12"])
def test_receipts_are_believed_from_a_machine(subject: str) -> None:
    assert kind_of(subject, ANSWER) == "none"
    assert kind_of(subject, "Auto-Submitted: auto-generated\n") == "autoreply"


def test_a_challenge_is_no_letter() -> None:
    head = b'From: "Ann via Spam Arrest" <ann@example.com>\nSubject: Re: order (verification)\n\n'
    assert parse(head + b"Just this once, click the link below so I can receive your emails.\n").kind == "autoreply"


def test_a_notification_of_amazon_ses_by_mail() -> None:
    text = (
        '{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":'
        '"ann@example.com","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}],'
        '"reportingMTA":"dsn; a1.smtp-out.amazonses.com"},"mail":{}}'
    )
    head = "From: SES <no-reply@sns.amazonaws.com>\nSubject: AWS Notification Message\n\n"
    [event] = parse(f"{head}{text}\n\n--\nunsubscribe\n".encode()).events
    assert (event.recipient, event.action) == ("ann@example.com", "suppress")
    complaint = text.replace("Bounce", "Complaint").replace('"bounce"', '"complaint"').replace("bounced", "complained")
    assert parse((head + complaint).encode()).kind == "complaint"
    assert parse(f"{head}{text[:90]}".encode()).kind == "none"
