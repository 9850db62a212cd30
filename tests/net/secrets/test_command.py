"""A program's output as a secret: no shell, no wait without an end, and only its complaints are shown."""

import shlex
import sys
from pathlib import Path

import pytest

from postroad.errors import SecretUnavailable
from postroad.net.secrets import command
from postroad.secret import Secret
from tests.showing import failure_of


def python(script: str) -> Secret:
    return Secret.ref(f"cmd:{sys.executable} -c {shlex.quote(script)}")


def test_what_a_program_prints() -> None:
    assert python("print('pa55 wörd')").reveal() == "pa55 wörd"


def test_arguments_are_split_as_a_shell_does_and_no_shell_sees_them() -> None:
    written = """cmd:printf '%s|' one "two  three" $HOME `id` ; *"""
    assert Secret.ref(written).reveal() == "one|two  three|$HOME|`id`|;|*|"


def test_it_runs_once_for_a_while(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    secret = python(f"open({str(runs)!r}, 'a').write('x'); print('hunter2')")
    assert [secret.reveal() for _ in range(3)] == ["hunter2"] * 3
    assert runs.read_text() == "x"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import sys; print('hunter2'); sys.exit('locked:\\n\\x1b[31magent')", "exit status 1: locked: ?[31magent"),
        ("import sys; print('hunter2'); sys.exit(3)", "exit status 3"),
        ("import os; print('hunter2', flush=True); os.kill(os.getpid(), 15)", "ended by signal 15"),
        ("print()", "it is empty"),
        ("import sys; sys.stdout.buffer.write(b'hunter2\\xff')", "it is not UTF-8"),
    ],
)
def test_a_failure_shows_the_complaint_and_never_the_output(script: str, reason: str) -> None:
    secret = python(script)
    error = failure_of(secret)
    # The script stands in the reference; what it printed stands nowhere else.
    assert str(error) == f"{secret.reference}: {reason}"
    assert error.permanent


def test_the_output_is_in_no_frame_of_the_traceback() -> None:
    script = "import sys; print(''.join(map(chr, [104, 117, 110, 116, 101, 114]))); sys.exit(1)"
    failure_of(python(script), hidden=("hunter",))


def test_a_long_complaint_is_cut_where_it_began() -> None:
    error = failure_of(python("import sys; sys.exit('x' * 5000 + ' the end')"))
    assert str(error).endswith("x the end")
    assert len(str(error)) < 800


def test_a_program_that_is_not_there() -> None:
    error = failure_of(Secret.ref("cmd:no-such-program --really"))
    assert str(error) == "cmd:no-such-program --really: it cannot be run: No such file or directory"


def test_nobody_answers_its_questions() -> None:
    assert python("import sys; print(repr(sys.stdin.read()))").reveal() == "''"


def test_one_that_does_not_end_is_ended_with_all_it_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "SECONDS", 0.3)
    alive = tmp_path / "alive"
    alive.touch()
    # A lock that the grandchild holds as long as it lives.
    grandchild = f"import fcntl, signal; f = open({str(alive)!r}); fcntl.flock(f, fcntl.LOCK_EX); signal.pause()"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    error = failure_of(python(script))
    assert type(error) is SecretUnavailable
    assert error.temporary
    assert str(error).endswith("it did not end within 0.3 s")
    import fcntl

    with alive.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # returns once nobody holds it
