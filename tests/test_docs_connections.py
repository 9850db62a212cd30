"""docs/connections.md describes every option, and its way to a pin leads to the pin that postroad and curl take."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from postroad.net.pin import pin_of
from postroad.testing import ScriptedServer
from postroad.transport.smtp import url
from tests.peers.certificates import Certificates

GUIDE = (Path(__file__).parent.parent / "docs" / "connections.md").read_text()
ELSEWHERE = {"auth", "ehlo", "max_size", "rate", "burst"}  # what is said, not how it gets there

PIN_REFUSED = 90  # curl's exit code: CURLE_SSL_PINNEDPUBKEYNOTMATCH


def test_every_option_about_connections_is_described() -> None:
    options = (url._OF_ACCOUNT.keys() | url._OF_LMTP.keys()) - ELSEWHERE
    assert [option for option in sorted(options) if f"`?{option}=`" not in GUIDE] == []


@pytest.mark.system
def test_the_way_to_a_pin_leads_there(certificates: Certificates, requires_program: Callable[[str], str]) -> None:
    requires_program("openssl")
    (command,) = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        here = command.replace("smtp.example.com:587", f"{server.host}:{server.port}")
        assert here != command
        found = subprocess.run(
            ["sh", "-c", here], capture_output=True, text=True, check=True, timeout=120
        ).stdout.strip()
    certificate = x509.load_pem_x509_certificate(certificates.good.certificate.read_bytes())
    assert f"sha256//{found}" == pin_of(certificate.public_bytes(Encoding.DER))


@pytest.mark.system
def test_curl_takes_the_same_pin(certificates: Certificates, requires_program: Callable[[str], str]) -> None:
    certificate = x509.load_pem_x509_certificate(certificates.good.certificate.read_bytes())
    pin = pin_of(certificate.public_bytes(Encoding.DER))
    curl = [requires_program("curl"), "--silent", "--cacert", str(certificates.ca), "--request", "NOOP"]
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=True) as server:
        for given, refused in ((pin, False), ("sha256//" + "A" * 43 + "=", True)):
            run = subprocess.run(
                [*curl, "--pinnedpubkey", given, f"smtps://localhost:{server.port}"], check=False, timeout=120
            )
            assert (run.returncode == PIN_REFUSED) is refused
        assert server.commands
