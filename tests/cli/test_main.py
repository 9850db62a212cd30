"""The command line as a whole: its commands, its help, how it ends."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from postroad import __version__
from postroad.__main__ import main
from postroad.cli.lazy_group import LazyGroup
from postroad.cli.main import COMMANDS, postroad
from postroad.cli.progress import Progress
from postroad.testing import Gate, ScriptedServer, Step
from tests.cli.command import run_inside, run_on_terminal, run_process, running

ENVELOPE = ("send", "--from", "bob@example.com", "--to", "ann@example.com", "--text", "hi")

SPEAKING_FOR_OTHERS = {"sendmail", "completion"}  # their words and answers are those of other programs


def commands(group: LazyGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command, str]]:
    """Every command with its words and the line its group has for it."""
    context = click.Context(group)
    for name, (_, line) in group.modules.items():
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command, line
        if isinstance(command, LazyGroup):
            yield from commands(command, (*path, name))


EVERY = list(commands(postroad))


def test_the_commands_are_those_that_are_promised() -> None:
    promised = {"send", "sendmail", "worker", "inbox", "demo", "version", "outbox", "trace", "completion"}
    promised |= {"suppress", "events", "db", "report", "explain", "provider"}
    promised |= {"dkim", "spf", "dmarc", "arc", "check"}
    amending = {"retry", "cancel", "hold", "release", "pause", "resume"}
    inside = {
        "outbox": amending | {"ls", "show", "stats", "export", "explain", "limits"},
        "suppress": {"ls", "add", "rm", "import", "export"},
        "events": {"tail"},
        "report": {"parse"},
        "db": {"migrate"},
        "provider": {"ls", "test"},
        "dkim": {"keygen", "dns", "sign", "verify", "rotate"},
        "spf": {"check"},
        "dmarc": {"check"},
        "arc": {"verify"},
        "check": {"address", "domain", "message", "smtp"},
    }
    assert set(COMMANDS) == promised
    below: set[tuple[str, ...]] = {(group, word) for group, words in inside.items() for word in words}
    below |= {("outbox", "limits", word) for word in ("show", "check", "ls", "cancel")}
    assert {words for words, _, _ in EVERY} == {(word,) for word in promised} | below


@pytest.mark.parametrize(
    ("words", "command", "line"), EVERY, ids=lambda value: " ".join(value) if type(value) is tuple else ""
)
def test_help_is_complete(words: tuple[str, ...], command: click.Command, line: str) -> None:
    ended = run_inside(*words, "--help")
    assert ended.code == 0
    assert ended.stderr == ""
    assert ended.stdout.startswith(f"Usage: postroad {' '.join(words)}")
    assert command.help is not None
    assert command.get_short_help_str(limit=100) == line
    undocumented = {"subject"}  # says it all
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or parameter.name in undocumented, f"{parameter.name} has no help"
            assert max(parameter.opts, key=len) in ended.stdout


@pytest.mark.parametrize(
    ("words", "command", "line"), EVERY, ids=lambda value: " ".join(value) if type(value) is tuple else ""
)
def test_every_command_speaks_json(words: tuple[str, ...], command: click.Command, line: str) -> None:
    if not isinstance(command, LazyGroup) and words[0] not in SPEAKING_FOR_OTHERS:
        assert {"--json", "--jsonl"} <= {name for parameter in command.params for name in parameter.opts}


def test_the_readmes_commands_are_real() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```(?:console|sh|shell|bash)\n(.*?)```", readme, re.DOTALL))
    lines = [line for line in blocks.replace("\\\n", " ").splitlines() if re.match(r"(\$ )?postroad ", line)]
    assert lines
    known = {words: command for words, command, _ in EVERY}
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)[1:]
        path = tuple(words[: 2 if tuple(words[:2]) in known else 1])
        assert path in known, line
        options = {name for parameter in known[path].params for name in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_nothing_said_shows_the_help() -> None:
    for words in ((), ("outbox",)):
        ended = run_inside(*words)
        assert (ended.code, ended.stdout) == (2, "")
        assert "Commands:" in ended.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    ended = run_inside("sned", "--json")
    assert ended.code == 2
    assert ended.json["error"]["code"] == "usage_error"
    assert "sned" in ended.json["error"]["message"]


def test_the_version() -> None:
    assert run_inside("version").stdout == f"postroad {__version__}\n"
    assert run_inside("--version").stdout == f"postroad {__version__}\n"
    assert run_process("version", "--json").json["version"] == __version__


def test_python_dash_m_is_the_command_line() -> None:
    ended = run_process("--help")
    assert ended.code == 0
    assert ended.stdout.startswith("Usage: postroad ")


# ── what is loaded ────────────────────────────────────────────────────────────────────────────────────────────────────


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command had loaded when it ended."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from postroad.__main__ import main\n"
        "main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return set(run.stderr.split())


def test_help_loads_no_command_and_nothing_heavy() -> None:
    loaded = loaded_by("--help")
    assert not {name for name in loaded if name.startswith("postroad.cli.commands")}
    assert not {"asyncio", "ssl", "sqlalchemy", "rich", "cryptography", "email"} & loaded


def test_sending_loads_neither_the_outbox_nor_tables() -> None:
    loaded = loaded_by(*ENVELOPE, "--transport", "null://")
    assert not {"sqlalchemy", "sqlite3", "rich", "cryptography", "alembic"} & loaded


# ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interrupt_ends_quietly_with_130() -> None:
    gate = Gate()
    with ScriptedServer(Step("MAIL", gate=gate)) as server, running(*ENVELOPE, "--transport", server.url) as command:
        gate.wait_until_reached()
        ended = command.end(signal.SIGINT)
        gate.open()
    assert ended.code == 130
    assert ended.stdout == ""
    assert "interrupted" in ended.stderr
    assert "may have been sent" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_interrupt_after_the_dot_says_that_the_message_may_have_gone() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server, running(*ENVELOPE, "--transport", server.url) as command:
        gate.wait_until_reached()
        ended = command.end(signal.SIGINT)
        gate.open()
    assert (ended.code, ended.stdout) == (130, "")
    assert "no answer had come: it may have been sent" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_goes_away_is_no_news() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        run = subprocess.run(
            [sys.executable, "-m", "postroad", *ENVELOPE, "--transport", "null://"],
            stdout=writing, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (run.returncode, run.stderr) == (141, b"")


@pytest.mark.parametrize("words", [("version",), ("sendmail", "ann@example.com")])
def test_an_interrupt_while_a_command_is_being_loaded_shows_no_traceback(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Interrupting:
        def find_spec(self, name: str, *_more: object) -> None:
            if name in ("postroad.cli.main", "postroad.cli.sendmail.main"):
                raise KeyboardInterrupt

    for name in ("postroad.cli.main", "postroad.cli.sendmail.main"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    monkeypatch.setattr(sys, "argv", ["postroad", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is a device of Linux")
@pytest.mark.parametrize(
    ("words", "code"), [(ENVELOPE, 1), (("version",), 1), (("sendmail", "--help"), 74), (("sendmail", "-bp"), 74)]
)
def test_output_that_cannot_be_written_is_no_fault_of_postroad(words: tuple[str, ...], code: int) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        run = subprocess.run(
            [sys.executable, "-m", "postroad", *words],
            stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120, check=False,
            env={**os.environ, "POSTROAD_URL": "null://"},
        )  # fmt: skip
    said = run.stderr.decode()
    assert run.returncode == code
    assert "No space left on device" in said
    assert "fault of postroad" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_job_may_be_started_without_its_streams(tmp_path: Path, closed: str) -> None:
    words = [sys.executable, "-m", "postroad", *ENVELOPE, "--transport", f"maildir://{tmp_path / 'box'}"]
    run = subprocess.run(f"{shlex.join(words)} {closed}", shell=True, capture_output=True, timeout=120, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    assert len(list((tmp_path / "box/new").iterdir())) == 1


def test_a_program_that_sends_may_be_started_without_standard_error(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "postroad", "sendmail", "-v", "--transport", f"maildir://{tmp_path / 'box'}", "ann"]
    run = subprocess.run(f"{shlex.join(words)} 2>&-", shell=True, input=b"hi\n", timeout=120, check=False)
    assert run.returncode == 0
    assert len(list((tmp_path / "box/new").iterdir())) == 1


def test_progress_goes_on_when_its_reader_has_gone_away(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:  # noqa: PTH123 - a number
        monkeypatch.setattr(sys, "stderr", stream)
        progress = Progress()
        for line in ("one", "two"):
            progress.tell(line)
            progress.above(line)
        progress.end()
        monkeypatch.undo()


def test_a_fault_of_our_own_is_told_in_a_sentence_and_traced_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("it broke \x1b[31m")

    monkeypatch.setattr("postroad.cli.commands.send._send_now", broken)
    plain = run_inside(*ENVELOPE, "--transport", "null://", "--json")
    assert plain.code == 1
    assert plain.json["error"]["code"] == "unexpected"
    assert "it broke" in plain.json["error"]["message"]
    assert "Traceback" not in plain.stderr
    traced = [
        run_inside("--traceback", *ENVELOPE, "--transport", "null://"),
        run_inside(*ENVELOPE, "--transport", "null://", environ={"POSTROAD_TRACEBACK": "1"}),
    ]
    for ended in traced:
        assert ended.code == 1
        assert "Traceback" in ended.stderr
        assert "\x1b" not in ended.stderr


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(environ: dict[str, str], coloured: bool) -> None:
    seen = run_on_terminal(*ENVELOPE, "--transport", "null://", environ=environ)
    assert (b"\x1b[" in seen) is coloured


def test_a_terminal_without_the_characters_gets_escapes() -> None:
    environ = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ended = run_process(
        "send", "--from", "bob@example.com", "--to", "ann@exämple.com", "--text", "hi", "--subject", "ü",
        "--transport", "console://", environ=environ,
    )  # fmt: skip
    assert ended.code == 0
