"""The Pythons of this machine, for what must come out the same on all of them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUPPORTED = ("3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """The path of a Python of that version (``"3.12"``), ``None`` where there is none.

    Looked for in ``POSTROAD_PYTHONS`` (paths, separated as in ``PATH``), in ``PATH``, and among pyenv's.
    """
    if version == "{}.{}".format(*sys.version_info):
        return sys.executable
    return next((path for path in _candidates(version) if _is_version(path, version)), None)


def _candidates(version: str) -> Iterator[str]:
    yield from filter(None, os.environ.get("POSTROAD_PYTHONS", "").split(os.pathsep))
    found = shutil.which(f"python{version}")
    if found:
        yield found
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(path) for path in sorted(versions.glob(f"{version}.*/bin/python"), reverse=True))


def _is_version(path: str, version: str) -> bool:
    # pyenv's shims stand in PATH even where they lead nowhere, so the interpreter itself is asked.
    asked = subprocess.run(
        [path, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.returncode == 0 and asked.stdout.strip() == version
