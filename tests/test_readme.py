"""The README's examples do what it says: each is run as it stands there, against a real server."""

import re
from pathlib import Path

import pytest

from postroad.testing import ScriptedServer, Step

README = Path(__file__).parent.parent / "README.md"
EXAMPLES = dict(
    re.findall(r"^##+ ([^\n]+)\n(?:(?!^##).)*?```python\n(.*?)```", README.read_text(), re.MULTILINE | re.DOTALL)
)
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
