"""Programs that send by /usr/sbin/sendmail send by ours."""

import email.message
import os
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from postroad.testing import ReceivedMessage, ScriptedServer, Step
from tests.cli.command import PATIENCE
from tests.conftest import RequiresProgram

Call = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def sendmail(tmp_path: Path) -> str:
    """The path of a program of that name, as an administrator would install it."""
    script = tmp_path / "sendmail"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    return str(script)


@pytest.fixture
def call(server: ScriptedServer, tmp_path: Path) -> Call:
    def run(*command: str | Path, given: bytes = b"", **environ: str) -> "subprocess.CompletedProcess[bytes]":
        home = {"HOME": str(tmp_path), "POSTROAD_URL": server.url}
        ended = subprocess.run(
            command, input=given, env={**os.environ, **home, **environ}, cwd=tmp_path, timeout=PATIENCE, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout.decode()
        return ended

    return run


def only(server: ScriptedServer) -> tuple[ReceivedMessage, EmailMessage]:
    (message,) = server.messages
    parsed = message_from_bytes(message.content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return message, parsed


def test_python(server: ScriptedServer, sendmail: str, call: Call) -> None:
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "bob@example.com", "ann@example.com", "Grüße"
    mail.set_content("Hällo\n.\n")
    call(sendmail, "-t", "-oi", given=mail.as_bytes())
    envelope, read = only(server)
    assert envelope.recipients == ("ann@example.com",)
    assert read["subject"] == "Grüße"
    assert read.get_content().splitlines() == ["Hällo", "."]


def test_python_gives_the_bytes_of_a_message_to_both_ways(server: ScriptedServer, sendmail: str, call: Call) -> None:
    mail = b"From: bob@example.com\nTo: ann@example.com\nDate: x\nMessage-ID: <1@x>\n\n.one\n..two\n"
    call(sendmail, "-i", "-f", "bob@example.com", "ann@example.com", given=mail)
    with smtplib.SMTP(server.host, server.port) as client:
        client.sendmail("bob@example.com", ["ann@example.com"], mail.replace(b"\n", b"\r\n"))
    ours, theirs = server.messages
    assert (ours.mail_from, ours.recipients, ours.content) == (theirs.mail_from, theirs.recipients, theirs.content)


@pytest.mark.system
def test_git(
    server: ScriptedServer, sendmail: str, call: Call, tmp_path: Path, requires_program: RequiresProgram
) -> None:
    requires_program("git")
    folder = Path(subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip())
    if not (folder / "git-send-email").exists():  # a package of its own, and no program in PATH
        pytest.skip("git send-email is not installed")
    who = ("-c", "user.name=Bøb", "-c", "user.email=bob@example.com")
    call("git", *who, "init", "--quiet", ".")
    (tmp_path / "file").write_text("one\n.\ntwo\n")
    call("git", "add", "file")
    call("git", *who, "commit", "--quiet", "-m", "Ä first change")
    call("git", "format-patch", "--root", "--quiet", "-1")
    options = ("--to=ann@example.com", "--cc=Cy <cy@example.com>", "--confirm=never", "--quiet")
    own = ("-c", f"sendemail.smtpserver={sendmail}", "-c", "sendemail.envelopesender=bounces@example.com")
    call("git", *who, *own, "send-email", *options, "0001-first-change.patch")
    envelope, read = only(server)
    assert envelope.mail_from == "bounces@example.com"
    assert set(envelope.recipients) == {"ann@example.com", "cy@example.com", "bob@example.com"}
    assert read["subject"] == "[PATCH] Ä first change"
    assert "+.\n" in read.get_content().replace("\r\n", "\n")


@pytest.mark.system
def test_php(server: ScriptedServer, sendmail: str, call: Call, requires_program: RequiresProgram) -> None:
    php = requires_program("php")
    code = (
        "exit(mail('ann@example.com', 'Hello', \"one\\r\\n.\\r\\ntwo\\r\\n\", "
        "['From' => 'Bob <bob@example.com>', 'Bcc' => 'cy@example.com'], '-fbounces@example.com') ? 0 : 1);"
    )
    call(php, "-d", f"sendmail_path={sendmail} -t -i", "-r", code)
    envelope, read = only(server)
    assert (envelope.mail_from, envelope.recipients) == ("bounces@example.com", ("ann@example.com", "cy@example.com"))
    assert (read["to"], read["subject"], read["bcc"]) == ("ann@example.com", "Hello", None)
    assert envelope.content.rstrip().endswith(b"\r\n\r\none\r\n.\r\ntwo")


@pytest.mark.system
def test_php_learns_of_a_refusal(sendmail: str, call: Call, requires_program: RequiresProgram) -> None:
    php = requires_program("php")
    with ScriptedServer(Step("RCPT", "550 5.1.1 No such user", times=None)) as server:
        code = "echo mail('ann@example.com', 'Hello', 'text') ? 'sent' : 'not sent';"
        ended = call(php, "-d", f"sendmail_path={sendmail} -t -i", "-r", code, POSTROAD_URL=server.url)
    assert ended.stdout.endswith(b"not sent")
    assert b"550 5.1.1 No such user" in ended.stdout


@pytest.mark.system
def test_mailx(
    server: ScriptedServer, sendmail: str, call: Call, tmp_path: Path, requires_program: RequiresProgram
) -> None:
    mailx = requires_program("bsd-mailx")
    (tmp_path / ".mailrc").write_text(f"set sendmail={sendmail}\n")
    call(mailx, "-s", "Hello", "-c", "cy@example.com", "ann@example.com", given=b"text\n", NAME="Bob the Builder")
    envelope, read = only(server)
    assert set(envelope.recipients) == {"ann@example.com", "cy@example.com"}
    assert (read["subject"], read["cc"]) == ("Hello", "cy@example.com")
    assert read["from"].addresses[0].addr_spec == envelope.mail_from
    assert read["message-id"]


@pytest.mark.system
def test_mutt(
    server: ScriptedServer, sendmail: str, call: Call, tmp_path: Path, requires_program: RequiresProgram
) -> None:
    mutt = requires_program("mutt")
    (tmp_path / "note.txt").write_text("attached\n")
    settings = (
        f'set sendmail="{sendmail} -oem -oi"', "set copy=no", "set from='Bob <bob@example.com>'",
        "set use_envelope_from=yes",
    )  # fmt: skip
    words = [word for setting in settings for word in ("-e", setting)]
    call(
        mutt, "-F", "/dev/null", *words, "-s", "Grüße", "-b", "cy@example.com", "-a", "note.txt", "--",
        "ann@example.com", given="Hällo\n".encode(), LC_ALL="C.UTF-8",
    )  # fmt: skip
    envelope, read = only(server)
    assert envelope.mail_from == "bob@example.com"
    assert set(envelope.recipients) == {"ann@example.com", "cy@example.com"}
    assert (read["subject"], read["bcc"]) == ("Grüße", None)
    assert [part.get_filename() for part in read.iter_attachments()] == ["note.txt"]


def test_cron(server: ScriptedServer, sendmail: str, call: Call) -> None:
    mail = (
        b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@box> test\nMIME-Version: 1.0\n"
        b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n"
        b"\n\xc3\xa4\n.\n"
    )
    call(sendmail, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", given=mail)
    envelope, read = only(server)
    assert envelope.recipients[0].startswith("root@")
    assert read["to"].addresses[0].addr_spec == envelope.recipients[0]
    assert read.get_content().splitlines() == ["ä", "."]
