"""The bytes of messages are kept, equal on every Python, and mean what the message says."""

import json
import os
import subprocess
from base64 import b64decode
from pathlib import Path

import idna
import pytest

from postroad.message import Email
from tests.golden import messages as golden
from tests.message.meaning import (
    assert_same_files,
    expected_field_names,
    field_names,
    mailboxes_of,
    read,
    subject_of,
)
from tests.message.pythons import SUPPORTED, interpreter

MESSAGES = dict(golden.messages())
SOURCES = Path(golden.__file__).parents[2] / "src"


def kept(name: str) -> bytes:
    return (golden.FOLDER / f"{name}.eml").read_bytes()


def test_every_golden_file_has_its_message() -> None:
    assert {path.stem for path in golden.FOLDER.glob("*.eml")} == MESSAGES.keys()


@pytest.mark.parametrize("name", MESSAGES)
def test_the_bytes_are_those_kept(name: str) -> None:
    assert MESSAGES[name].to_bytes() == kept(name)


@pytest.mark.parametrize("version", SUPPORTED)
def test_every_python_makes_the_same_bytes(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"POSTROAD_PYTHONS names no Python {version}, and there is none in PATH or pyenv")
    # The dependencies of this environment are pure Python; idna is the only one that messages need.
    path = os.pathsep.join((str(SOURCES), str(Path(idna.__file__).parents[1])))
    made = subprocess.run(
        [python, golden.__file__], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    for name, encoded in json.loads(made.stdout).items():
        assert b64decode(encoded) == kept(name), name


@pytest.mark.parametrize("name", MESSAGES)
def test_the_standard_library_reads_what_the_message_says(name: str) -> None:
    message, content = MESSAGES[name], kept(name)
    assert field_names(content) == expected_field_names(message)
    assert subject_of(content).strip() == message.subject.strip()
    for field, addresses in (("From", message.from_), ("To", message.to), ("Cc", message.cc)):
        found = [pair for pair in mailboxes_of(content, field) if any(pair)]
        assert found == [(address.display_name, address.addr_spec) for address in addresses]
    if name != "boundary_lookalikes":  # what the standard library makes of an attached message, it writes anew
        assert_same_files(message, content)


@pytest.mark.parametrize("name", MESSAGES)
def test_the_standard_library_finds_no_defect(name: str) -> None:
    parsed = read(kept(name))
    assert [defect for part in parsed.walk() for defect in part.defects] == []


@pytest.mark.parametrize("name", MESSAGES)
def test_we_read_what_we_wrote(name: str) -> None:
    message = MESSAGES[name]
    content = kept(name)
    if not message.to and not message.cc:
        content = content.replace(b"To: undisclosed-recipients:;", b"To: somebody@example.com")
        message = message.replace(to="somebody@example.com")
    again = Email.from_bytes(content)
    assert again.from_ == message.from_
    assert again.to == message.to
    assert again.subject == message.subject.strip()
    assert again.headers == message.headers
    assert again.list_unsubscribe == message.list_unsubscribe
    assert (again.message_id, again.date) == (message.message_id, message.date)
    assert [item.filename for item in again.attachments] == [item.filename for item in message.attachments]


def test_bcc_is_in_the_envelope_and_never_in_the_bytes() -> None:
    everything = MESSAGES["everything"]
    assert "hidden@example.com" in everything.envelope.recipients
    for name in MESSAGES:
        assert b"\nbcc" not in kept(name).lower()
        assert b"hidden@example.com" not in kept(name)


def test_the_whole_message_is_seven_bit_but_for_international_local_parts() -> None:
    assert [name for name in MESSAGES if not kept(name).isascii()] == ["international_local_part"]
