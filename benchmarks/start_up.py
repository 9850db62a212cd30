"""How long a fresh interpreter takes from its start to its end."""

import os
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter


def fresh_interpreter(code: str, *arguments: str) -> Callable[[], float]:
    """A call that runs ``code`` in a new process and returns the seconds it took.

    Run once beforehand, so that no turn pays for reading a cold disk or for compiling to byte code, which must be
    allowed to be kept: what pip installs comes with it.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def seconds() -> float:
        started = perf_counter()
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
        return perf_counter() - started

    seconds()
    return seconds
