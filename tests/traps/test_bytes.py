"""What goes wrong in the bytes of a message: shown on the standard library where it can be, and closed here."""

from base64 import b64encode
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path

import dkim
import pytest

from postroad import Dkim, Mailer, Secret
from postroad.errors import AddressError, MessageError
from postroad.message import Attachment, Email, InlineImage, RawMessage
from postroad.transport.to_memory import MemoryTransport
from tests.mailauth.dkim.examples import RSA_PEM, RSA_RECORD
from tests.message.meaning import field_names

UNSUBSCRIBE = "https://acme.example/unsubscribe?token=" + "0123456789abcdef" * 8


def email(**arguments: object) -> Email:
    given: dict[str, object] = {"from_": "a@example.com", "to": "b@example.com", "text": "x", **arguments}
    return Email(**given)  # type: ignore[arg-type]  # each test gives what it is about


def by_the_standard_library(**fields: str) -> bytes:
    message = EmailMessage()
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content("x")
    return message.as_bytes()


def test_p01_long_structured_fields_are_no_encoded_words() -> None:
    """Long List-Unsubscribe, In-Reply-To and References written as encoded words: one-click unsubscribing vanishes
    (RFC 2047 §5 rule 3, RFC 2369, RFC 8058).
    """
    msg_id = f"<{'x' * 100}@mail.example.com>"
    assert b"=?utf-8?q?" in by_the_standard_library(List_Unsubscribe=f"<{UNSUBSCRIBE}>")
    assert b"=?utf-8?q?" in by_the_standard_library(In_Reply_To=msg_id)
    content = email(list_unsubscribe=UNSUBSCRIBE, headers={"In-Reply-To": msg_id, "References": msg_id}).to_bytes()
    assert b"=?" not in content
    assert f"<{UNSUBSCRIBE}>".encode() in content
    assert content.count(msg_id.encode()) == 2
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in content


def test_p02_no_encoded_word_stands_in_an_address() -> None:
    """Encoded words inside an address or a domain (RFC 2047 §5 rule 3, RFC 5891, RFC 6531)."""
    assert b"?=@ex.example" in by_the_standard_library(To="jörg@ex.example")
    content = email(to=["jörg@ex.example", "Jörg <post@bücher.example>"]).to_bytes()
    assert "jörg@ex.example".encode() in content
    assert b"<post@xn--bcher-kva.example>" in content
    with pytest.raises(AddressError, match="encoded word"):
        email(to="=?utf-8?q?j=C3=B6rg?=@ex.example")


@pytest.mark.parametrize("encoded", ["=?utf-8?q?=0ABcc:_x@evil.example?=", "=?utf-8?b?CkJjYzogeEBldmlsLmV4YW1wbGU=?="])
def test_p03_an_encoded_line_end_makes_no_field(encoded: str) -> None:
    """An encoded line end in a Subject that becomes a line of its own (CVE-2024-6923, CVE-2026-1299)."""
    # Written as it stands, because it was given as it stands ...
    given = email(subject=encoded, headers={"X-Note": encoded}).to_bytes()
    # ... and a line with a space where it came in from outside.
    raw = (
        f"From: {encoded} <a@example.com>\r\nTo: b@example.com\r\nSubject: {encoded}\r\nX-Note: {encoded}\r\n\r\nx\r\n"
    )
    read = Email.from_bytes(raw.encode())
    assert read.subject == "Bcc: x@evil.example"
    assert read.from_[0].display_name == "Bcc: x@evil.example"
    for content in (
        given,
        read.to_bytes(),
        Email.from_message(message_from_bytes(given, policy=policy.default)).to_bytes(),
    ):
        assert "bcc" not in [name.lower() for name in field_names(content)]
        assert message_from_bytes(content, policy=policy.default)["Bcc"] is None
    assert str(make_header(decode_header(message_from_bytes(given)["Subject"]))) == encoded


@pytest.mark.parametrize(
    "text", ["user@good-corp.example(x)evil.example", "user@good-corp.example> SIZE=1", "a@b.example,c@d.example"]
)
def test_p05_an_address_is_read_in_one_way_or_not_at_all(text: str) -> None:
    """Two readers of addresses that find two recipients: the check passes one, the mail goes to the other
    (RFC 5321 §4.1.2, RFC 5322 §3.4).
    """
    assert getaddresses([text]) != [("", text)]  # what some make of it
    with pytest.raises(AddressError, match=r"^to\[0\]: "):
        email(to=[text])
    for field in ("cc", "bcc", "reply_to", "sender", "return_path", "from_"):
        with pytest.raises(AddressError, match=f"^{field}: "):
            email(**{field: text})


BREAK = "a\r\nBcc: x@evil.example"


@pytest.mark.parametrize(
    "arguments",
    [
        {"subject": BREAK},
        {"from_": f"{BREAK} <a@example.com>"},
        {"to": f"a@example.com{BREAK}"},
        {"headers": {"X-A": BREAK}},
        {"headers": {BREAK: "x"}},
        {"headers": {"List-Help": f"<https://a.example/> ({BREAK})"}},
        {"headers": {"References": f"<{BREAK}>"}},
        {"list_unsubscribe": f"https://a.example/{BREAK}"},
        {"message_id": f"<{BREAK}@b>"},
        {"tags": [BREAK]},
        {"metadata": {"k": BREAK}},
    ],
)
@pytest.mark.parametrize("control", ["\r\n", "\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\u2028"])
def test_p14_a_control_character_is_refused_everywhere(arguments: dict[str, object], control: str) -> None:
    """A line end in any argument of a message makes a header field of its own (RFC 5322 §2.2)."""

    def changed(value: object) -> object:
        if isinstance(value, str):
            return value.replace("\r\n", control)
        if isinstance(value, dict):
            return {changed(key): changed(item) for key, item in value.items()}
        return [changed(item) for item in value] if isinstance(value, list) else value

    with pytest.raises(MessageError) as refused:
        email(**{name: changed(value) for name, value in arguments.items()})
    assert refused.value.field is not None
    assert refused.value.field.startswith(next(iter(arguments)))


@pytest.mark.parametrize(
    "make", [lambda text: Attachment(b"", text), lambda text: Attachment(b"", "a", f"a/b; c={text}")]
)
def test_p14_a_control_character_is_refused_in_every_parameter(make: object) -> None:
    """A line end in a MIME parameter makes a header field of its own (RFC 2045 §5.1)."""
    assert callable(make)
    for text in (BREAK, "a\0", "a\n", 'a"\r\nX: y'):
        with pytest.raises(MessageError):
            make(text)
    with pytest.raises(MessageError):
        InlineImage(b"", BREAK)


def test_p26_line_ends_on_the_wire_are_crlf_only() -> None:
    """A bare CR or LF on the wire, which servers read differently: smuggling (CVE-2023-51766, RFC 5321 §2.3.8)."""
    content = email(text="a\nb\rc\r\nd", html="<p>é\n\r</p>", attachments=[Attachment("x\ry\nz", "a.txt")]).to_bytes()
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")


def test_p26_bytes_that_are_passed_through_have_their_line_ends_mended_or_are_refused() -> None:
    """Bytes handed over as they are keep their bare LF in the standard library (RFC 5321 §2.3.8)."""
    raw = RawMessage(b"Subject: x\nTo: b@example.com\r\n\na\n.\nb", envelope_from="", recipients="b@example.com")
    assert raw.content == b"Subject: x\r\nTo: b@example.com\r\n\r\na\r\n.\r\nb\r\n"
    with pytest.raises(MessageError, match="bare CR"):
        RawMessage(b"Subject: x\r\n\r\na\rb", envelope_from="", recipients="b@example.com")


REFERENCES_TO_FILES = """\
From: a@example.com
To: b@example.com
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: message/external-body; access-type=local-file; name="{path}"

Content-Type: text/plain

--b
Content-Type: text/html

<img src="file://{path}"><img src="http://127.0.0.1:1/x.png">
--b
Content-Type: text/plain; name="{path}"
Content-Disposition: attachment; filename="{path}"

harmless
--b--
"""


def test_p15_nothing_in_a_message_makes_us_read_a_file_or_an_address(tmp_path: Path) -> None:
    """Paths and URLs in data from outside that are followed: files leak, inner servers are asked (SSRF; RFC 2046 §5.2.3
    shows the oldest such reference).
    """
    secret = tmp_path / "secret.txt"
    secret.write_text("the-secret")
    read = Email.from_bytes(REFERENCES_TO_FILES.format(path=secret).encode())
    built = email(
        html=f'<img src="file://{secret}"><img src="{secret}">',
        attachments=[Attachment(str(secret), "a.txt"), Attachment(f"file://{secret}", "b.txt")],
    )
    for one in (read, built):
        contents = b"".join(item.content for item in one.attachments)
        assert b"the-secret" not in contents + one.to_bytes()
        assert b64encode(b"the-secret") not in one.to_bytes()
    assert built.attachments[0].content == str(secret).encode(), "a text is content, never a path"
    assert "/" not in read.attachments[-1].filename


def test_p32_a_signature_covers_from_and_list_unsubscribe() -> None:
    """A DKIM signature that leaves From or List-Unsubscribe out: others may put their own there (RFC 6376 §5.4,
    RFC 8058 §4).
    """
    transport = MemoryTransport()
    with Mailer(transport, dkim=[Dkim("example.com", "test", Secret(RSA_PEM))]) as mailer:
        mailer.send(email(list_unsubscribe=UNSUBSCRIBE))
    content = transport.messages[0].content
    assert signature_passes(content)
    assert not signature_passes(content.replace(b"From: a@example.com", b"From: x@example.com"))
    assert not signature_passes(b"From: x@example.com\r\n" + content)
    assert not signature_passes(content.replace(b"acme.example/unsubscribe", b"evil.example/unsubscribe"))
    assert not signature_passes(content.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"))


def signature_passes(content: bytes) -> bool:
    """What dkimpy says."""
    return bool(dkim.verify(content, dnsfunc=lambda *_name, **_more: RSA_RECORD))
