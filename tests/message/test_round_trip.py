"""What is rendered parses back, by the standard library and by ourselves; and nothing else is in it."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.message import Attachment, Email, InlineImage
from tests.message import strategies as our
from tests.message.meaning import (
    assert_same_files,
    expected_field_names,
    field_names,
    leaves,
    mailboxes_of,
    octets_of,
    read,
    subject_of,
)

ANYTHING = st.text(max_size=60)  # controls, line breaks and surrogates among it


def with_unix_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_parts(content: bytes) -> list[str]:
    """The texts of the parts that are no files, by the standard library."""
    parts = [part for part in leaves(read(content)) if part.get_filename() is None]
    return [octets_of(part).decode().replace("\r\n", "\n") for part in parts]


@given(our.emails())
def test_the_header_holds_what_was_asked_for_and_nothing_else(email: Email) -> None:
    assert field_names(email.to_bytes()) == expected_field_names(email)


@given(our.emails())
def test_lines_keep_the_limits(email: Email) -> None:
    content = email.to_bytes()
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    header, _, _ = content.partition(b"\r\n\r\n")
    for line in header.split(b"\r\n"):
        assert len(line) <= 78 or b" " not in line.strip(b" "), line
        assert b"=?utf-8?" not in line or len(line) <= 76
        assert line.strip()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    words = re.findall(rb"=\?utf-8\?[qb]\?[^?]*\?=", header)
    assert all(len(word) <= 75 for word in words)


@given(our.emails())
def test_the_standard_library_reads_the_subject(email: Email) -> None:
    assert subject_of(email.to_bytes()).strip() == email.subject.strip()


@given(our.emails())
def test_the_standard_library_reads_names_and_addresses(email: Email) -> None:
    content = email.to_bytes()
    for name, addresses in (("From", email.from_), ("To", email.to), ("Cc", email.cc), ("Reply-To", email.reply_to)):
        found = mailboxes_of(content, name)
        assert [spec for _, spec in found] == [address.addr_spec for address in addresses]
        assert [phrase for phrase, _ in found] == [address.display_name for address in addresses]


@given(our.emails())
def test_the_standard_library_reads_text_and_html(email: Email) -> None:
    expected = [with_unix_ends(email.text or "")]
    if email.html is not None:
        expected.append(with_unix_ends(email.html))
    found = text_parts(email.to_bytes())
    if email.html is None and not email.attachments and found != expected:
        expected[0] += "\n"  # the content ends with a line end, so a text that stands alone may get one
    assert found == expected


FILE_TYPES = st.sampled_from(["application/pdf", "text/csv", "image/png", None])


@given(our.emails(files=st.builds(Attachment, st.binary(max_size=300), our.file_names, FILE_TYPES)))
def test_the_standard_library_reads_the_files(email: Email) -> None:
    assert_same_files(email, email.to_bytes())


@given(our.emails())
def test_we_read_what_we_wrote(email: Email) -> None:
    again = Email.from_bytes(email.to_bytes())
    for name in ("from_", "to", "cc", "reply_to", "sender", "date", "message_id"):
        assert getattr(again, name) == getattr(email, name), name
    assert again.bcc == ()
    assert again.subject == email.subject.strip()
    assert [value.strip() for value in email.headers.get_all("X-Extra")] == list(again.headers.get_all("X-Extra"))
    assert (again.html is None) == (email.html is None)


@given(our.emails())
def test_rendering_is_stable(email: Email) -> None:
    assert email.to_bytes() == email.to_bytes()
    again = Email.from_bytes(email.to_bytes())
    assert again.to_bytes() == Email.from_bytes(again.to_bytes()).to_bytes()


ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "from_": ANYTHING,
    "to": st.lists(ANYTHING, max_size=2),
    "cc": ANYTHING,
    "bcc": ANYTHING,
    "reply_to": ANYTHING,
    "sender": ANYTHING,
    "return_path": ANYTHING,
    "subject": ANYTHING,
    "text": ANYTHING,
    "html": ANYTHING,
    "headers": st.lists(st.tuples(ANYTHING | st.just("X-Any") | st.just("References"), ANYTHING), max_size=2),
    "list_unsubscribe": ANYTHING | ANYTHING.map("https://example.com/{}".format),
    "tags": st.lists(ANYTHING, max_size=2),
    "metadata": st.dictionaries(ANYTHING, ANYTHING, max_size=2),
    "message_id": ANYTHING | ANYTHING.map("<{}@example.com>".format),
}


Made = TypeVar("Made")


def made_or_refused(make: Callable[[], Made]) -> Made | MessageError:
    try:
        return make()
    except MessageError as fault:
        return fault


@given(st.data(), st.sampled_from(sorted(ARGUMENTS)))
def test_no_argument_makes_a_line_of_its_own(data: st.DataObject, name: str) -> None:
    arguments: dict[str, Any] = {"from_": "a@example.com", "to": "b@example.com", "text": "x", "sender": "s@c.example"}
    arguments[name] = data.draw(ARGUMENTS[name])
    email = made_or_refused(lambda: Email(**arguments))
    if isinstance(email, MessageError):
        assert email.field
        assert str(email).startswith(email.field.split("[")[0])
    else:
        assert field_names(email.to_bytes()) == expected_field_names(email)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_no_file_makes_a_line_of_its_own(content: str, name: str, media_type: str, cid: str) -> None:
    makers: list[Callable[[], Attachment]] = [
        lambda: Attachment(content, name),
        lambda: Attachment(content, "a.txt", media_type),
        lambda: Attachment(content, "a.txt", f'text/plain; x="{media_type}"'),
        lambda: InlineImage(content, cid),
    ]
    for make in makers:
        item = made_or_refused(make)
        if isinstance(item, MessageError):
            assert item.field in ("content", "filename", "content_type", "cid")
        else:
            email = Email(from_="a@example.com", to="b@example.com", html="x", attachments=[item])
            file = leaves(read(email.to_bytes()))[-1]
            assert file.get_filename() is not None
            allowed = {"content-type", "content-id", "content-disposition", "content-transfer-encoding"}
            assert {name.lower() for name, _ in file.items()} <= allowed
