"""``postroad sendmail``: the flags that programs use, what becomes of the message, and the exit code."""

import os
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from postroad import Address, Outbox, __version__
from postroad.cli.sendmail.flags import Flags, Mode, UnusableFlags, read_flags
from postroad.cli.sendmail.submitter import current_submitter
from postroad.testing import ReceivedMessage, ScriptedServer, Step
from tests.cli.command import PATIENCE, Ended, run_inside, run_process

MAIL = b"From: Bob <bob@example.com>\nTo: ann@example.com\nSubject: hi\n\nhello\n"


def sendmail(server: ScriptedServer, *words: str, given: bytes = MAIL) -> Ended:
    return run_inside("sendmail", *words, given=given, environ={"POSTROAD_URL": server.url})


def sent(*words: str, given: bytes = MAIL) -> ReceivedMessage:
    """The one message that goes out."""
    with ScriptedServer() as server:
        ended = sendmail(server, *words, given=given)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    (message,) = server.messages
    return message


def read(message: ReceivedMessage) -> EmailMessage:
    parsed = message_from_bytes(message.content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


# ── flags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("-t -i", Flags(from_header=True, whole_input=True)),  # PHP
        ("-ti", Flags(from_header=True, whole_input=True)),
        ("-i -FCronDaemon -B8BITMIME -oem root", Flags(recipients=("root",), whole_input=True, full_name="CronDaemon")),
        ("-oem -oi -f bob@a.example -- ann@b.example -c", Flags(
            recipients=("ann@b.example", "-c"), whole_input=True, sender="bob@a.example")),  # mutt
        ("-fbob@a.example ann@b.example", Flags(recipients=("ann@b.example",), sender="bob@a.example")),
        ("ann@b.example -r bob@a.example", Flags(recipients=("ann@b.example",), sender="bob@a.example")),
        ("-N success,failure -R hdrs -V id-1 -t", Flags(
            from_header=True, notify="success,failure", ret="hdrs", envid="id-1")),
        ("-bm -odb -odi -oee -oep -O DeliveryMode=b -h 3 -m -n -U -G -L cron -X /x -p ESMTP -C/c -Ac -em ann", Flags(
            recipients=("ann",))),
        ("-v -OIgnoreDots ann", Flags(recipients=("ann",), verbose=True, whole_input=True)),
        ("--db sqlite:///x.db ann", Flags(recipients=("ann",), db="sqlite:///x.db")),
        ("--transport=null:// ann", Flags(recipients=("ann",), transport="null://")),
        ("-bp", Flags(Mode.SHOW_QUEUE)),
        ("-q", Flags(Mode.FLUSH_QUEUE)),
        ("-bi", Flags(Mode.MAKE_ALIASES)),
        ("-I", Flags(Mode.MAKE_ALIASES)),
    ],
)  # fmt: skip
def test_the_command_lines_of_other_programs_are_read(line: str, flags: Flags) -> None:
    assert read_flags(line.split()) == flags


def test_an_empty_sender_is_the_null_sender() -> None:
    assert read_flags(["-f", "", "ann"]).sender == ""


@pytest.mark.parametrize(
    "line",
    ["", "-i", "-s ann", "--nope ann", "-t -f", "-t -Bbinary", "-bs", "-bd -q30m", "-bt", "-bv ann", "-bz", "-q15m",
     "--db a --transport b ann", "--db"],
)  # fmt: skip
def test_what_it_cannot_do_is_a_usage_error_before_anything_is_read(line: str) -> None:
    with pytest.raises(UnusableFlags):
        read_flags(line.split())
    ended = run_inside("sendmail", *line.split())
    assert ended.code == 64
    assert ended.stderr.startswith("postroad: ")


# ── who it is from and to ─────────────────────────────────────────────────────────────────────────────────────────────


def test_recipients_on_the_command_line_are_all_there_are() -> None:
    message = sent("-i", "cy@example.com", "Dan <dan@example.com>, eve@example.com")
    assert message.recipients == ("cy@example.com", "dan@example.com", "eve@example.com")


def test_recipients_of_header_and_command_line_both_get_it() -> None:
    given = b"To: Ann <ann@example.com>,\n\tcy@example.com\nCC: dan@example.com\nbcc: eve@example.com\n\nhello\n"
    message = sent("-t", "fay@example.com", "ann@example.com", given=given)
    assert set(message.recipients) == {f"{name}@example.com" for name in ("ann", "cy", "dan", "eve", "fay")}
    assert b"eve" not in message.content


def test_a_message_sent_on_goes_where_its_resent_fields_say() -> None:
    given = b"Resent-To: cy@example.com\nResent-Bcc: dan@example.com\n" + MAIL
    message = sent("-t", given=given)
    assert message.recipients == ("cy@example.com", "dan@example.com")
    assert b"Resent-From: " in message.content
    assert b"dan@" not in message.content
    assert b"\r\nDate:" not in message.content


@pytest.mark.parametrize(
    ("words", "sender"),
    [(("-f", "Bob <bob@a.example>"), "bob@a.example"), (("-r<cy@a.example>",), "cy@a.example"), (("-f", ""), ""),
     (("-f", "<>"), "")],
)  # fmt: skip
def test_the_sender_is_the_one_that_is_said(words: tuple[str, ...], sender: str) -> None:
    assert sent(*words, "ann@example.com").mail_from == sender


def test_the_sender_is_else_whoever_runs_it() -> None:
    assert sent("ann@example.com").mail_from == current_submitter().address


def test_names_without_a_domain_belong_to_this_machine() -> None:
    given = b'From: root (Cron Daemon)\nTo: root, "Ann" <ann>, g: cy, dan@example.com;\n\nhello\n'
    message = sent("-t", given=given)
    here = current_submitter().domain
    assert message.recipients == (f"root@{here}", f"ann@{here}", f"cy@{here}", "dan@example.com")
    assert f"From: root@{here} (Cron Daemon)\r\n".encode() in message.content
    assert f'To: root@{here}, "Ann" <ann@{here}>, g: cy@{here}, dan@example.com;\r\n'.encode() in message.content


def test_the_domain_is_that_of_the_mail_name_file(tmp_path: Path) -> None:
    (tmp_path / "mailname").write_text("mail.example.org\n")
    assert current_submitter(tmp_path / "mailname").domain == "mail.example.org"
    (tmp_path / "mailname").write_text("not a name")
    assert current_submitter(tmp_path / "mailname").domain != "not a name"


# ── the message ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_message_needs_and_lacks_is_added() -> None:
    mail = read(sent("-f", "bob@example.com", "-F", "Bøb, the Builder", "ann@example.com", given=b"hello\n"))
    assert mail["from"].addresses[0].display_name == "Bøb, the Builder"
    assert mail["from"].addresses[0].addr_spec == "bob@example.com"
    assert mail["date"].datetime.tzinfo is not None
    assert mail["message-id"].endswith("@example.com>")
    assert mail.get_content().strip() == "hello"


def test_what_a_message_has_is_left_alone() -> None:
    given = (
        b"Message-Id: <1@x.example>\nDATE:  Mon, 1 Dec 2025 10:00:00 +0100\nX-Odd:   two\n\tlines\n"
        b"From: =?utf-8?q?B=C3=B8b?= <bob@example.com>\nSubject: raw\n\n..dots\n.x\n\xc3\xbc\n"
    )
    assert sent("-i", "ann@example.com", given=given).content == given.replace(b"\n", b"\r\n")


def test_fields_that_no_message_is_submitted_with_are_dropped() -> None:
    given = b"From bob Mon Jan  1 00:00:00 2026\nReturn-Path: <x@example.com>\nContent-Length: 5\n" + MAIL
    content = sent("-t", given=given).content
    assert content.startswith(b"From: Bob")
    assert b"Return-Path" not in content
    assert b"Content-Length" not in content


def test_a_dot_ends_the_message_unless_the_input_is_meant_whole() -> None:
    given = MAIL + b".\nmore\n"
    assert sent("-t", given=given).content.endswith(b"\r\n\r\nhello\r\n")
    for flag in ("-i", "-oi"):
        assert sent("-t", flag, given=given).content.endswith(b"hello\r\n.\r\nmore\r\n")
    assert sent("-t", given=MAIL + b".").content.endswith(b"hello\r\n")


def test_a_jobs_output_is_not_lost_for_its_control_characters() -> None:
    given = b"To: ann@example.com\r\n\r\n10%\r50%\r\nnul\0nul\n"
    assert sent("-ti", given=given).content.endswith(b"\r\n\r\n10% 50%\r\nnulnul\r\n")


def test_notifications_are_asked_for() -> None:
    from postroad.cli.sendmail.submit import message_of

    flags = read_flags(["-N", "success,delay", "-R", "hdrs", "-V", "id-1", "ann@example.com"])
    message = message_of(flags, MAIL, current_submitter())
    assert message.dsn is not None
    assert [one.value for one in message.dsn.wanted_for(Address("ann@example.com"))] == ["success", "delay"]
    assert (str(message.dsn.ret), message.dsn.envid) == ("Returned.HEADERS", "id-1")


# ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Step("RCPT", "550 5.1.1 No such user", times=None), 67),
        (Step("RCPT", "450 4.2.1 Later", times=None), 75),
        (Step("MAIL", "550 5.7.1 Not as this sender", times=None), 77),
        (Step("DOT", "554 5.6.0 Bad content", times=None), 65),
    ],
)
def test_the_exit_code_says_what_the_server_said(step: Step, code: int) -> None:
    with ScriptedServer(step) as server:
        ended = sendmail(server, "-t")
    assert ended.code == code
    assert ended.stdout == ""
    assert (step.reply if isinstance(step.reply, str) else "") in ended.stderr


@pytest.mark.parametrize(
    ("words", "given", "code"),
    [
        (("-t",), b"Subject: nobody\n\nhello\n", 65),
        (("not an address",), MAIL, 65),
        (("-f", "a@b.example, c@d.example", "ann@example.com"), MAIL, 65),
        (("-N", "sometimes", "ann@example.com"), MAIL, 65),
        (("--transport", "smtp://bob:secret@example.com", "ann@example.com"), MAIL, 64),
        (("--transport", "nope://", "ann@example.com"), MAIL, 78),
    ],
)
def test_what_is_wrong_before_anything_goes_out(words: tuple[str, ...], given: bytes, code: int) -> None:
    with ScriptedServer() as server:
        ended = sendmail(server, *words, given=given)
        assert server.sessions == []
    assert ended.code == code
    assert ended.stderr.startswith("postroad: ")
    assert "secret" not in ended.stderr


def test_without_a_route_it_is_a_matter_of_configuration() -> None:
    ended = run_inside("sendmail", "-t", given=MAIL)
    assert ended.code == 78
    assert "POSTROAD_URL" in ended.stderr


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with ScriptedServer() as server:
        url = server.url
    assert run_inside("sendmail", "-t", given=MAIL, environ={"POSTROAD_URL": url}).code == 69


def test_refused_recipients_are_named_and_the_rest_is_sent() -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 No such user", when="gone@")) as server:
        ended = sendmail(server, "ann@example.com", "gone@example.com")
    assert (ended.code, len(server.messages)) == (0, 1)
    assert ended.stderr == "postroad: gone@example.com: refused: 550 5.1.1 No such user\n"


def test_verbose_says_what_became_of_everybody() -> None:
    with ScriptedServer() as server:
        ended = sendmail(server, "-v", "-t")
    assert "ann@example.com: accepted: 250" in ended.stderr


@pytest.mark.parametrize("way", ["flag", "environment"])
def test_with_an_outbox_it_is_on_disk_when_it_ends(way: str, tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path / 'mail.db'}"
    words, environ = (("--db", db), {}) if way == "flag" else ((), {"POSTROAD_DB": db, "POSTROAD_URL": "null://"})
    ended = run_inside("sendmail", "-t", *words, given=MAIL, environ=environ)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    with Outbox(db) as outbox:
        (entry,) = outbox.find()
    assert (entry.recipient, entry.subject) == ("ann@example.com", "hi")
    assert "ann@example.com" in run_inside("sendmail", "-bp", "--db", db).stdout
    assert "postroad worker" in run_inside("sendmail", "-q", "--db", db).stderr


def test_a_route_that_is_said_overrules_the_outbox_of_the_environment(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path / 'mail.db'}"
    with ScriptedServer() as server:
        ended = run_inside("sendmail", "-t", "--transport", server.url, given=MAIL, environ={"POSTROAD_DB": db})
    assert (ended.code, len(server.messages)) == (0, 1)
    assert not (tmp_path / "mail.db").exists()


def test_without_an_outbox_nothing_waits() -> None:
    assert run_inside("sendmail", "-bp").stdout == "Mail queue is empty\n"
    assert run_inside("sendmail", "-q").code == 0
    assert "no aliases" in run_inside("sendmail", "-bi").stderr
    assert run_inside("sendmail", "--version").stdout == f"postroad {__version__}\n"


def test_more_than_any_message_holds_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "postroad", "sendmail", "-i", "--transport", "null://", "ann@example.com"],
        input=b"x" * 50_000_001, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (65, b"postroad: the message is larger than 50 MB\n")


# ── how it is started ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_reads_its_input_before_anything_heavy_is_loaded() -> None:
    code = (
        "import sys\n"
        "class Input:\n"
        "    def read(self, *_):\n"
        "        print(*sys.modules, file=sys.stderr)\n"
        "        return b''\n"
        "sys.stdin = type('', (), {'buffer': Input()})\n"
        "sys.argv = ['postroad', 'sendmail', '-i', '--transport', 'null://', 'ann@example.com']\n"
        "from postroad.__main__ import main\n"
        "main()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    loaded = set(run.stderr.split())
    assert "postroad.cli.sendmail.main" in loaded
    assert not {"click", "asyncio", "ssl", "sqlalchemy", "email", "socket", "dataclasses", "postroad.errors"} & loaded


def test_sending_never_loads_click_or_the_outbox() -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "postroad", "sendmail", "ann@example.com"],
        input=MAIL, capture_output=True, timeout=PATIENCE, check=True, env={**os.environ, "POSTROAD_URL": "null://"},
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.decode().splitlines()}
    assert "asyncio" in loaded
    assert not {"click", "sqlalchemy", "rich", "sqlite3"} & loaded


def test_a_link_called_sendmail_is_sendmail(tmp_path: Path) -> None:
    script = tmp_path / "postroad"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    for name in ("sendmail", "mailq", "newaliases"):
        (tmp_path / name).symlink_to(script)
    with ScriptedServer() as server:
        environ = {**os.environ, "POSTROAD_URL": server.url}
        subprocess.run([tmp_path / "sendmail", "-t", "-i"], input=MAIL, env=environ, timeout=PATIENCE, check=True)
    assert server.messages[0].recipients == ("ann@example.com",)
    queue = subprocess.run([tmp_path / "mailq"], capture_output=True, timeout=PATIENCE, check=True)
    assert queue.stdout == b"Mail queue is empty\n"
    aliases = subprocess.run([tmp_path / "newaliases"], capture_output=True, timeout=PATIENCE, check=True)
    assert b"no aliases" in aliases.stderr


def test_a_route_that_leads_back_to_it_is_no_endless_circle(tmp_path: Path) -> None:
    script = tmp_path / "sendmail"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    run = subprocess.run(
        [script, "-t"], input=MAIL, capture_output=True, timeout=PATIENCE, check=False,
        env={**os.environ, "POSTROAD_URL": f"sendmail://{script}"},
    )  # fmt: skip
    assert run.returncode == 78
    assert b"sendmail is postroad" in run.stderr


def test_the_way_past_click_is_the_same_way() -> None:
    assert run_process("sendmail", "--help").stdout == run_inside("sendmail", "--help").stdout


# ── raw UTF-8 in the header ───────────────────────────────────────────────────────────────────────────────────────────

UTF8_MAIL = "From: José <bob@example.com>\nTo: ann@example.com\nSubject: Grüße\n\nhé\n"


def test_raw_utf8_in_the_header_asks_no_server_for_smtputf8() -> None:
    with ScriptedServer(extensions=("8BITMIME", "SMTPUTF8")) as server:
        ended = sendmail(server, "-t", given=UTF8_MAIL.encode())
    assert ended.code == 0, ended.stderr
    (message,) = server.messages
    assert "SMTPUTF8" not in message.options
    assert message.content.partition(b"\r\n\r\n")[0].isascii()
    assert (read(message)["Subject"], read(message)["From"]) == ("Grüße", "José <bob@example.com>")
    assert message.content.endswith("\r\n\r\nhé\r\n".encode())


@pytest.mark.parametrize(
    ("line", "recipient"),
    [("DKIM-Signature: v=1; a=rsa-sha256", "ann@example.com"), ("X-Kept: 1", "jörg@example.com")],
)
def test_a_header_that_only_utf8_can_carry_stays_as_it_is(line: str, recipient: str) -> None:
    with ScriptedServer(extensions=("8BITMIME", "SMTPUTF8")) as server:
        ended = sendmail(server, recipient, given=f"{line}\n{UTF8_MAIL}".encode())
    assert ended.code == 0, ended.stderr
    (message,) = server.messages
    assert "SMTPUTF8" in message.options
    assert "Subject: Grüße\r\n".encode() in message.content
