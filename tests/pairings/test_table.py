"""docs/pairings.md says what the tests do, and with what."""

import json
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.pairings.table import PAGE, SECTIONS, gaps, pairing, with_tables
from tests.peers.exim import PACKAGES
from tests.peers.fixtures import RequiresProgram
from tests.peers.nodemailer import FOLDER

VERSIONS = dict(re.findall(r"^\| ([\w-]+) \| ([\w.]+) \|", PAGE.read_text(), re.MULTILINE))
FROM_DEBIAN = {
    "Postfix": "postfix",
    "Dovecot": "dovecot-core",
    "swaks": "swaks",
    "curl": "curl",
    "msmtp": "msmtp",
}
DEBIAN = "12"


def test_the_tables_are_those_of_the_tests() -> None:
    page = PAGE.read_text()
    assert with_tables(page) == page, "python -m tests.pairings.table writes them anew"


def test_whatever_is_not_tried_has_a_reason() -> None:
    assert [gap for names in SECTIONS.values() for gap in gaps(names)] == []


def test_every_file_of_pairings_is_in_a_table() -> None:
    files = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert files - {"table"} == {name for names in SECTIONS.values() for name in names}


def test_every_peer_has_its_version() -> None:
    peers = {pairing(name).peer for names in SECTIONS.values() for name in names}
    assert peers <= VERSIONS.keys()


@pytest.mark.parametrize("name", ["aiosmtpd", "aiosmtplib"])
def test_the_versions_of_python_packages(name: str) -> None:
    assert version(name) == VERSIONS[name]


def test_the_version_of_nodemailer() -> None:
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/nodemailer"]["version"] == VERSIONS["nodemailer"]


@pytest.fixture
def debian() -> None:
    release = re.search(r'^VERSION_ID="?([\d.]+)', Path("/etc/os-release").read_text(), re.MULTILINE)
    if shutil.which("dpkg-query") is None or release is None or release[1] != DEBIAN:
        pytest.skip(f"the versions in docs/pairings.md are those of Debian {DEBIAN}")


def without_revision(debian_version: str) -> str:
    """Debian's own changes leave the version of the program as it is."""
    found = re.match(r"(?:\d+:)?([\w.]+)", debian_version)
    assert found is not None
    return found[1]


@pytest.mark.system
@pytest.mark.usefixtures("debian")
@pytest.mark.parametrize("peer", FROM_DEBIAN)
def test_the_versions_of_debian(peer: str, requires_program: RequiresProgram) -> None:
    requires_program(peer.lower())
    command = ["dpkg-query", "--show", "--showformat", "${Version}", FROM_DEBIAN[peer]]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert without_revision(told) == VERSIONS[peer]


@pytest.mark.system
@pytest.mark.usefixtures("debian", "start_exim")
def test_the_version_of_exim() -> None:
    (package,) = PACKAGES.glob("*.deb")
    assert without_revision(package.name.split("_")[1]) == VERSIONS["Exim"]
