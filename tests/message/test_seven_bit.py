"""``seven_bit``: the standard library reads the same before and after, and nothing else has changed."""

import random  # noqa: TID251  # seeded, so that a red example stays red
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import Unsupported
from postroad.message import Body, RawMessage
from postroad.message.encode import MUST
from postroad.message.seven_bit import seven_bit
from postroad.reply import Phase
from tests.message.foreign_reading import HALF_ENCODED, headers_of, leaves_of, mail_of


def converted(content: bytes) -> bytes:
    mail = seven_bit(mail_of(content))
    assert mail.body is Body.SEVEN_BIT
    assert not mail.smtputf8
    assert mail.content.isascii()
    assert mail.content.count(b"\n") == mail.content.count(b"\r") == mail.content.count(b"\r\n")
    assert mail.content.endswith(b"\r\n")
    return mail.content


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


GERMAN = "Grüße an alle, die das hier lesen"
QUOTED = "Gr=C3=BC=C3=9Fe an alle, die das hier lesen"
TEXT = crlf("Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n")


def test_a_text_becomes_quoted_printable_and_nothing_else_changes() -> None:
    header = b"Received: by a\r\n\twith b\r\n" + TEXT
    assert converted(header + crlf(f"Content-Transfer-Encoding: 8bit\nX-Last: 1\n\n{GERMAN}\n")) == header + crlf(
        f"Content-Transfer-Encoding: quoted-printable\nX-Last: 1\n\n{QUOTED}\n"
    )


def test_an_encoding_that_is_not_there_comes_after_the_type() -> None:
    assert converted(TEXT + crlf(f"X-Last: 1\n\n{GERMAN}\n")) == TEXT + crlf(
        f"Content-Transfer-Encoding: quoted-printable\nX-Last: 1\n\n{QUOTED}\n"
    )


def test_a_message_without_mime_becomes_one() -> None:
    assert converted(crlf(f"Subject: x\n\n{GERMAN}\n")) == crlf(
        f"Subject: x\nContent-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n{QUOTED}\n"
    )


def test_what_quoted_printable_would_make_longer_becomes_base64() -> None:
    assert b"Content-Transfer-Encoding: base64\r\n" in converted(TEXT + crlf("\nДобрый день\n"))


def test_seven_bits_stay_the_same_object() -> None:
    mail = mail_of(TEXT + b"Content-Transfer-Encoding: 8bit\r\n\r\nplain\r\n")
    assert seven_bit(mail) is mail


NESTED = """\
MIME-Version: 1.0
Content-Type: multipart/mixed;
\tboundary="outer"
Content-Transfer-Encoding: {outer}

preamble, kept
--outer \t
Content-Type: multipart/alternative; boundary=outer-inner
Content-Transfer-Encoding: {outer}

--outer-inner
{first}
{text}
--outer-inner
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: {plain}

plain
--outer-inner--
epilogue, kept
--outer
Content-Type: message/rfc822

Subject: inside
{inside}
{text}
--outer
Content-Type: application/octet-stream; name=x
Content-Transfer-Encoding: {data_label}

{data}
--outer--
"""


def test_the_structure_stays_and_each_leaf_gets_its_encoding() -> None:
    labels = "Content-Transfer-Encoding: {}\n"
    quoted = labels.format("quoted-printable")
    before = NESTED.format(
        outer="8bit", first="", plain="8bit", inside=labels.format("8bit"), data_label="binary", text=GERMAN, data="ÄÖÜ"
    )
    after = NESTED.format(
        outer="7bit", first=quoted, plain="7bit", inside=quoted + "MIME-Version: 1.0\n", data_label="base64",
        text=QUOTED, data="w4TDlsOc",
    )  # fmt: skip
    assert converted(crlf(before)) == crlf(after)


def test_long_lines_of_what_is_encoded_become_short() -> None:
    content = converted(TEXT + b"\r\n" + "ü".encode() * 1000 + b"\r\n" + b"x" * 2000 + b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= MUST


def test_utf8_in_the_headers_of_parts_becomes_ascii_too() -> None:
    content = crlf(
        "Subject: Die Größe der Datei\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        'Content-Disposition: attachment; filename="Größe.txt"\n\nx\n--b--\n'
    )
    after = converted(content)
    assert b"Subject: Die =?utf-8?b?R3LDtsOfZQ==?= der Datei\r\n" in after
    assert b"attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.txt\r\n" in after
    assert headers_of(after) == headers_of(content)


def test_octets_that_quoted_printable_forgot_to_escape() -> None:
    content = TEXT + b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\n c=0A\xc3\xbc\r\n-- \xff\r\n"
    after = converted(content)
    assert leaves_of(after) == leaves_of(content) == [("text/plain", b"a=b c\n\xc3\xbc\r\n-- \xff")]


PART = "MIME-Version: 1.0\nContent-Type: {}\n\n"
SIGNED = 'multipart/signed; boundary=b; protocol="application/pgp-signature"'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("DKIM-Signature: v=1; a=x\nSubject: x\n\nGrüße\n", "DKIM-Signature"),
        ("ARC-Seal: i=1\nSubject: x\n\nGrüße\n", "ARC-Seal"),
        (PART.format(SIGNED) + "--b\n\nGrüße\n--b\n\nx\n--b--\n", "multipart/signed"),
        (PART.format("message/rfc822") + "DKIM-Signature: v=1\n\nGrüße\n", "DKIM-Signature"),
        (PART.format("multipart/mixed; boundary=b") + "ü\n--b\n\nx\n--b--\n", "before, between or after"),
        (PART.format("multipart/mixed; boundary=b") + "--b\n\nx\n--b--\nü\n", "before, between or after"),
        (PART.format("multipart/mixed") + "--b\n\nü\n--b--\n", "boundary"),
        (PART.format("multipart/mixed; boundary=b") + "--c\n\nü\n--c--\n", "boundary"),
        (PART.format("multipart/mixed; boundary=b") + "--b--\n\nü\n--b--\n", "boundary"),
        (PART.format("multipart/mixed; boundary=b; boundary=c") + "--b\n\nü\n--b--\n", "boundary"),
        (PART.format("multipart/mixed; boundary=b") + "--b\nü\n--b--\n", "no header field"),
        (PART.format("multipart mixed; boundary=b") + "--b\n\nü\n--b--\n", "Content-Type that cannot be read"),
        (PART.format("message/partial; id=x") + "ü\n", "message/partial"),
        (PART.format("message/external-body; access-type=x") + "ü\n", "message/external-body"),
        (PART.format("message/delivery-status") + "ü\n", "message/delivery-status"),
        ("Content-Transfer-Encoding: base64\n\nw7w=\nü\n", "base64"),
        ("Content-Transfer-Encoding: x-uuencode\n\nü\n", "x-uuencode"),
        ("Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: base64\n\nü\n", "that differ"),
        ("Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\nü\n", "that differ"),
        ("Content-Transfer-Encoding: base64\n" + PART.format("multipart/mixed; boundary=b") + "--b\n\nü\n", "base64"),
        ("Message-ID: <ü@example.com>\n\nx\n", "Message-ID"),
        ("To: ü@example.com\n\nx\n", "To"),
        ("Content-Type: multipart/mixed; boundary=ü\n\n--ü\n\nx\n--ü--\n", "boundary"),
    ],
)  # fmt: skip
def test_what_is_refused(content: str, why: str) -> None:
    with pytest.raises(Unsupported, match=why) as refused:
        seven_bit(mail_of(crlf(content)))
    assert refused.value.phase is Phase.MAIL
    assert refused.value.advice


def test_a_header_in_another_charset_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="Subject: holds octets that are not UTF-8"):
        seven_bit(mail_of(b"Subject: Gr\xfc\xdfe\r\n\r\nx\r\n"))


def test_a_signed_part_beside_stays_byte_for_byte() -> None:
    signed = crlf(f"Content-Type: {SIGNED}\n\n--b\nContent-Transfer-Encoding: 8bit\n\nascii\n--b\n\nx\n--b--\n")
    before = crlf(PART.format("multipart/mixed; boundary=o") + "--o\n") + signed + crlf("\n--o\n\nGrüße\n--o--\n")
    assert signed in converted(before)


def test_a_field_beside_a_signed_body_may_change() -> None:
    body = crlf("\n--b\nContent-Transfer-Encoding: 8bit\n\nascii\n--b\n\nx\n--b--\n")
    assert converted(crlf(f"Subject: ü\nContent-Type: {SIGNED}\n") + body).endswith(body)


def test_encrypted_data_is_a_leaf_like_any_other() -> None:
    content = TEXT.replace(b"text/plain; charset=utf-8", b"application/pkcs7-mime") + b"\r\n\xff\xfe\r\n"
    assert leaves_of(converted(content)) == [("application/pkcs7-mime", b"\xff\xfe")]


@pytest.mark.parametrize("depth", [40, 60, 2000])
def test_depth_is_bounded(depth: int) -> None:
    opening = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    content = crlf(opening + "\nü\n")
    if depth < 50:
        assert leaves_of(converted(content)) == leaves_of(content)
    else:
        with pytest.raises(Unsupported, match="nested more than"):
            seven_bit(mail_of(content))


def test_the_number_of_parts_is_bounded() -> None:
    content = PART.format("multipart/mixed; boundary=b") + "--b\n\nü\n" * 1001 + "--b--\n"
    with pytest.raises(Unsupported, match="more than 1000 parts"):
        seven_bit(mail_of(crlf(content)))


LINES = st.one_of(
    st.text("aü€ .=\t-", max_size=90).map(str.encode),
    st.sampled_from([b"", b"--b", b"--", b"From x", b"From \xff", b".", b"=3D", b"x" * 1200, b"\xff" * 400]),
    st.binary(max_size=40).map(lambda octets: octets.translate(None, b"\r\n\0")),
)
BODIES = st.lists(LINES, max_size=5).map(b"\r\n".join)
LABELS = st.sampled_from([b"", b"8bit", b"8BIT", b"binary", b"7bit"])
TYPES = st.sampled_from([b"", b"text/plain; charset=utf-8", b"text/html", b"application/pdf", b"image/png; name=x"])


def labelled(label: bytes) -> bytes:
    return b"Content-Transfer-Encoding: " + label + b"\r\n" if label else b""


@st.composite
def leaves(draw: st.DrawFn) -> bytes:
    kind = draw(TYPES)
    field = b"Content-Type: " + kind + b"\r\n" if kind else b""
    return field + labelled(draw(LABELS)) + b"\r\n" + draw(BODIES)


@st.composite
def multiparts(draw: st.DrawFn, inner: st.SearchStrategy[bytes]) -> bytes:
    parts = draw(st.lists(inner, min_size=1, max_size=3))
    number = next(number for number in range(100) if b"=_%d=" % number not in b"".join(parts))
    boundary = b"=_%d=" % number
    between = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    around = draw(st.sampled_from([b"", b"preamble\r\n", b"\r\n"]))
    last = draw(st.sampled_from([b"--" + boundary + b"--", b"--" + boundary + b"--\r\nepilogue", b""]))
    header = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n' + labelled(draw(LABELS))
    return header + b"\r\n" + around + between + last


def enclosed(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return inner.map(lambda octets: b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n" + octets)


TREES = st.recursive(leaves(), lambda inner: multiparts(inner) | enclosed(inner), max_leaves=6)


@given(TREES)
def test_any_structure_reads_the_same(tree: bytes) -> None:
    content = b"Subject: x\r\n" + tree + b"\r\n"
    after = converted(content)
    assert leaves_of(after) == leaves_of(content)
    assert headers_of(after) == headers_of(content)
    assert seven_bit(mail_of(after)).content is after


def readable_ones(corpora: Path) -> list[bytes]:
    """The 8-bit messages of the public data; what is not UTF-8 is there once as it is and once as UTF-8."""
    found = [path.read_bytes() for path in sorted(corpora.rglob("*.eml"))]
    eight_bit = [content for content in found if not content.isascii() and b"\0" not in content]
    return eight_bit + [content.decode("latin-1").encode() for content in eight_bit]


def as_mail(content: bytes) -> bytes:
    repaired = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return RawMessage(repaired, envelope_from="a@example.com", recipients="b@example.com").content


def test_public_messages_read_the_same(corpora: Path) -> None:
    contents = list(map(as_mail, readable_ones(corpora)))
    done = 0
    for content in contents:
        try:
            after = converted(content)
        except Unsupported:
            continue
        done += 1
        assert leaves_of(after) == leaves_of(content)
        if not HALF_ENCODED.search(content.decode("utf-8", "replace")):
            assert headers_of(after) == headers_of(content)
    assert done >= len(contents) // 2


def test_whatever_comes_it_is_converted_or_refused(corpora: Path) -> None:
    chance = random.Random(5)
    for content in map(as_mail, readable_ones(corpora)):
        for _ in range(40):
            octets = bytearray(content)
            for _ in range(chance.randrange(1, 8)):
                place = chance.randrange(min(len(octets), 3000))
                octets[place] = chance.choice(b' ";=:-\xc3\xbc\xff<>@,()x')
            broken = as_mail(bytes(octets))
            with suppress(Unsupported):
                assert seven_bit(mail_of(broken)).content.isascii()
