"""Where everything can be installed, a test that skips itself fails the run."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

SKIPPING_TESTS = """
import pytest

def test_runs(): pass
def test_leans_on_a_program(): pytest.skip("nosuchd is not installed")
def test_leans_on_data(): pytest.skip("POSTROAD_CORPORA names no folder of public test data")
@pytest.mark.xfail(strict=True)
def test_is_known_to_fail(): assert False
"""
SKIPPING_MODULE = "import pytest; pytest.skip('a whole module looks away', allow_module_level=True)"


def run_skipping_tests(folder: Path, setting: str) -> str:
    """The closing line of a run under this value of POSTROAD_CI."""
    (folder / "test_skipping.py").write_text(SKIPPING_TESTS)
    (folder / "test_module.py").write_text(SKIPPING_MODULE)
    plugins = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--continue-on-collection-errors", "--rootdir", folder, folder],
        cwd=ROOT,
        env=os.environ | {"POSTROAD_CI": setting},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip().splitlines()[-1].strip("= ")


def test_skips_pass_on_a_users_machine(tmp_path: Path) -> None:
    assert run_skipping_tests(tmp_path, "").startswith("1 passed, 3 skipped, 1 xfailed in")


def test_skips_fail_where_everything_is_installed_but_for_those_with_a_reason(tmp_path: Path) -> None:
    assert run_skipping_tests(tmp_path, "1").startswith("1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error in")
