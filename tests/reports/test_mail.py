"""Reading mail that came back: what is found in it, and what is refused within a bound."""

import gzip
import tracemalloc
from base64 import b64encode
from email import message_from_bytes
from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.reports.mail import MAX_LINE_OCTETS, MAX_OCTETS, MAX_TEXT_OCTETS, Part, read_mail

NOTICE = b"""\
From MAILER-DAEMON Mon Nov 23 09:00:00 2026
From: =?utf-8?q?Postz=C3=BCstelldienst?= <mailer-daemon@b.example>
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary="=_1"

A preamble.
--=_1
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Empf=E4nger unbekannt
--=_1
Content-Type: message/delivery-status

Reporting-MTA: dns; b.example

Final-Recipient: rfc822; ann@b.example

--=_1
Content-Type: message/rfc822

Subject: Hello
Content-Type: multipart/mixed; boundary="=_2"

--=_2

Hi
--=_2
Content-Type: application/gzip; name="a.gz"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename*1="port.gz"; filename*0*=utf-8''%%72e

%s
--=_1--
An epilogue.
""" % b64encode(gzip.compress(b"content", mtime=0))


def refused(raw: bytes) -> str:
    with pytest.raises(MessageError) as caught:
        read_mail(raw)
    assert caught.value.field == "raw"
    return str(caught.value)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r", b"\r\r\n"])
def test_a_notice_is_read_whatever_its_line_ends(line_end: bytes) -> None:
    mail = read_mail(NOTICE.replace(b"\n", line_end))
    assert mail.first("from") == "Postzüstelldienst <mailer-daemon@b.example>"
    assert [part.essence for part in mail.walk()] == [
        "multipart/report", "text/plain", "message/delivery-status",
        "message/rfc822", "multipart/mixed", "text/plain", "application/gzip",
    ]  # fmt: skip
    words, status, returned = mail.parts
    assert words.text() == "Empfänger unbekannt"
    assert status.text() == "Reporting-MTA: dns; b.example\n\nFinal-Recipient: rfc822; ann@b.example\n"
    assert returned.parts[0].first("subject") == "Hello"
    attached = list(mail.walk())[-1]
    assert gzip.decompress(attached.content()) == b"content"
    assert attached.filename == "report.gz"


def test_a_message_in_base64_is_read_too() -> None:
    inner = b64encode(b"Subject: inside\r\n\r\nhi\r\n")
    mail = read_mail(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner)
    assert mail.parts[0].first("subject") == "inside"
    assert mail.parts[0].text() == "hi\n"


@pytest.mark.parametrize(
    ("octets", "read"), [(b"aGVsbG8=", "hello"), (b"aGVsbG8", "hello"), (b"a*GV\nsbG8=x", "hello"), (b"aGVsb", "hel")]
)  # fmt: skip
def test_broken_base64_gives_what_can_be_read(octets: bytes, read: str) -> None:
    mail = read_mail(b"Content-Transfer-Encoding: base64\n\n" + octets)
    assert mail.text().startswith(read)


def test_what_has_no_boundary_is_text() -> None:
    mail = read_mail(b"Content-Type: multipart/report\n\n--x\n\nhello\n")
    assert (mail.parts, mail.text()) == ((), "--x\n\nhello\n")


def test_a_file_is_named_without_a_path() -> None:
    assert (
        read_mail(b'Content-Disposition: attachment; filename="../../C:\\\\x\\\\report.zip"\n\n').filename
        == "report.zip"
    )
    assert read_mail(b"Content-Type: a/b; name*=iso-8859-1''r%E9.xml\n\n").filename == "ré.xml"
    assert read_mail(b"Content-Type: a/b\n\n").filename == ""


@pytest.mark.parametrize("count", [52, 200, 5_000])
def test_endless_nesting_is_refused(count: int) -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(count))
    assert "nested" in refused(nested)
    letters = b"Content-Type: message/rfc822\n\n" * count
    assert "nested" in refused(letters)


def test_many_parts_fields_and_octets_are_refused() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    assert "1000 parts" in refused(head + b"--b\n\nx\n" * 1001)
    assert "fields" in refused(b"a: b\n" * 10_001)
    assert "fields" in refused((b"a: " + b"b" * 1000 + b"\n") * 1100)
    assert "too large" in refused(b"x" * (MAX_OCTETS + 1))
    assert "empty" in refused(b" \r\n")


def test_a_line_of_megabytes_is_refused_before_anything_is_decoded() -> None:
    line = b"Content-Transfer-Encoding: base64\n\n" + b"A" * (MAX_OCTETS - 100)
    tracemalloc.start()
    started = perf_counter()
    assert "line" in refused(line)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert perf_counter() - started < 2
    assert read_mail(b"a: b\n\n" + b"x" * MAX_LINE_OCTETS).text()


def test_only_so_much_of_a_text_is_read() -> None:
    body = b"A" * 76 + b"\n"
    assert len(read_mail(b"Content-Transfer-Encoding: base64\n\n" + body * 20_000).text()) == MAX_TEXT_OCTETS


def test_what_is_no_mail_at_all() -> None:
    assert read_mail(b"\0\xff\xfe").text()
    with pytest.raises(MessageError, match="bytes are needed"):
        read_mail("text")  # type: ignore[arg-type]  # a caller without types


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(octets: bytes) -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    for raw in (octets, head + octets, b"Content-Type: text/plain; charset=" + octets):
        try:
            mail = read_mail(raw)
        except MessageError:
            continue
        for part in mail.walk():
            assert isinstance(part.text() + part.filename + part.first("subject"), str)


def test_what_the_standard_library_writes_is_read_as_it_reads_it() -> None:
    letter = EmailMessage()
    letter["Subject"] = "Ünïcode " * 20
    letter.set_content("Grüße\n" * 50, cte="base64")
    letter.add_alternative("<p>Grüße</p>", subtype="html")
    letter.add_attachment(b"\0\xff" * 999, maintype="application", subtype="zip", filename="Übersicht März.zip")
    outer = MIMEMultipart("report")
    outer.attach(MIMEMessage(letter))
    mail = read_mail(outer.as_bytes())
    files = [part for part in mail.walk() if part.filename]
    assert [(one.filename, one.content()) for one in files] == [("Übersicht März.zip", b"\0\xff" * 999)]
    assert [part.text() for part in mail.walk() if part.essence == "text/plain"] == ["Grüße\n" * 50]


def structure(mail: Part) -> list[str]:
    return [part.essence for part in mail.walk() if part.essence != "message/delivery-status"]


@pytest.mark.parametrize("folder", ["bounces/messages", "arf", "reports/failure", "mime/legacy"])
def test_real_mail_has_the_structure_that_the_standard_library_finds(corpora: Path, folder: str) -> None:
    same = 0
    files = sorted(path for path in (corpora / folder).iterdir() if path.suffix == ".eml")
    for path in files:
        raw = path.read_bytes()
        theirs = [part.get_content_type() for part in message_from_bytes(raw).walk()]
        # The standard library makes parts of the groups of fields within.
        wanted = [one for one in theirs if one != "message/delivery-status"]
        ours = structure(read_mail(raw))
        same += sorted(set(ours)) == sorted(set(wanted))
    assert same >= 0.95 * len(files)
