"""docs/check-smtp.md: its commands are run as they stand there, and its tables are those of the code."""

import re
import shlex
from pathlib import Path

import pytest

from postroad.doctor import probe, recipient
from postroad.testing import ScriptedServer
from tests.cli.command import run_inside
from tests.peers.certificates import Certificates

GUIDE = (Path(__file__).parent.parent / "docs" / "check-smtp.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]
ZONE = "acme.example:\n  - MX: [10, mail.acme.example]\ngmial.com:\n  - MX: [10, mail.acme.example]\n"
HOST = "mail.acme.example"


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_the_guide_says(line: str, certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "zone.yaml").write_text(ZONE)
    implicit = "smtps" in line or "465" in line
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=implicit) as server:
        here = {
            "acme-ca.pem": str(certificates.ca),
            "zone.yaml": str(tmp_path / "zone.yaml"),
            "--port 465": "--tls implicit",
            HOST: f"127.0.0.1:{server.port}",
        }
        for there, place in here.items():
            line = line.replace(there, place)
        _, *arguments = shlex.split(line)
        ended = run_inside(
            *arguments, *(["--ca", str(certificates.ca)] if "?ca=" not in line and "smtp" in line else [])
        )
    assert ended.code == 0
    assert ended.stdout


@pytest.mark.parametrize("package", [probe, recipient])
def test_every_finding_is_described(package: object) -> None:
    (folder,) = package.__path__  # type: ignore[attr-defined]  # a package has one
    code = "".join(path.read_text(encoding="utf-8") for path in Path(folder).glob("*.py"))
    ids = set(re.findall(r"\"((?:SMTP|ADDR)-\d\d)\"", code))
    assert ids
    assert [id_ for id_ in sorted(ids) if f"\n| {id_} | " not in GUIDE] == []
