"""The requirement files hold pins with hashes and nothing of the machine that made them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PINNED = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(\s+--hash=sha256:[0-9a-f]{64})+")


def pins(path: Path) -> dict[str, str]:
    """Name → version; every line must be a pin with hashes."""
    found = {}
    for line in path.read_text().replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            match = PIN.fullmatch(line.strip())
            assert match, f"{path.name} holds more than pins with hashes: {line[:80]}"
            found[match["name"]] = match["version"]
    return found


def named_in_pyproject() -> list[Requirement]:
    """What the package with its outbox asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["outbox"]]


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_a_requirements_file_holds_pins_with_hashes_and_names_no_index(path: Path) -> None:
    assert pins(path)
    assert "//" not in path.read_text()


@pytest.mark.parametrize("wanted", named_in_pyproject(), ids=str)
def test_a_pin_fits_what_the_package_asks_for(wanted: Requirement) -> None:
    assert wanted.specifier.contains(pins(ROOT / "requirements" / "run.txt")[wanted.name])


@pytest.mark.parametrize("part", ["run.txt", "build.txt"])
def test_what_is_developed_with_is_what_is_run_with(part: str) -> None:
    assert pins(ROOT / "requirements" / part).items() <= pins(ROOT / "requirements" / "dev.txt").items()
