"""``postroad dkim``: from a key to a checked message, and from one key to the next."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.clock import SYSTEM_CLOCK, SystemClock
from postroad.mailauth.dkim.keys import read_key
from postroad.mailer.key_folder import KeyFolder
from tests.cli.command import PATIENCE, Ended, run_inside, run_process
from tests.mailauth.dkim.examples import ED25519_FIELD, ED25519_RECORD, ED25519_SEED, MESSAGE, RSA_FIELD, RSA_PEM

DOMAIN = ("--domain", "football.example.com")
NAMED = (*DOMAIN, "--selector", "test")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key.pem").write_text(RSA_PEM)
    (tmp_path / "key.pem").chmod(0o600)
    (tmp_path / "plain.eml").write_bytes(MESSAGE)
    (tmp_path / "signed.eml").write_bytes(ED25519_FIELD + RSA_FIELD + MESSAGE)
    publish({"brisbane": ED25519_RECORD.decode()})
    return tmp_path


def publish(records: dict[str, str], domain: str = "football.example.com") -> None:
    """Write the zone that ``--dns zone.yaml`` reads."""
    lines = [f"{selector}._domainkey.{domain}: [{{TXT: {json.dumps(text)}}}]\n" for selector, text in records.items()]
    Path("zone.yaml").write_text("".join(lines) or "nothing.example: []\n")


def published(*arguments: str) -> str:
    """The record of a key, as the command shows it."""
    value = run_inside("dkim", "dns", *arguments, "--json").json["value"]
    assert isinstance(value, str)
    return value


# ── verify ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_file_has_its_line(place: Path) -> None:
    ended = run_inside("dkim", "verify", "--dns", "zone.yaml", "--jsonl", "signed.eml", "absent.eml", "plain.eml")
    assert ended.code == 65
    signed, absent, plain = ended.lines
    assert signed == {
        "file": "signed.eml",
        "signatures": [
            {"domain": "football.example.com", "selector": "brisbane", "algorithm": "ed25519-sha256", "result": "pass",
             "reason": ""},
            {"domain": "football.example.com", "selector": "test", "algorithm": "rsa-sha256", "result": "permerror",
             "reason": "there is no key at test._domainkey.football.example.com"},
        ],
    }  # fmt: skip
    assert (absent["file"], absent["error"]["field"]) == ("absent.eml", "FILE")
    assert plain == {"file": "plain.eml", "signatures": []}


def test_a_message_without_a_signature_that_passes_is_a_failed_check(place: Path) -> None:
    assert run_inside("dkim", "verify", "--dns", "zone.yaml", "signed.eml").code == 0
    ended = run_inside("dkim", "verify", "--dns", "zone.yaml", "--json", "signed.eml", "plain.eml")
    assert (ended.code, [one["file"] for one in ended.json["messages"]]) == (3, ["signed.eml", "plain.eml"])
    ended = run_inside("dkim", "verify", "--dns", "zone.yaml", "-", given=b"DKIM-Signature: \x1b[31m\r\n" + MESSAGE)
    assert ended.code == 3
    assert "neutral" in ended.stdout
    assert "\x1b" not in ended.stdout


# ── sign ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("canon", ["relaxed/relaxed", "simple/simple", "relaxed/simple", "simple/relaxed"])
def test_what_is_signed_verifies(place: Path, canon: str) -> None:
    publish({"test": published("--key", "key.pem", *NAMED)})
    ended = run_process("dkim", "sign", "--key", "key.pem", *NAMED, "--canon", canon, "plain.eml")
    assert (ended.code, ended.stderr) == (0, "")
    assert f"c={canon};" in ended.stdout
    assert ended.stdout.encode().endswith(MESSAGE)
    checked = run_inside("dkim", "verify", "--dns", "zone.yaml", "--json", "-", given=ended.stdout.encode()).json
    assert [one["result"] for one in checked["signatures"]] == ["pass"]


def test_a_message_keeps_its_line_ends(place: Path) -> None:
    unix = MESSAGE.replace(b"\r\n", b"\n")
    (place / "unix.eml").write_bytes(unix)
    assert run_inside("dkim", "sign", "--key", "key.pem", *NAMED, "--out", "out", "unix.eml", "plain.eml").code == 0
    assert b"\r" not in (place / "out" / "unix.eml").read_bytes()
    assert (place / "out" / "unix.eml").read_bytes().endswith(unix)
    publish({"test": published("--key", "key.pem", *NAMED)})
    ended = run_inside("dkim", "verify", "--dns", "zone.yaml", "--jsonl", "out/unix.eml", "out/plain.eml")
    assert [one["signatures"][0]["result"] for one in ended.lines] == ["pass", "pass"]


def test_nothing_is_written_where_one_cannot_be_signed(place: Path) -> None:
    (place / "no-from.eml").write_bytes(b"Subject: x\r\n\r\n")
    ended = run_inside("dkim", "sign", "--key", "key.pem", *NAMED, "--out", "out", "plain.eml", "no-from.eml")
    assert ended.code == 65
    assert "no-from.eml" in ended.stderr
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["plain.eml", "signed.eml"], 2, "several messages need --out DIR"),
        (["--out", "out", "plain.eml", "./plain.eml"], 2, "is the name of several files"),
        (["--out", "out", "-"], 2, "standard input has no file name"),
        (["--canon", "loose", "plain.eml"], 2, "--canon is relaxed/relaxed"),
        (["--selector", "a b", "plain.eml"], 78, "is no selector"),
        (["--domain", "..", "plain.eml"], 78, "is no domain name"),
        (["--key", "absent.pem", "plain.eml"], 78, "--key: cannot read 'absent.pem'"),
        (["--key", "plain.eml", "plain.eml"], 78, "neither PEM nor"),
        (["absent.eml"], 65, "cannot read 'absent.eml'"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_of(place: Path, arguments: list[str], code: int, words: str) -> None:
    ended = run_inside("dkim", "sign", "--key", "key.pem", *NAMED, *arguments)
    assert (ended.code, ended.stdout) == (code, "")
    assert words in ended.stderr


def test_a_key_may_come_by_reference(place: Path) -> None:
    environ = {"SEED": ED25519_SEED}
    arguments = ("--key", "env:SEED", *DOMAIN, "--selector", "brisbane")
    assert run_inside("dkim", "sign", *arguments, "plain.eml", environ=environ).code == 0
    assert run_inside("dkim", "dns", *arguments, environ=environ).stdout == (
        'brisbane._domainkey.football.example.com. IN TXT "v=DKIM1; h=sha256; k=ed25519; '
        'p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\n'
    )


@pytest.mark.parametrize("key", [RSA_PEM, ED25519_SEED, "".join(RSA_PEM.split("-----")[2].split())])
def test_a_key_in_the_place_of_its_file_is_not_shown(place: Path, key: str) -> None:
    ended = run_inside("dkim", "dns", "--key", key, *NAMED)
    assert (ended.code, "--key: this is a key itself" in ended.stderr) == (78, True)
    assert key[40:60] not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MESSAGE.replace(b"\r\n", b"\r"), "a bare CR in line 1"),
        (b"X: a\nY: a\rFrom: eve@evil.example\n" + MESSAGE, "a bare CR in line 2"),
    ],
)
def test_what_is_not_sent_like_that_is_not_signed(place: Path, content: bytes, words: str) -> None:
    (place / "wrong.eml").write_bytes(content)
    ended = run_inside("dkim", "sign", "--key", "key.pem", *NAMED, "wrong.eml")
    assert (ended.code, ended.stdout, words in ended.stderr) == (65, "", True)


def test_the_line_of_a_mailbox_file_is_no_part_of_the_message(place: Path) -> None:
    (place / "box.eml").write_bytes(b"From joe@football.example.com Fri Jul 11 21:00:37 2003\r\n" + MESSAGE)
    arguments = ("dkim", "sign", "--key", "key.pem", *NAMED)
    assert run_inside(*arguments, "--out", "out", "box.eml").code == 0
    assert (place / "out" / "box.eml").read_bytes().endswith(b"\r\n" + MESSAGE)
    assert b"\r\nFrom joe" not in (place / "out" / "box.eml").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "ed25519", "--bits", "4096"], "--bits is for RSA"),
        (["--out", "-", "--json"], "--out - writes the key to standard output"),
    ],
)
def test_a_key_is_not_made_otherwise_than_asked_for(place: Path, arguments: list[str], words: str) -> None:
    ended = run_inside("dkim", "keygen", *NAMED, *arguments)
    assert (ended.code, words in ended.stderr, "PRIVATE" in ended.stdout) == (2, True, False)


# ── keygen, dns ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "algorithm", "bits"), [("rsa", "rsa-sha256", 2048), ("ed25519", "ed25519-sha256", 256)]
)
def test_a_new_key_comes_with_its_record(place: Path, kind: str, algorithm: str, bits: int) -> None:
    document = run_inside("dkim", "keygen", *NAMED, "--kind", kind, "--json").json
    file = Path("test._domainkey.football.example.com.pem")
    assert (document["file"], document["algorithm"], document["bits"]) == (str(file), algorithm, bits)
    assert document["value"] == "".join(document["strings"]) == published("--key", str(file), *NAMED)
    assert all(len(string) <= 255 for string in document["strings"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = run_inside("dkim", "keygen", *NAMED, "--kind", kind)
    assert (again.code, file.read_bytes()) == (78, before)
    assert "File exists" in again.stderr


def test_a_key_can_go_to_standard_output(place: Path) -> None:
    ended = run_inside("dkim", "keygen", *NAMED, "--kind", "ed25519", "--out", "-")
    assert read_key(ended.stdout).bits == 256
    assert "v=DKIM1" in ended.stderr


@pytest.mark.parametrize(
    "words", [("keygen", *NAMED, "--out", "keys/one.pem"), ("rotate", *DOMAIN, "--keys", "keys", "--dns", "zone.yaml")]
)
def test_a_key_that_cannot_be_written_whole_leaves_no_file(place: Path, words: tuple[str, ...]) -> None:
    (place / "keys").mkdir()
    command = [sys.executable, "-m", "postroad", "dkim", *words]
    run = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command], capture_output=True, timeout=PATIENCE, check=False
    )
    assert (run.returncode, run.stdout) == (78, b"")
    assert b"File too large" in run.stderr
    assert b"keys/" in run.stderr
    assert [path for path in (place / "keys").rglob("*") if path.is_file() and path.stat().st_size == 0] == []
    assert list((place / "keys").rglob("*.pem")) == []


def test_a_record_can_be_revoked(place: Path) -> None:
    assert published("--key", "key.pem", *NAMED, "--revoked") == "v=DKIM1; k=rsa; p="


# ── rotate ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many days the machine's clock is ahead."""
    ahead = [0.0]
    now = SYSTEM_CLOCK.now()
    monkeypatch.setattr(SystemClock, "now", lambda self: now + ahead[0] * 86_400)
    return ahead


def rotate(*arguments: str) -> Ended:
    ended = run_inside("dkim", "rotate", "--domain", "acme.example", "--keys", "keys", "--dns", "zone.yaml", *arguments)
    assert ended.code == 0, ended.stderr
    return ended


def states() -> list[str]:
    return [key.state.value for key in sorted(KeyFolder("keys").keys(), key=lambda key: key.since)]


def test_a_key_lives_from_new_to_revoked(place: Path, days: list[float]) -> None:
    publish({}, "acme.example")
    (first,) = rotate("--kind", "ed25519", "--json").json["publish"]
    assert states() == ["new"]
    assert rotate("--kind", "ed25519", "--json").json["publish"] == [first], "until it is seen"

    records = {first["name"].partition(".")[0]: first["value"]}
    publish(records, "acme.example")
    rotate("--kind", "ed25519")
    assert states() == ["active"]
    (dkim,) = KeyFolder("keys").signing()
    assert (dkim.domain, dkim.selector) == ("acme.example", first["name"].partition(".")[0])

    days[0] = 181
    (second,) = rotate("--kind", "ed25519", "--json").json["publish"]
    records[second["name"].partition(".")[0]] = second["value"]
    publish(records, "acme.example")
    assert "stays published" in rotate("--kind", "ed25519").stderr
    days[0] = 182.1
    rotate("--kind", "ed25519")
    assert sorted(states()) == ["active", "retiring"]
    days[0] = 197
    (revoked,) = rotate("--kind", "ed25519", "--json").json["publish"]
    assert (revoked["name"], revoked["value"]) == (first["name"], "v=DKIM1; k=ed25519; p=")
    assert sorted(states()) == ["active", "revoked"]
    assert [file.name for file in place.glob("keys/*/*.pem")] == [second["name"].partition(".")[0] + ".pem"]
    publish({**records, first["name"].partition(".")[0]: revoked["value"]}, "acme.example")
    assert rotate("--kind", "ed25519").stderr == "nothing is to be done\n"


def a_key_that_signs() -> dict[str, str]:
    """Its record, by its selector."""
    publish({}, "acme.example")
    (record,) = rotate("--kind", "ed25519", "--json").json["publish"]
    records = {record["name"].partition(".")[0]: record["value"]}
    publish(records, "acme.example")
    rotate("--kind", "ed25519")
    assert states() == ["active"]
    return records


def test_a_key_that_is_revoked_in_the_dns_is_revoked(place: Path) -> None:
    (selector,) = a_key_that_signs()
    publish({selector: "v=DKIM1; p="}, "acme.example")
    told = rotate("--kind", "ed25519", "--json").json
    assert sorted(states()) == ["new", "revoked"]
    assert [record["name"].startswith(selector + ".") for record in told["publish"]] == [False]
    assert not list(place.glob(f"keys/*/{selector}.pem"))


def test_a_key_can_be_revoked_at_once(place: Path) -> None:
    (selector,) = a_key_that_signs()
    told = rotate("--kind", "ed25519", "--revoke", selector, "--json").json
    assert sorted(states()) == ["new", "revoked"]
    assert sorted(record["value"] == "v=DKIM1; k=ed25519; p=" for record in told["publish"]) == [False, True]
    assert not list(place.glob(f"keys/*/{selector}.pem"))
    again = rotate("--kind", "ed25519", "--revoke", selector)
    assert sorted(states()) == ["new", "revoked"], again.stderr
    ended = run_inside("dkim", "rotate", "--domain", "acme.example", "--keys", "keys", "--revoke", "none")
    assert (ended.code, "there is no rsa key 'none' of acme.example" in ended.stderr) == (78, True)


def test_a_dns_that_does_not_answer_changes_nothing(place: Path) -> None:
    publish({}, "acme.example")
    (record,) = rotate("--kind", "ed25519", "--json").json["publish"]
    Path("zone.yaml").write_text(f"{record['name']}: [TIMEOUT]\n")
    assert rotate("--kind", "ed25519", "--json").json["publish"] == []
    assert states() == ["new"]


def test_a_folder_that_holds_something_else_is_told_of(place: Path) -> None:
    (place / "keys" / "acme.example").mkdir(parents=True)
    (place / "keys" / "acme.example" / "x.json").write_text("[]")
    ended = run_inside("dkim", "rotate", "--domain", "acme.example", "--keys", "keys", "--dns", "zone.yaml")
    assert (ended.code, "none of the files that are kept there" in ended.stderr) == (78, True)


# ── sending ──


def sent_now(*options: str, environ: dict[str, str] | None = None) -> Ended:
    return run_inside(
        "send", "--from", "joe@football.example.com", "--to", "a@b.example", "--subject", "hello", "--text", "hello",
        *options, environ=environ,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        (["--dkim", "football.example.com:brisbane:env:SEED"], {}),
        ([], {"POSTROAD_DKIM": "football.example.com:brisbane:env:SEED"}),
    ],
)
def test_what_is_sent_now_is_signed_too(place: Path, options: list[str], environ: dict[str, str]) -> None:
    folder = "file:///" + str(Path.cwd() / "sent").lstrip("/")
    ended = sent_now("--transport", folder, *options, environ={**environ, "SEED": ED25519_SEED})
    assert ended.code == 0, ended.stderr
    (file,) = Path("sent").glob("*.eml")
    assert b"a=ed25519-sha256" in file.read_bytes()


@pytest.mark.parametrize("where", ["--outbox", "--dry-run"])
def test_keys_have_no_place_where_nothing_goes_out(place: Path, where: str) -> None:
    ended = sent_now(where, "--dkim", "football.example.com:brisbane:key.pem")
    assert (ended.code, f"--dkim cannot go with {where}" in ended.stderr) == (2, True)


# ── the worker ────────────────────────────────────────────────────────────────────────────────────────────────────


def send_and_drain(*options: str, environ: dict[str, str] | None = None) -> bytes:
    arguments = (
        "send",
        "--outbox",
        "--db",
        "sqlite:///mail.db",
        "--from",
        "joe@football.example.com",
        "--to",
        "a@b.example",
    )
    assert run_inside(*arguments, "--subject", "hello", "--text", "hello").code == 0
    ended = run_inside(
        "worker", "--db", "sqlite:///mail.db", "--transport", "file:///" + str(Path.cwd() / "sent").lstrip("/"),
        "--drain", *options, environ=environ,
    )  # fmt: skip
    assert ended.code == 0, ended.stderr
    (file,) = Path("sent").glob("*.eml")
    return file.read_bytes()


def test_a_worker_signs_with_the_keys_it_is_given(place: Path) -> None:
    content = send_and_drain(
        "--dkim", "football.example.com:test:key.pem", "--dkim", "football.example.com:two:key.pem"
    )
    assert content.count(b"DKIM-Signature: v=1; a=rsa-sha256;") == 2


def test_a_worker_signs_with_the_keys_of_the_environment(place: Path) -> None:
    environ = {"POSTROAD_DKIM": "football.example.com:brisbane:env:SEED", "SEED": ED25519_SEED}
    assert b"a=ed25519-sha256" in send_and_drain(environ=environ)


def test_a_worker_signs_with_the_keys_of_a_folder(place: Path) -> None:
    arguments = ("dkim", "rotate", *DOMAIN, "--keys", "keys", "--kind", "ed25519", "--dns", "zone.yaml")
    (record,) = run_inside(*arguments, "--json").json["publish"]
    ended = run_inside(
        "worker", "--db", "sqlite:///mail.db", "--transport", "null://", "--drain", "--dkim-keys", "keys"
    )
    assert (ended.code, "no key in 'keys' is active" in ended.stderr) == (78, True)
    publish({record["name"].partition(".")[0]: record["value"]})
    assert run_inside(*arguments).code == 0
    assert b"a=ed25519-sha256" in send_and_drain("--dkim-keys", "keys")
