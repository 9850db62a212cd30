"""``without_utf8_headers``: the headers say the same in ASCII, or the field that cannot is named."""

import random  # noqa: TID251  # seeded, so that a red example stays red
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.address import Address
from postroad.errors import Unsupported
from postroad.message import Body, Envelope, MailObject, RawMessage
from postroad.message.downgrade import without_utf8_headers
from postroad.message.headers import MUST
from postroad.message.raw import header_of
from postroad.reply import Phase
from tests.message.foreign_reading import HALF_ENCODED, headers_of, leaves_of, mail_of


def downgraded(content: bytes) -> bytes:
    mail = without_utf8_headers(mail_of(content, smtputf8=True))
    assert not mail.smtputf8
    assert header_of(mail.content).isascii()
    assert mail.body is (Body.SEVEN_BIT if mail.content.isascii() else Body.EIGHT_BIT)
    assert mail.content.count(b"\n") == mail.content.count(b"\r") == mail.content.count(b"\r\n")
    assert leaves_of(mail.content) == leaves_of(content)
    return mail.content


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def field(line: str) -> str:
    """The field when it was written anew, unfolded."""
    header = header_of(downgraded(crlf(f"{line}\nX-Other: kept\n as it is\n\nbody\n")))
    assert header.endswith(b"X-Other: kept\r\n as it is\r\n")
    return header.removesuffix(b"X-Other: kept\r\n as it is\r\n").decode("ascii").removesuffix("\r\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Subject: Größe", "Subject: =?utf-8?b?R3LDtsOfZQ==?="),
        ("Subject: the café at noon", "Subject: the =?utf-8?q?caf=C3=A9?= at noon"),
        ("SUBJECT: =?utf-8?q?caf=C3=A9?= über", "SUBJECT: =?utf-8?q?caf=C3=A9_=C3=BCber?="),
        ("X-Note: café", "X-Note: =?utf-8?q?caf=C3=A9?="),
        ("Content-Description: café", "Content-Description: =?utf-8?q?caf=C3=A9?="),
        ("Keywords: plain, café,\n\tlast", "Keywords: plain, =?utf-8?q?caf=C3=A9?=, last"),
        ("List-Id: café <list.example.com>", "List-Id: =?utf-8?q?caf=C3=A9?= <list.example.com>"),
        ("From: José <a@example.com>", "From: =?utf-8?q?Jos=C3=A9?= <a@example.com>"),
        ('From: "Pérez, José" <a@example.com>', "From: =?utf-8?q?P=C3=A9rez=2C_Jos=C3=A9?= <a@example.com>"),
        ("To: a@bücher.example", "To: a@xn--bcher-kva.example"),
        ('To: "A, B" <a@b.example>, José <c@d.e>', 'To: "A, B" <a@b.example>, =?utf-8?q?Jos=C3=A9?= <c@d.e>'),
        ("To: Café: José <a@b.c>, c@d.e;", "To: =?utf-8?q?Caf=C3=A9?=: =?utf-8?q?Jos=C3=A9?= <a@b.c>, c@d.e;"),
        ("Cc: none:;, José <a@b.example>", "Cc: none:;, =?utf-8?q?Jos=C3=A9?= <a@b.example>"),
        ("Cc: a@b.c (not me, him: x), José <c@d.e>", "Cc: a@b.c (not me, him: x), =?utf-8?q?Jos=C3=A9?= <c@d.e>"),
        ("Content-Type: a/b; name=café; charset=utf-8", "Content-Type: a/b; name*=utf-8''caf%C3%A9; charset=utf-8"),
        (
            'Content-Disposition: inline; FileName="a; é" ; size=3',
            "Content-Disposition: inline; FileName*=utf-8''a%3B%20%C3%A9; size=3",
        ),
        ("Content-Disposition: inline; filename=é;", "Content-Disposition: inline; filename*=utf-8''%C3%A9"),
    ],
)  # fmt: skip
def test_how_a_field_is_written(before: str, after: str) -> None:
    assert field(before).replace("\r\n", "") == after


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("From: josé@example.com", "From: .*local part"),
        ("To: a@b.example, José <josé@example.com>", "To: .*local part"),
        ("To: José <a@b@c>", "To: "),
        ("Message-ID: <é@example.com>", "Message-ID"),
        ("References: <a@b> <é@example.com>", "References"),
        ("Received: from é by b", "Received"),
        ("List-Unsubscribe: <https://example.com/é>", "List-Unsubscribe"),
        ("List-Id: x <é.example.com>", "List-Id"),
        ("Content-Type: text/é; charset=x", "Content-Type"),
        ("Content-Type: text/plain; é=x", "Content-Type"),
        ("Content-Type: text/plain; name*0=é; name*1=x", "Content-Type"),
        ('Content-Disposition: inline; filename="é" x', "Content-Disposition"),
        ("Content-Type: a/b;\n " + "x" * 990 + "\n =é", "Content-Type: a word longer than a line"),
        ("DKIM-Signature: v=1; b=x\nSubject: é", "DKIM-Signature"),
        ("ARC-Message-Signature: i=1\nSubject: é", "ARC-Message-Signature"),
    ],
)
def test_what_ascii_cannot_say_is_refused_by_name(line: str, why: str) -> None:
    with pytest.raises(Unsupported, match=why) as refused:
        without_utf8_headers(mail_of(crlf(f"{line}\n\nbody\n"), smtputf8=True))
    assert refused.value.phase is Phase.MAIL
    assert refused.value.advice


def test_octets_of_another_charset_are_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="X-Note: holds octets that are not UTF-8"):
        without_utf8_headers(mail_of(crlf("Subject: é\n") + b"X-Note: \xe9\r\n\r\nbody\r\n", smtputf8=True))


def test_without_the_mark_the_same_object_comes_back() -> None:
    mail = mail_of(crlf("Subject: é\n\nbody\n"))
    assert without_utf8_headers(mail) is mail


@pytest.mark.parametrize("address", ["é@example.com", "a@example.com"])
def test_the_envelope_must_be_ascii(address: str) -> None:
    envelope = Envelope(None, (Address.parse(address),))
    mail = MailObject(envelope, b"Subject: x\r\n\r\nbody\r\n", None, Body.SEVEN_BIT, smtputf8=True)
    if address.isascii():
        assert not without_utf8_headers(mail).smtputf8
    else:
        with pytest.raises(Unsupported, match="envelope"):
            without_utf8_headers(mail)


NESTED = """\
Subject: {word}
Content-Type: multipart/mixed; boundary=b

préamble
--b
Content-Description: {word}
Content-Transfer-Encoding: 8bit

Grüße
--b
Content-Type: message/rfc822

From: {word} <a@example.com>
X: é is body
 
Grüße
--b
Content-Type: message/global

Subject: Grüße

--b--
"""  # noqa: W293  # a line of white space continues a field


def test_parts_and_enclosed_messages_too_and_bodies_never() -> None:
    before = NESTED.replace("X: é is body\n \n", "\n")
    after = downgraded(crlf(before.format(word="café")))
    assert after == crlf(before.format(word="=?utf-8?q?caf=C3=A9?="))


def test_a_signed_part_keeps_its_bytes_or_the_message_is_refused() -> None:
    header = "Subject: {}\nContent-Type: multipart/signed; boundary=b\n\n"
    signed = "--b\nContent-Description: {}\n\nGrüße\n--b\n\nx\n--b--\n"
    assert downgraded(crlf(header.format("é") + signed.format("e"))).endswith(crlf(signed.format("e")))
    with pytest.raises(Unsupported, match="multipart/signed"):
        without_utf8_headers(mail_of(crlf(header.format("é") + signed.format("é")), smtputf8=True))


def test_a_part_whose_header_cannot_be_found_is_refused() -> None:
    content = crlf("Subject: é\nContent-Type: multipart/mixed; boundary=b\n\n--b\nno field é\n\nx\n--b--\n")
    with pytest.raises(Unsupported, match="no header field"):
        without_utf8_headers(mail_of(content, smtputf8=True))


WORDS = st.text("abc éßжゆ😀,;:\"\\()<>@.=?_'%*", min_size=1, max_size=60).map(lambda text: " ".join(text.split()))
NAMES = WORDS.filter(bool).map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
ADDRESSES = st.sampled_from(["a@example.com", "b.c@bücher.example", "d@[192.0.2.1]"])
MAILBOXES = st.one_of(ADDRESSES, st.builds("{} <{}>".format, NAMES, ADDRESSES))
LISTS = st.lists(MAILBOXES, min_size=1, max_size=4).map(",\n ".join)
FREE = st.text('abc éßжゆ😀,;:"\\()<>@.', min_size=1, max_size=200).map(lambda text: " ".join(text.split()))


@st.composite
def headers(draw: st.DrawFn) -> str:
    lines = [f"Subject: {draw(FREE)}", f"To: {draw(LISTS)}", f"X-Free: {draw(FREE)}"]
    parameters = draw(st.lists(NAMES, max_size=2))
    names = ["filename", "x-name"]
    pairs = [f"; {name}={value}" for name, value in zip(names, parameters, strict=False)]
    return "\n".join([*lines, "Content-Disposition: attachment" + "".join(pairs)])


@given(headers())
def test_any_header_says_the_same(header: str) -> None:
    content = crlf(header + "\n\nbody\n")
    after = downgraded(content)
    assert headers_of(after) == headers_of(content)
    assert max(map(len, header_of(after).split(b"\r\n"))) <= MUST
    again = mail_of(after)
    assert without_utf8_headers(again) is again


@pytest.mark.parametrize("piece", ['\\"', "(", "\\(", '"', "é <", "é,", "é =?", "=?u?q?", "é@", "<", "[", "é:;"])
@pytest.mark.parametrize("name", ["To", "Keywords", "X-Note", "List-Id", "Content-Type"])
def test_crafted_fields_take_no_time(name: str, piece: str) -> None:
    content = crlf(f"{name}: é {piece * 30_000}\n\nbody\n")
    start = perf_counter()
    with suppress(Unsupported):
        without_utf8_headers(mail_of(content, smtputf8=True))
    assert perf_counter() - start < 5  # seconds; what takes quadratic time here takes minutes


def in_utf8(corpora: Path) -> list[bytes]:
    """The public messages, each non-ASCII word written in UTF-8, where their header was in UTF-8 or Latin-1."""
    contents = [path.read_bytes() for path in sorted(corpora.rglob("*.eml"))]
    found = [content for content in contents if not content.isascii() and b"\0" not in content]
    return [_as_mail(content.decode("latin-1").encode()) for content in found]


def _as_mail(content: bytes) -> bytes:
    repaired = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return RawMessage(repaired, envelope_from="a@example.com", recipients="b@example.com").content


def test_public_messages_say_the_same(corpora: Path) -> None:
    contents = in_utf8(corpora)
    done = 0
    for content in contents:
        try:
            after = downgraded(content)
        except Unsupported:
            continue
        done += 1
        if not HALF_ENCODED.search(content.decode("utf-8", "replace")):
            assert headers_of(after) == headers_of(content)
    assert done >= len(contents) // 2


def test_whatever_comes_it_is_written_anew_or_refused(corpora: Path) -> None:
    chance = random.Random(5)
    for content in in_utf8(corpora):
        for _ in range(40):
            octets = bytearray(content)
            for _ in range(chance.randrange(1, 8)):
                place = chance.randrange(min(len(octets), 3000))
                octets[place] = chance.choice(b' ";=:-\xc3\xbc\xff<>@,()x')
            try:
                mail = without_utf8_headers(mail_of(_as_mail(bytes(octets)), smtputf8=True))
            except Unsupported:
                continue
            assert header_of(mail.content).isascii()
