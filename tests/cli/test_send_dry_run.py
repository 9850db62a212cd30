"""``postroad send --dry-run``: what it prints is what goes, and nothing is touched."""

import json
from pathlib import Path

import pytest

from postroad.testing import ScriptedServer
from tests.cli.command import run_inside, run_on_terminal, run_process

ENVELOPE = ("send", "--from", "Bob <bob@example.com>", "--to", "ann@example.com", "--bcc", "cy@example.com")
FIXED = ("--message-id", "<1@example.com>", "--date", "2026-12-01T09:00Z")


def test_the_bytes_are_those_that_are_sent() -> None:
    options = (*ENVELOPE, *FIXED, "--subject", "Grüße", "--text", ".dot\nlast", "--header", "X-Order: 1")
    with ScriptedServer() as server:
        dry = run_process(*options, "--transport", server.url, "--dry-run")
        assert server.sessions == []
        assert run_inside(*options, "--transport", server.url).code == 0
    assert dry.code == 0
    assert dry.stdout.encode() == server.messages[0].content
    assert "cy@example.com" not in dry.stdout
    assert dry.stderr.splitlines() == [
        f"route:  {server.url}",
        f"MAIL FROM:<bob@example.com> SIZE={len(dry.stdout)}",
        "RCPT TO:<ann@example.com>",
        "RCPT TO:<cy@example.com>",
        f"{len(dry.stdout)} octets; nothing was sent",
    ]


def test_a_signature_to_come_is_told_and_no_key_is_read(tmp_path: Path) -> None:
    for variable, told in (
        ("POSTROAD_DKIM", "example.com:s1:env:NOWHERE"),
        ("POSTROAD_DKIM_KEYS", str(tmp_path / "no")),
    ):
        ended = run_inside(*ENVELOPE, "--text", "hi", "--dry-run", environ={variable: told})
        assert ended.code == 0
        assert ended.stderr.startswith("signed: on its way")


def test_a_finished_message_too(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(b"From: x@example.com\nBcc: cy@example.com\nSubject: \xc3\xbc\n\n\xc3\xa4")
    ended = run_process(
        "send", "--raw", str(tmp_path / "mail.eml"), "--envelope-from", "", "--to", "ann@example.com", "--dry-run"
    )
    assert ended.stdout == "From: x@example.com\r\nSubject: ü\r\n\r\nä\r\n"
    assert "MAIL FROM:<> SIZE=40 BODY=8BITMIME SMTPUTF8" in ended.stderr
    assert "route:  none is set" in ended.stderr


def test_what_the_server_would_be_asked_as_json() -> None:
    ended = run_inside(
        *ENVELOPE, *FIXED, "--text", "hi", "--dsn", "success,failure", "--dsn-return", "headers", "--dsn-envid", "a+b",
        "--require-tls", "--return-path", "bounces@example.com", "--dry-run", "--json",
    )  # fmt: skip
    said = ended.json
    size = said.pop("size")
    assert said == {
        "dry_run": True,
        "route": None,
        "message_id": "<1@example.com>",
        "envelope": {"from": "bounces@example.com", "to": ["ann@example.com", "cy@example.com"]},
        "mail": f"MAIL FROM:<bounces@example.com> SIZE={size} RET=HDRS ENVID=a+2Bb REQUIRETLS",
        "rcpt": [
            "RCPT TO:<ann@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;ann@example.com",
            "RCPT TO:<cy@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;cy@example.com",
        ],
        "needs": ["DSN", "REQUIRETLS"],
    }


@pytest.mark.parametrize(
    ("options", "environ", "route"),
    [
        (("--transport", "smtp://bob@mail.example", "--password", "env:NOT_SET_ANYWHERE"), {}, "smtp://bob@mail.example"),
        (("--transport", "env:NOT_SET_ANYWHERE"), {}, "env:NOT_SET_ANYWHERE"),
        (("--transport", "@/nowhere/url"), {}, "@/nowhere/url"),
        ((), {"POSTROAD_URL": "smtp://bob@mail.example", "POSTROAD_PASSWORD_FILE": "/nowhere"}, "smtp://bob@mail.example"),
        ((), {"POSTROAD_URL_FILE": "/nowhere"}, "as POSTROAD_URL_FILE says"),
        ((), {"SMTP_HOST": "mail.example", "SMTP_USER": "bob", "SMTP_PASS_REF": "cmd:false"}, "smtp://bob@mail.example"),
        (("--outbox", "--db", "sqlite:////nowhere/at/all.db"), {}, None),
    ],
)  # fmt: skip
def test_no_secret_is_looked_up(options: tuple[str, ...], environ: dict[str, str], route: str | None) -> None:
    ended = run_inside(*ENVELOPE, "--text", "hi", "--dry-run", "--json", *options, environ=environ)
    assert ended.code == 0
    said = ended.json["route"]
    assert said == route or (route is not None and said.startswith(route))


def test_what_would_fail_fails() -> None:
    assert run_inside(*ENVELOPE, "--text", "hi", "--dry-run", "--transport", "smtp://a:b@mail.example").code == 2
    assert run_inside(*ENVELOPE, "--text", "hi", "--dry-run", "--transport", "nope://").code == 78
    assert run_inside("send", "--from", "bob", "--to", "ann@example.com", "--text", "hi", "--dry-run").code == 65
    large = "x" * 26_000_000
    assert run_inside(*ENVELOPE, "--dry-run", given=large).code == 65


def test_a_terminal_is_not_driven_by_what_is_shown() -> None:
    seen = run_on_terminal(*ENVELOPE, "--text", "a\x1b[31mb", "--dry-run")
    assert b"\x1b" not in seen
    assert b"From: Bob" in seen


def test_as_a_process_the_object_is_one_line() -> None:
    ended = run_process(*ENVELOPE, "--text", "hi", "--dry-run", "--json")
    assert json.loads(ended.stdout)["envelope"]["from"] == "bob@example.com"
    assert ended.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "nobody"), "--from: address 'nobody': no @"),
        (("--reply-to", "nobody"), "--reply-to: address 'nobody': no @"),
        (("--attach", "no/such/file"), "--attach: 'no/such/file' cannot be read"),
        (("--inline", "x=no/such/file"), "--inline: 'no/such/file' cannot be read"),
        (("--calendar", "no/such/file"), "--calendar: 'no/such/file' cannot be read"),
        (("--dsn", "sometimes"), "--dsn: 'sometimes' is none of"),
        (("--dsn-return", "half"), "--dsn-return: 'half' is neither"),
        (("--header", "A b: c"), "--header 'A b': a field name is"),
        (("--list-unsubscribe", "x"), "--list-unsubscribe: 'x' is not"),
    ],
)
def test_a_fault_is_named_by_its_flag(words: tuple[str, ...], said: str) -> None:
    rest = () if "--from" in words else ("--from", "bob@example.com")
    ended = run_inside("send", "--dry-run", "--to", "ann@example.com", "--text", "x", *rest, *words)
    assert ended.code == 65
    assert ended.stderr.startswith(f"postroad: {said}")
