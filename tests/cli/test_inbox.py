"""``postroad inbox --print``: foreign clients hand mail over, and it is printed."""

import base64
import signal
import smtplib
import socket
from email import policy
from email.message import EmailMessage

import pytest

from tests.cli.command import run_inside, running
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import RunSwaks

FREE_PORT = ("inbox", "--print", "--smtp", "127.0.0.1:0")


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Bob <bob@example.com>", "ann@example.com", "Grüße"
    message.set_content("Hello Ann\n.\nafter a lone dot\n")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="report.pdf")
    return message


CONTENT = letter().as_bytes(policy=policy.SMTP)


def endpoint(address: str) -> Endpoint:
    host, _, port = address.rpartition(":")
    return Endpoint(host, int(port))


def test_a_message_as_json() -> None:
    with running(*FREE_PORT, "--json") as inbox:
        ready = inbox.line()
        assert ready["ready"] is True
        where = endpoint(ready["smtp"])
        assert (where.host, where.port > 0) == ("127.0.0.1", True)
        with smtplib.SMTP(where.host, where.port) as client:
            client.login("anybody", "anything")
            client.sendmail("bob@example.com", ["ann@example.com", "cy@example.com"], CONTENT)
        caught = inbox.line()
        ended = inbox.end()
    assert (caught["mail_from"], caught["recipients"]) == ("bob@example.com", ["ann@example.com", "cy@example.com"])
    assert (caught["subject"], caught["user"], caught["tls"]) == ("Grüße", "anybody", None)
    assert caught["text"] == "Hello Ann\n.\nafter a lone dot\n"
    assert [(part["depth"], part["media_type"], part["filename"], part["octets"]) for part in caught["parts"]] == [
        (0, "multipart/mixed", None, None), (1, "text/plain", None, 32), (1, "application/pdf", "report.pdf", 8),
    ]  # fmt: skip
    assert base64.b64decode(caught["content_base64"]) == CONTENT
    assert {"name": "To", "value": "ann@example.com"} in caught["headers"]
    assert (ended.code, ended.stdout) == (0, "")


@pytest.mark.system
def test_swaks_hands_over_a_message_that_is_printed(swaks: RunSwaks) -> None:
    evil = b"From: bob@example.com\r\nSubject: \x1b]0;owned\x07\r\n\r\nHello \xc2\x9b31m Ann\r\n"
    with running(*FREE_PORT) as inbox:
        where = endpoint(announced(inbox.process.stderr))
        run = swaks(where, "--from", "bob@example.com", "--to", "ann@example.com", data=evil)
        ended = inbox.end(signal.SIGINT)
    assert run.exit_code == 0, run.transcript
    assert ended.code == 0
    assert "ann@example.com" in ended.stdout
    assert "Hello \\x9b31m Ann" in ended.stdout
    assert not {"\x1b", "\x07", "\x9b"} & set(ended.stdout + ended.stderr)


def announced(stderr: object) -> str:
    """The address in the line that says that it is ready."""
    line = stderr.readline()  # type: ignore[attr-defined]  # a text stream, but Popen's annotation has it optional
    assert "catching what is sent to " in line
    return str(line.partition("catching what is sent to ")[2].partition(";")[0])


def test_a_message_that_is_no_mime_is_shown_all_the_same() -> None:
    with running(*FREE_PORT, "--json") as inbox:
        where = endpoint(inbox.line()["smtp"])
        with smtplib.SMTP(where.host, where.port) as client:
            client.sendmail("", ["ann@example.com"], b"no header at all\r\n\xff\xfe\r\n")
        caught = inbox.line()
        inbox.end()
    assert caught["mail_from"] == ""
    assert base64.b64decode(caught["content_base64"]) == b"no header at all\r\n\xff\xfe\r\n"


def test_without_print_it_says_what_this_version_can() -> None:
    ended = run_inside("inbox", "--json")
    assert ended.code == 2
    assert "--print" in ended.json["error"]["message"]


@pytest.mark.parametrize("address", ["1025", "localhost", "localhost:smtp", "127.0.0.1:70000", "127.0.0.1:-1"])
def test_an_address_that_is_none_is_a_usage_error(address: str) -> None:
    ended = run_inside("inbox", "--print", "--smtp", address)
    assert ended.code == 2
    assert "--smtp" in ended.stderr


def test_an_address_in_use_is_a_matter_of_configuration() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run_inside("inbox", "--print", "--smtp", f"127.0.0.1:{taken.getsockname()[1]}", "--json")
    assert ended.code == 78
    assert "in use" in ended.json["error"]["message"]
