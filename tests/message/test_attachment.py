"""Attachments and inline images: content, names, types, and files that cannot be read."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from postroad.errors import MessageError
from postroad.message import Attachment, Email, InlineImage
from postroad.message.media_type import TYPES, MediaType, extension_of, type_of_name


def rendered(item: Attachment) -> bytes:
    return Email(from_="a@example.com", to="b@example.com", html="x", attachments=[item]).to_bytes()


def test_bytes_and_text() -> None:
    assert Attachment(b"\xff", "a.bin").content == b"\xff"
    assert Attachment(memoryview(b"ab"), "a.bin").content == b"ab"  # type: ignore[arg-type]  # callers hand over what they have
    text = Attachment("Grüße", "a.txt")
    assert text.content == "Grüße".encode()
    assert text.content_type == "text/plain; charset=utf-8"
    assert Attachment("a,b", "a.csv").content_type == "text/csv; charset=utf-8"
    assert Attachment("{}", "a.json").content_type == "application/json"
    assert Attachment("x", "README").content_type == "text/plain; charset=utf-8"
    assert Attachment("x", "a.txt", "text/plain; charset=latin-1; format=flowed").content_type == (
        "text/plain; format=flowed; charset=utf-8"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "application/pdf"),
        ("REPORT.PDF", "application/pdf"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.tar.gz", "application/gzip"),
        ("a.jpg", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("noextension", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        ("a.", "application/octet-stream"),
    ],
)
def test_the_type_comes_from_the_name(name: str, expected: str) -> None:
    assert Attachment(b"x", name).content_type == expected


def test_every_type_of_the_table_is_one() -> None:
    for extension, essence in TYPES.items():
        assert str(MediaType.parse(essence)) == essence
        assert type_of_name(f"x.{extension.upper()}") == essence
        assert type_of_name(f"x{extension_of(essence)}") == essence
    assert extension_of("application/x-unheard-of") == ".bin"


@pytest.mark.parametrize(
    ("name", "kept"),
    [("/etc/passwd", "passwd"), ("C:\\Users\\ann\\a.pdf", "a.pdf"), ("../../a.pdf", "a.pdf"), (" a b.pdf ", "a b.pdf")],
)
def test_no_folder_leaks(name: str, kept: str) -> None:
    assert Attachment(b"x", name).filename == kept


@pytest.mark.parametrize(
    ("arguments", "field", "said"),
    [
        ({"content": None}, "content", "NoneType"),
        ({"content": "\ud800"}, "content", "surrogate"),
        ({"filename": ""}, "filename", "no file"),
        ({"filename": "folder/"}, "filename", "no file"),
        ({"filename": ".."}, "filename", "no file"),
        ({"filename": "a\r\nX: y.pdf"}, "filename", "U+000D"),
        ({"filename": "a\0.pdf"}, "filename", "U+0000"),
        ({"filename": "a" * 256}, "filename", "longer"),
        ({"filename": None}, "filename", "NoneType"),
        ({"content_type": "pdf"}, "content_type", "media type"),
        ({"content_type": "text/"}, "content_type", "media type"),
        ({"content_type": "text/plain\r\nX: y"}, "content_type", "U+000D"),
        ({"content_type": "text/plain; charset"}, "content_type", "name=value"),
        ({"content_type": "text/plain; a=b; A=c"}, "content_type", "twice"),
        ({"content_type": 'application/pdf; name="x"'}, "content_type", "filename="),
        ({"content_type": "text/plain; boundary=x"}, "content_type", "boundary"),
        ({"content_type": "multipart/mixed"}, "content_type", "type of a file"),
        ({"content_type": "text/plain; x=" + "y" * 300}, "content_type", "media type"),
        ({"content_type": 7}, "content_type", "int"),
    ],
)
def test_a_refusal_names_its_field(arguments: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(MessageError, match="^" + field) as refused:
        Attachment(**{"content": b"x", "filename": "a.bin", **arguments})
    assert refused.value.field == field
    assert said in f"{refused.value.message} {refused.value.advice}"


@pytest.mark.parametrize("cid", ["", "a b", "a\n", "a>", "ä", "cid:logo", "a@b@c", "x" * 901, 'a"b', "%41"])
def test_a_cid_that_cannot_be_one(cid: str) -> None:
    with pytest.raises(MessageError, match=r"^cid") as refused:
        InlineImage(b"x", cid)
    assert refused.value.field == "cid"


def test_inline_images() -> None:
    assert InlineImage(b"x", "<logo@example.com>").cid == "logo@example.com"
    image = InlineImage(b"x", cid="logo", filename="logo.png")
    assert (image.content_type, image.filename, image.cid) == ("image/png", "logo.png", "logo")
    content = rendered(image)
    assert b"multipart/related" in content
    assert b"\r\nContent-ID: <logo>\r\n" in content
    assert b'\r\nContent-Disposition: inline; filename="logo.png"\r\n' in content


@pytest.mark.parametrize(
    ("start", "essence", "extension"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", ".jpg"),
        (b"GIF89a", "image/gif", ".gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp", ".webp"),
        (b"<svg xmlns=", "image/svg+xml", ".svg"),
    ],
)
def test_an_image_without_a_name_is_known_by_its_first_octets(start: bytes, essence: str, extension: str) -> None:
    image = InlineImage(start + b"...", cid="logo")
    assert (image.content_type, image.filename) == (essence, f"logo{extension}")


def test_an_image_that_no_html_shows_is_a_file() -> None:
    image = InlineImage(b"x", cid="logo", filename="logo.png")
    content = Email(from_="a@example.com", to="b@example.com", text="x", attachments=[image]).to_bytes()
    assert b"multipart/mixed" in content
    assert b"multipart/related" not in content


def test_from_path(tmp_path: Path) -> None:
    file = tmp_path / "Übersicht.pdf"
    file.write_bytes(b"pdf")
    item = Attachment.from_path(file)
    assert (item.content, item.filename, item.content_type) == (b"pdf", "Übersicht.pdf", "application/pdf")
    file.unlink()  # read when it was made
    assert item.content == b"pdf"
    file.write_bytes(b"pdf")
    assert Attachment.from_path(str(file), filename="other.csv").content_type == "text/csv"
    assert Attachment.from_path(str(file), content_type="text/x-odd").content_type == "text/x-odd"
    image = InlineImage.from_path(file, cid="logo", content_type="image/png")
    assert (image.cid, image.filename, image.content_type) == ("logo", "Übersicht.pdf", "image/png")


@pytest.mark.parametrize("make", [Attachment.from_path, lambda path: InlineImage.from_path(path, cid="x")])
def test_a_file_that_cannot_be_read(tmp_path: Path, make: Any) -> None:
    for path, said in ((tmp_path / "missing.pdf", "missing.pdf"), (tmp_path, "directory"), ("a\0b", "null")):
        with pytest.raises(MessageError, match=r"^path: ") as refused:
            make(path)
        assert refused.value.field == "path"
        assert said in refused.value.message
        assert isinstance(refused.value.__cause__, OSError | ValueError)
    with pytest.raises(MessageError, match=r"^path: "):
        make(None)


def test_values() -> None:
    item = Attachment(b"secret" * 100, "a.pdf")
    assert "secret" not in repr(item)
    assert "600 octets" in repr(item)
    assert item == Attachment(b"secret" * 100, "a.pdf")
    assert hash(item) == hash(Attachment(b"secret" * 100, "a.pdf"))
    image = InlineImage(b"x", cid="logo")
    for value in (item, image):
        assert pickle.loads(pickle.dumps(value)) == value
    assert image != Attachment(b"x", "logo")


def test_a_message_as_attachment_is_never_encoded() -> None:
    inner = b"Subject: inner\n\nHello.\n"
    assert b"Content-Type: message/rfc822" in rendered(Attachment(inner, "inner.eml"))
    assert inner.replace(b"\n", b"\r\n") in rendered(Attachment(inner, "inner.eml"))
    for foreign in (b"Subject: inner\n\n\xff\n", b"Subject: x\n\n" + b"y" * 999, b"Subject: x\n\na\rb", b"\0"):
        content = rendered(Attachment(foreign, "inner.eml"))
        assert b"message/rfc822" not in content
        assert b'application/octet-stream; name="inner.eml"' in content


def test_text_files_keep_their_line_ends() -> None:
    for content in (b"a\nb\n", b"a\r\nb\r\n", b"a\rb", b"x" * 500 + b" \n.\nFrom \n", b""):
        email = Email(from_="a@example.com", to="b@example.com", text="", attachments=[Attachment(content, "a.csv")])
        assert Email.from_bytes(email.to_bytes()).attachments[0].content == content


def test_the_table_is_our_own() -> None:
    assert "mimetypes" not in type_of_name.__globals__
