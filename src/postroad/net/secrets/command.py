"""``cmd:``: what a program prints, such as a password manager's command line. No shell stands in between."""

import os
import shlex
import signal
import subprocess
from typing import Final

from postroad.net.secrets.finding import Finding
from postroad.net.secrets.local import from_octets
from postroad.secret import Reference

SECONDS: Final = 30.0  # until the program is ended: some ask a server, and nobody answers a question on a terminal


def read_command(reference: Reference) -> Finding:
    """The program's output without its last line end. Its input is empty; its error output is shown if it fails."""
    try:
        program = subprocess.Popen(  # noqa: S603 - which program is the configuration's to say
            shlex.split(reference.name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that what it started can be ended with it
        )
    except (OSError, ValueError) as fault:
        return Finding(None, f"it cannot be run: {getattr(fault, 'strerror', None) or fault}")
    with program:
        try:
            output, complaint = program.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            _end(program)
            return Finding.passing(f"it did not end within {SECONDS:g} s")
        except BaseException:
            _end(program)
            raise
    return from_octets(output) if program.returncode == 0 else Finding(None, _failure(program.returncode, complaint))


def _failure(status: int, complaint: bytes) -> str:
    ending = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
    said = complaint.decode(errors="replace").strip()
    return f"{ending}: {said}" if said else ending


def _end(program: "subprocess.Popen[bytes]") -> None:
    """End it and what it has started; it is not reaped yet, so its number is still its own."""
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except OSError:
        program.kill()
