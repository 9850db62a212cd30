"""``postroad send``: what goes out, what is said about it, and the exit code."""

import base64
import json
import os
import re
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from postroad.address import Address
from postroad.cli.report import say_report
from postroad.errors import ConnectError
from postroad.outcome import failed
from postroad.testing import ScriptedServer, Step, Then
from tests.cli.command import Ended, run_inside, run_process

ENVELOPE = ("--from", "Bob <bob@example.com>", "--to", "ann@example.com")


def send(server: ScriptedServer, *arguments: str, given: str | bytes | None = None) -> Ended:
    return run_inside("send", *ENVELOPE, "--transport", server.url, *arguments, given=given)


def received(server: ScriptedServer) -> EmailMessage:
    message = message_from_bytes(server.messages[-1].content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


# ── the message ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_option_of_a_message_arrives(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4 not really")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with ScriptedServer() as server:
        ended = send(
            server,
            "--to", "Zoë <zoe@example.com>", "--cc", "cy@example.com", "--bcc", "dan@example.com",
            "--reply-to", "help@example.com", "--return-path", "bounces@example.com", "--subject", "Grüße",
            "--text", "Hello", "--html", "<p>Hello <img src='cid:logo'>", "--attach", str(tmp_path / "report.pdf"),
            "--inline", f"logo={tmp_path / 'logo.png'}", "--header", "X-Order: 12345",
            "--message-id", "<1@example.com>",
            "--date", "2026-12-01T09:00Z", "--list-unsubscribe", "https://example.com/u", "--tag", "order",
            "--metadata", "order=12345",
        )  # fmt: skip
        mail = received(server)
    assert ended.code == 0
    assert server.messages[0].mail_from == "bounces@example.com"
    assert server.messages[0].recipients == ("ann@example.com", "zoe@example.com", "cy@example.com", "dan@example.com")
    assert mail["to"] == "ann@example.com, Zoë <zoe@example.com>"
    assert mail["bcc"] is None
    assert (mail["reply-to"], mail["subject"], mail["x-order"]) == ("help@example.com", "Grüße", "12345")
    assert (mail["message-id"], mail["date"]) == ("<1@example.com>", "Tue, 01 Dec 2026 09:00:00 +0000")
    assert mail["list-unsubscribe"] == "<https://example.com/u>"
    assert [part.get_filename() for part in mail.walk() if part.get_filename()] == ["logo.png", "report.pdf"]


def test_the_text_may_be_a_value_a_file_or_standard_input(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("from a file: ü\n", encoding="utf-8")
    cases = [
        (("--text", "said"), None, "said"),
        (("--text", f"@{tmp_path / 'text'}"), None, "from a file: ü"),
        (("--text", "@@ann: look"), None, "@ann: look"),
        (("--text", "-"), "piped in\n", "piped in"),
        ((), "piped in, unasked\n", "piped in, unasked"),
    ]
    with ScriptedServer() as server:
        for options, given, text in cases:
            assert send(server, *options, given=given).code == 0
            assert received(server).get_content().strip() == text


def test_html_alone_brings_its_text() -> None:
    with ScriptedServer() as server:
        send(server, "--html", "<p>Hello, <b>Ann</b>")
        body = received(server).get_body(("plain",))
    assert body is not None
    assert "Hello, Ann" in body.get_content()


def test_a_finished_message_goes_as_it_is(tmp_path: Path) -> None:
    raw = b"From: x@example.com\nSubject: raw\nX-Odd:   spaces\n\n.dot\nlast"
    (tmp_path / "mail.eml").write_bytes(raw)
    options = ("--envelope-from", "", "--to", "ann@example.com")
    with ScriptedServer() as server:
        route = ("--transport", server.url)
        by_file = run_inside("send", "--eml", str(tmp_path / "mail.eml"), *options, *route)
        with_at_sign = run_inside("send", "--eml", f"@{tmp_path / 'mail.eml'}", *options, *route)
        by_input = run_inside("send", "--eml", "-", *options, *route, given=raw)
    assert (by_file.code, with_at_sign.code, by_input.code) == (0, 0, 0)
    assert len(server.messages) == 3
    assert {message.content for message in server.messages} == {raw.replace(b"\n", b"\r\n") + b"\r\n"}
    assert server.messages[0].mail_from == ""


@pytest.mark.parametrize("raw", [b"", b"\r\n\n"])
def test_an_empty_file_is_no_message(raw: bytes) -> None:
    options = ("--envelope-from", "", "--to", "ann@example.com", "--transport", "null://", "--json")
    ended = run_inside("send", "--eml", "-", *options, given=raw)
    assert ended.code == 65
    assert ended.json["error"]["field"] == "eml"


def test_a_text_is_wanted_where_nobody_pipes_one_in() -> None:
    # Under a pseudo-terminal, as a person at a keyboard would be.
    import pty

    controller, terminal = pty.openpty()
    try:
        run = subprocess.run(
            [sys.executable, "-m", "postroad", "send", *ENVELOPE, "--transport", "null://"],
            stdin=terminal, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(controller)
        os.close(terminal)
    assert run.returncode == 2
    assert b"--text" in run.stderr


# ── what is said ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_recipient_has_a_line_and_partial_refusal_is_no_failure() -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 No such user", when="gone@")) as server:
        ended = send(server, "--to", "gone@example.com", "--text", "hi")
    assert ended.code == 0
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("ann@example.com   accepted  250 ")
    assert lines[1] == "gone@example.com  refused   550 5.1.1 No such user (at rcpt)"
    assert "accepted for 1 of 2 recipients" in ended.stderr


def test_the_report_as_json() -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 No such user", when="gone@")) as server:
        report = send(server, "--to", "gone@example.com", "--text", "hi", "--json").json
    assert report["message_id"].endswith("@example.com>")
    assert report["transport"] == server.url
    assert [one["recipient"] for one in report["accepted"]] == ["ann@example.com"]
    assert report["refused"] == [
        {
            "recipient": "gone@example.com", "result": "refused", "phase": "rcpt", "code": 550, "enhanced": "5.1.1",
            "text": "No such user", "temporary": False,
        }
    ]  # fmt: skip
    assert (report["unknown"], report["error"]) == ([], None)


def test_a_failed_report_as_json_still_names_the_recipients() -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 No such user", times=None)) as server:
        ended = send(server, "--text", "hi", "--jsonl")
    assert ended.code == 67
    (report,) = ended.lines
    assert [one["recipient"] for one in report["refused"]] == ["ann@example.com"]
    assert report["error"]["code"] == "recipients_refused"
    assert report["error"]["retryable"] is False
    assert report["error"]["advice"]
    assert "550 5.1.1 No such user" in ended.stderr


def test_the_transcript_on_request_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "open sesame")
    with ScriptedServer(Step("DOT", "554 5.6.0 Bad"), credentials={"bob": "open sesame"}) as server:
        ended = send(
            server, "--text", "hi", "--transcript", "--username", "bob", "--password", "env:MAIL_PASSWORD", "--json"
        )
    assert ended.code == 65
    assert server.messages[0].user == "bob"
    assert "< 554 5.6.0 Bad" in ended.stderr
    assert re.search(r"> AUTH PLAIN \*\*\*", ended.stderr)
    assert "open sesame" not in ended.stderr + ended.stdout
    assert base64.b64encode(b"open sesame").decode() not in ended.stderr


def test_what_a_server_says_does_not_drive_the_terminal() -> None:
    evil = b"554 5.0.0 no \x1b]0;owned\x07\x1b[31m \xc2\x9b31m \xe2\x80\xae\r\n"
    with ScriptedServer(Step("DOT", evil)) as server:
        ended = send(server, "--text", "hi", "--transcript")
    assert ended.code == 65
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ended.stdout + ended.stderr)


# ── exit codes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("step", "code", "slug"),
    [
        (Step("RCPT", "550 5.1.1 No such user", times=None), 67, "recipients_refused"),
        (Step("RCPT", "450 4.2.1 Greylisted", times=None), 75, "recipients_refused"),
        (Step("MAIL", "550 5.7.1 Not as this sender", times=None), 77, "sender_refused"),
        (Step("MAIL", "451 4.3.0 Later", times=None), 75, "sender_refused"),
        (Step("DOT", "554 5.6.0 Bad content", times=None), 65, "data_error"),
        (Step("DOT", "452 4.2.2 Full", times=None), 75, "data_error"),
        (Step("AUTH", "535 5.7.8 Wrong", times=None), 77, "authentication_error"),
        (Step("DOT", None, then=Then.CLOSE), 1, "outcome_unknown"),
        (Step("GREETING", "SSH-2.0-nope", times=None, then=Then.CLOSE), 69, "protocol_error"),
        (Step("MAIL", None, then=Then.CLOSE, times=None), 75, "disconnected"),
    ],
)
def test_what_the_server_does_decides_the_exit_code(
    step: Step, code: int, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    with ScriptedServer(step, credentials={"bob": "secret"}) as server:
        ended = send(server, "--text", "hi", "--json", "--username", "bob", "--password", "env:MAIL_PASSWORD")
    assert (ended.json["error"]["code"], ended.code) == (slug, code)
    assert ended.json["error"]["retryable"] is (code == 75 or slug == "protocol_error")
    assert "Traceback" not in ended.stderr


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with ScriptedServer() as server:
        url = server.url
    ended = run_inside("send", *ENVELOPE, "--text", "hi", "--transport", url, "--json")
    assert ended.code == 69
    assert ended.json["error"]["retryable"] is True


def test_who_was_never_asked_has_not_refused(capsys: pytest.CaptureFixture[str]) -> None:
    say_report(failed([Address("ann@example.com")], ConnectError("cannot connect to mail.example:25")))
    assert capsys.readouterr().out == "ann@example.com  not sent  cannot connect to mail.example:25 (at connect)\n"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--from", "nobody", "--to", "ann@example.com"), "from_[0]"),
        (("--from", "bob@example.com", "--to", "ann@example.com, cy@example.com"), "to[0]"),
        ((*ENVELOPE, "--subject", "a\nBcc: evil@example.com"), "subject"),
        ((*ENVELOPE, "--header", "X-A: b\r\nBcc: evil@example.com"), "headers['X-A']"),
        ((*ENVELOPE, "--attach", "/nowhere/report.pdf"), None),
        ((*ENVELOPE, "--text", "@/nowhere/text"), "text"),
        (("--from", "bob@example.com"), "to"),
    ],
)
def test_a_bad_message_is_65_and_names_the_field(options: tuple[str, ...], field: str | None) -> None:
    with ScriptedServer() as server:
        ended = run_inside("send", *options, "--json", "--transport", server.url, given="text")
        assert server.sessions == []
    assert ended.code == 65
    error = ended.json["error"]
    assert error["message"]
    assert error["advice"]
    if field is not None:
        assert error["field"] == field


@pytest.mark.parametrize(
    "options",
    [
        ("--nope",),
        ("--header", "no colon here"),
        ("--inline", "no-path"),
        ("--metadata", "no-value"),
        ("--date", "yesterday"),
        ("--date", "2026-12-01T09:00"),
        ("--text", "-", "--html", "-"),
        ("--eml", "-", "--subject", "both"),
        ("--eml", "-"),
        ("--envelope-from", "bob@example.com"),
        ("--send-at", "+2h"),
        ("--idempotency-key", "k"),
        ("--outbox", "--transport", "null://"),
        ("--outbox", "--send-at", "soon"),
        ("--password", "literal"),
        ("--transport", "smtp://bob:secret@example.com"),
        ("--transport", "smtp://bob:sec/ret@example.com"),
        ("--outbox", "--db", "postgresql://bob:secret@example.com/mail"),
    ],
)
def test_a_wrong_command_line_is_2(options: tuple[str, ...]) -> None:
    ended = run_inside("send", *ENVELOPE, *options, "--json", given="text")
    assert ended.code == 2
    assert ended.json["error"]["code"] == "usage_error"
    assert "secret" not in ended.stdout + ended.stderr
    assert "literal" not in ended.stdout + ended.stderr


def test_no_route_is_a_matter_of_configuration() -> None:
    ended = run_inside("send", *ENVELOPE, "--text", "hi", "--json")
    assert ended.code == 78
    assert ended.json["error"]["setting"] == "POSTROAD_URL"


# ── the route ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_route_comes_from_the_environment() -> None:
    with ScriptedServer(credentials={"bob": "secret"}) as server:
        account = {"POSTROAD_USERNAME": "bob", "POSTROAD_PASSWORD": "secret"}
        parts = {"SMTP_HOST": server.host, "SMTP_PORT": str(server.port), "SMTP_USER": "bob", "SMTP_PASS": "secret"}
        for environ in ({"POSTROAD_URL": server.url, **account}, parts):
            assert run_inside("send", *ENVELOPE, "--text", "hi", environ=environ).code == 0
    assert [message.user for message in server.messages] == ["bob", "bob"]


@pytest.mark.parametrize("theirs", [("_FILE", "/nowhere"), ("_REF", "env:NOT_SET_ANYWHERE"), ("", "other")])
def test_an_account_on_the_command_line_overrules_the_environments(theirs: tuple[str, str]) -> None:
    with ScriptedServer(credentials={"cy": "open"}) as server:
        environ = {
            "POSTROAD_URL": server.url,
            "POSTROAD_USERNAME": "bob",
            f"POSTROAD_PASSWORD{theirs[0]}": theirs[1],
            "PW": "open",
        }
        options = ("--username", "cy", "--password", "env:PW")
        assert run_inside("send", *ENVELOPE, "--text", "hi", *options, environ=environ).code == 0
    assert server.messages[0].user == "cy"


def test_the_environments_account_is_not_shown_to_another_server() -> None:
    with ScriptedServer(credentials={"bob": "secret"}) as server:
        environ = {"POSTROAD_URL": "smtp://mail.example", "POSTROAD_USERNAME": "bob", "POSTROAD_PASSWORD": "secret"}
        assert run_inside("send", *ENVELOPE, "--text", "hi", "--transport", server.url, environ=environ).code == 0
    assert server.messages[0].user is None


@pytest.mark.parametrize("kind", ["env:", "file:", "@"])
def test_a_url_with_its_password_comes_by_reference(kind: str, tmp_path: Path) -> None:
    with ScriptedServer(credentials={"bob": "p:w/d"}) as server:
        url = f"smtp://bob:p%3Aw%2Fd@{server.host}:{server.port}"
        (tmp_path / "url").write_text(url + "\n")
        reference = "env:MAIL_URL" if kind == "env:" else f"{kind}{tmp_path / 'url'}"
        environ = {"MAIL_URL": url}
        assert run_inside("send", *ENVELOPE, "--text", "hi", "--transport", reference, environ=environ).code == 0
    assert server.messages[0].user == "bob"


@pytest.mark.parametrize("kind", ["file:", "@", "-", "cmd:cat "])
def test_a_password_comes_by_reference(kind: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pässword\n", encoding="utf-8")
    reference = "-" if kind == "-" else f"{kind}{tmp_path / 'password'}"
    with ScriptedServer(credentials={"bob": "pässword"}) as server:
        ended = send(server, "--text", "hi", "--username", "bob", "--password", reference, given="pässword\n")
    assert ended.code == 0
    assert server.messages[0].user == "bob"


def test_references_that_lead_nowhere_are_a_matter_of_configuration() -> None:
    for reference in ("env:NOT_SET_ANYWHERE", "file:/nowhere/password", "@/nowhere/password"):
        ended = run_inside(
            "send", *ENVELOPE, "--text", "hi", "--transport", "smtp://bob@example.com", "--password", reference
        )
        assert ended.code == 78
        assert reference.lstrip("@").removeprefix("env:").removeprefix("file:") in ended.stderr


def test_a_file_route_is_no_reference(tmp_path: Path) -> None:
    ended = run_inside("send", *ENVELOPE, "--text", "hi", "--transport", f"file://{tmp_path / 'mail'}")
    assert ended.code == 0
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def test_a_warning_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(9_000_000))
    for _ in range(2):
        options = ("--text", "hi", "--attach", str(tmp_path / "large.bin"), "--transport", "null://")
        ended = run_inside("send", *ENVELOPE, *options)
        assert ended.code == 0
        assert ended.stderr.count("many servers refuse") == 1


def test_as_a_process_with_a_pipe() -> None:
    with ScriptedServer() as server:
        ended = run_process("send", *ENVELOPE, "--json", given="piped\n", environ={"POSTROAD_URL": server.url})
    assert ended.code == 0
    assert json.loads(ended.stdout)["accepted"][0]["recipient"] == "ann@example.com"
    assert server.messages[0].content.endswith(b"\r\n\r\npiped\r\n")


# ── more of what a message can be ─────────────────────────────────────────────────────────────────────────────────────


def test_a_file_may_go_under_another_name_and_type(tmp_path: Path) -> None:
    (tmp_path / "data;1").write_bytes(b"a;b\n")
    (tmp_path / "picture").write_bytes(b"GIF89a")
    with ScriptedServer() as server:
        ended = send(
            server, "--html", "<img src='cid:x'>", "--attach", f"{tmp_path / 'data;1'};type=text/csv;name=März.csv",
            "--inline", f"x={tmp_path / 'picture'};type=image/gif;name=x.gif",
        )  # fmt: skip
        mail = received(server)
    assert ended.code == 0
    files = {part.get_filename(): part.get_content_type() for part in mail.walk() if part.get_filename()}
    assert files == {"x.gif": "image/gif", "März.csv": "text/csv"}


def test_an_invitation_is_one_for_calendars(tmp_path: Path) -> None:
    (tmp_path / "meet.ics").write_bytes(b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n")
    (tmp_path / "plain.ics").write_bytes(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    with ScriptedServer() as server:
        assert send(server, "--text", "Come", "--calendar", str(tmp_path / "meet.ics")).code == 0
        mail = received(server)
        assert send(server, "--text", "Come", "--calendar", str(tmp_path / "plain.ics")).code == 2
    kinds = [(part.get_content_type(), part.get_param("method")) for part in mail.walk()]
    assert ("text/calendar", "REQUEST") in kinds
    assert [part.get_filename() for part in mail.walk() if part.get_filename()] == ["meet.ics"]


@pytest.mark.parametrize("server", ["localhost:1025", "mail.example.com", "127.0.0.1:25", "[::1]:25"])
def test_a_server_without_a_scheme_gets_a_hint(server: str) -> None:
    ended = run_inside("send", *ENVELOPE, "--text", "hi", "--transport", server, "--json")
    assert ended.code == 78
    assert f"smtp://{server}" in ended.json["error"]["advice"]


def test_what_a_server_cannot_promise_is_not_sent() -> None:
    with ScriptedServer() as server:
        for option in (("--dsn", "success"), ("--require-tls",)):
            ended = send(server, "--text", "hi", *option, "--json")
            assert (ended.code, ended.json["error"]["code"]) == (65, "unsupported")
    assert server.messages == []


def test_a_wrong_request_for_notifications_names_the_field() -> None:
    ended = run_inside("send", *ENVELOPE, "--text", "hi", "--dsn", "sometimes", "--json")
    assert (ended.code, ended.json["error"]["field"]) == (65, "notify")
