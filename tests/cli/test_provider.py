"""``postroad provider``: what there is, and whether an account works."""

import os
import subprocess
import sys

import pytest

from postroad.providers.postmark.emulate import PostmarkEmulator
from postroad.providers.registry import PROVIDERS
from postroad.providers.resend.emulate import ResendEmulator
from postroad.testing.emulated_api import EmulatedApi
from tests.cli.command import run_inside
from tests.peers.provider_service import ProviderService


def test_ls_shows_every_provider_and_what_it_can_do() -> None:
    shown = run_inside("provider", "ls")
    assert shown.code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:]] == list(PROVIDERS)
    told = {one["name"]: one for one in run_inside("provider", "ls", "--json").json["providers"]}
    assert told["postmark"]["variables"] == ["POSTMARK_SERVER_TOKEN"]
    assert told["mailgun"]["route"] == "mailgun://KEY@DOMAIN?region=…"
    assert "separate_envelope" in told["ses"]["abilities"]
    assert "separate_envelope" in told["sendgrid"]["lacks"]
    assert len(run_inside("provider", "ls", "--jsonl").lines) == len(PROVIDERS)


def test_an_account_that_works() -> None:
    with ProviderService(PostmarkEmulator()) as service:
        url = f"postmark://?endpoint={service.url}"
        ended = run_inside(
            "provider", "test", "--transport", url, "--password", "env:TOKEN", environ={"TOKEN": "test-key"}
        )
        told = run_inside(
            "provider", "test", "--json", environ={"POSTROAD_URL": url, "POSTMARK_SERVER_TOKEN": "test-key"}
        )
    assert (ended.code, ended.stderr) == (0, "")
    assert "server: Emulated" in ended.stdout
    assert told.json["works"] is True
    assert service.received == []


def test_a_wrong_key_is_a_matter_of_permission() -> None:
    with ProviderService(ResendEmulator()) as service:
        url = f"resend://?endpoint={service.url}"
        ended = run_inside("provider", "test", "--json", environ={"POSTROAD_URL": url, "RESEND_API_KEY": "wrong"})
    assert ended.code == 77
    error = ended.json["error"]
    assert error["code"] == "authentication_error"
    assert "wrong" not in ended.stdout


REFUSING = [
    ("sendgrid", b'{"scopes": ["stats.read"]}', 77, "mail.send"),
    ("mailgun", b'{"domain": {"state": "unverified"}}', 77, "unverified"),
    ("ses", b'{"SendingEnabled": false, "ProductionAccessEnabled": false, "SendQuota": {}}', 77, "stopped"),
    ("postmark", b"<html>a page of a proxy</html>", 69, "cannot be read"),
    ("resend", b"<html>a page of a proxy</html>", 69, "cannot be read"),
]


@pytest.mark.parametrize(("name", "body", "code", "why"), REFUSING)
def test_an_account_that_may_not_send_does_not_work(name: str, body: bytes, code: int, why: str) -> None:
    with EmulatedApi(name) as api:
        api.answer_next(200, body)
        ended = run_inside("provider", "test", "--json", environ={"POSTROAD_URL": api.route})
    assert ended.code == code
    assert ended.json["works"] is False
    assert why in ended.json["error"]["message"]


def test_no_key_at_all_names_the_variable() -> None:
    ended = run_inside("provider", "test", environ={"POSTROAD_URL": "sendgrid://", "SENDGRID_API_KEY": None})  # type: ignore[dict-item]
    assert ended.code == 78
    assert "SENDGRID_API_KEY" in ended.stderr


@pytest.mark.parametrize("url", ["postmark://sEcReT@", "sendgrid://:sEcReT@", "ses://AKID:sEcReT@?region=eu-west-1"])
def test_a_key_on_the_command_line_is_refused(url: str) -> None:
    ended = run_inside("provider", "test", "--transport", url)
    assert ended.code == 2
    assert "sEcReT" not in ended.stdout + ended.stderr


def test_another_route_is_no_email_api() -> None:
    ended = run_inside("provider", "test", "--transport", "smtp://localhost")
    assert ended.code == 78
    assert "provider ls" in ended.stderr


def test_looking_at_the_list_needs_no_http() -> None:
    program = (
        "import sys; sys.modules['httpx'] = None; sys.argv[1:] = ['provider', 'ls']\n"
        "from postroad.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=120, check=False, env=os.environ
    )
    assert done.returncode == 0
    assert b"postmark" in done.stdout
