"""``postroad check smtp``: what people read, what programs read, and how it ends."""

import pytest

from postroad.testing import ScriptedServer, Step
from tests.cli.command import run_inside
from tests.peers.certificates import Certificates


def test_a_good_server(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context(), credentials={"ann": "secret"}) as server:
        ended = run_inside("check", "smtp", f"{server.host}:{server.port}", "--ca", str(certificates.ca), "--json")
    assert ended.code == 0
    document = ended.json
    assert (document["host"], document["port"], document["tls"]) == (server.host, server.port, "starttls")
    assert document["version"] == "TLSv1.3"
    assert document["certificate"]["names"] == ["localhost", "127.0.0.1"]
    assert document["auth"] == ["LOGIN", "PLAIN"]
    assert document["max_size"] == 35882577
    assert set(document["findings"][0]) == {"id", "level", "seen", "rule", "rfc", "publish"}
    assert {one["level"] for one in document["findings"]} == {"pass"}


def test_a_fault_for_people(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.expired.server_context()) as server:
        ended = run_inside("check", "smtp", server.url, "--ca", str(certificates.ca))
    assert ended.code == 3
    assert "the certificate expired on" in ended.stdout
    assert "1 fail" in ended.stderr


def test_the_right_setting(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context()) as server:
        place = ("127.0.0.1", "--port", str(server.port), "--tls", "implicit")
        ended = run_inside("check", "smtp", *place, "--ca", str(certificates.ca), "--json")
    assert ended.code == 3
    fault = next(one for one in ended.json["findings"] if one["level"] == "fail")
    assert fault["publish"] == f"smtp://127.0.0.1:{server.port}?ca={certificates.ca}"


def test_a_server_that_is_busy() -> None:
    with ScriptedServer(Step("GREETING", "421 4.3.2 too busy", times=None)) as server:
        ended = run_inside("check", "smtp", server.url)
    assert ended.code == 75
    assert "too busy" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("smtp://127.0.0.1:25", "--port", "26"), 2, "leave --port and --tls out"),
        (("127.0.0.1:25", "--port", "26"), 2, "given twice"),
        (("two words",), 2, "neither a host"),
        (("file:///tmp/mail",), 78, "no SMTP server"),
        (("smtp://ann:secret@mail.example",), 2, "password"),
        (("127.0.0.1", "--ca", "/no/such/file"), 78, "ca:"),
    ],
)
def test_what_is_no_server(arguments: tuple[str, ...], code: int, words: str) -> None:
    ended = run_inside("check", "smtp", *arguments)
    assert ended.code == code
    assert words in ended.stderr


def test_an_address_of_the_sixth_version() -> None:
    ended = run_inside("check", "smtp", "::1", "--port", "1", "--json")
    assert ended.json["host"] == "::1"
    assert [one["id"] for one in ended.json["findings"]] == ["SMTP-01"]
