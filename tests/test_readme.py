"""The README's examples do what it says: each is run as it stands there, against a real server."""

import re
import shlex
from pathlib import Path

import pytest

from postroad import Email, Outbox
from postroad.testing import ScriptedServer, Step
from tests.cli.command import run_inside

README = Path(__file__).parent.parent / "README.md"
EXAMPLES = dict(
    re.findall(r"^##+ ([^\n]+)\n(?:(?!^##).)*?```python\n(.*?)```", README.read_text(), re.MULTILINE | re.DOTALL)
)
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)
    for line in block.splitlines()
    # Without an end, and tried where the command line is.
    if line.startswith("postroad ") and not line.startswith("postroad inbox ")
]
# The smallest PNG there is: one transparent pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000"
    "000500015e0d0a2d0000000049454e44ae426082"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    (tmp_path / "logo.png").write_bytes(PIXEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(heading: str) -> None:
    exec(compile(EXAMPLES[heading], f"README.md: {heading}", "exec"), {"__name__": "__main__"})


def test_every_example_is_run_here() -> None:
    assert set(EXAMPLES) == {
        "Ten lines",
        "Asynchronous",
        "Bulk",
        "An outbox in an application",
        "When something goes wrong",
        "Testing",
    }


@pytest.mark.parametrize(("heading", "messages"), [("Ten lines", 1), ("Asynchronous", 1), ("Bulk", 1000)])
def test_what_is_sent_arrives(heading: str, messages: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as server:
        monkeypatch.setenv("POSTROAD_URL", server.url)
        run(heading)

        assert len(server.messages) == messages


def test_a_refused_recipient_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 No such user", when="bob@", times=9)) as server:
        monkeypatch.setenv("POSTROAD_URL", server.url)
        run("When something goes wrong")

        assert capsys.readouterr().out == "bob@example.com 550 No such user never\n"
        assert len(server.messages) == 1


def test_the_outbox_gives_one_receipt_for_one_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("An outbox in an application")

    assert (folder / "outbox.db").is_file()
    assert "ann@example.com" in capsys.readouterr().out


def test_captured_mail_goes_nowhere(folder: Path) -> None:
    run("Testing")


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_says(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "hello.txt").write_text("Hello, Ann.")
    (folder / "zone.yaml").write_text("acme.example:\n  - MX: [10, mail.acme.example]\n")
    mail = b"From: me@acme.example\r\nDate: Mon, 23 Nov 2026 09:00:04 +0000\r\nMessage-ID: <1@acme.example>\r\n"
    for name in ("mail.eml", "bounce.eml"):
        (folder / name).write_bytes(mail + b"Received: by a.example; Mon, 23 Nov 2026 09:00:04 +0000\r\n\r\nhi\r\n")
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    monkeypatch.setenv("POSTROAD_DB", "sqlite:///outbox.db")
    with Outbox("sqlite:///outbox.db") as outbox, ScriptedServer() as server:
        message = outbox.send(Email(from_="me@acme.example", to="ann@example.com", text="Hi"))
        words = shlex.split(line, comments=True)[1:]
        here = {
            "smtp://smtp.example.com": server.url,
            "mail.acme.example": f"127.0.0.1:{server.port}",
            "ID": message.id,
        }
        ending = {"worker": ["--drain"], "send": ["--dry-run"], "check domain": ["--dns", "zone.yaml"]}
        name = " ".join(words[:2]) if words[0] == "check" else words[0]
        ended = run_inside(*(here.get(word, word) for word in words), *ending.get(name, ()))
    # What these two look at is not as it should be here.
    assert ended.code == (3 if name in ("check domain", "check smtp") else 0), ended.stderr
    assert ended.stdout or ended.stderr
