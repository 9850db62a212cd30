"""``postroad demo``: real mail on this machine, verified to the octet."""

import signal
import smtplib
import ssl
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroad.address import Address
from postroad.cli.demo.sample_files import pdf, picture
from postroad.cli.demo.sample_mail import GREYLISTED, UNKNOWN, samples
from postroad.cli.demo.verdict import faults
from postroad.inbox.catch import Caught
from postroad.net.smtp_handler import SmtpClient
from postroad.outbox.states import DeliveryState
from postroad.outbox.status import DeliveryStatus, MessageStatus
from tests.cli.command import Ended, Running, run_inside, run_process, running


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_once_ends_well_and_leaves_nothing(own_temporary_folder: Path) -> None:
    ended = run_process("demo", "--once")
    assert ended.code == 0, ended
    for words in (
        "STARTTLS",
        "550 5.1.1",
        "4.7.1 Greylisted",
        "2 tries",
        "application/pdf report.pdf",
        "image/png logo.png (cid:logo)",
        "Grüße aus Köln – ご注文ありがとうございます",
        "TLSv1.3",
        "authenticated as demo",
        "octet by octet",
    ):
        assert words in ended.stdout, words
    assert "\x1b" not in ended.stdout
    assert list(own_temporary_folder.iterdir()) == []


def test_once_as_json() -> None:
    ended = run_process("demo", "--once", "--json")
    assert ended.code == 0
    ready, verdict = ended.lines
    assert ready["ready"] is True
    assert ready["smtp"].startswith("127.0.0.1:")
    assert ready["db"].startswith("sqlite:////")
    assert (verdict["well"], verdict["faults"], verdict["caught"]) == (True, [], 7)
    states = {
        (one["recipient"], one["state"], len(one["history"]))
        for message in verdict["messages"]
        for one in message["recipients"]
        if one["recipient"] in (UNKNOWN, GREYLISTED)
    }
    assert states == {(UNKNOWN, "refused", 1), (GREYLISTED, "sent", 2)}


def test_it_stays_and_its_commands_work(own_temporary_folder: Path) -> None:
    with running("demo", "--json") as demo:
        ready, verdict = demo.line(), demo.line()
        assert verdict["well"]
        id_ = verdict["messages"][0]["id"]
        assert run_inside("outbox", "show", "--db", ready["db"], id_).code == 0
        assert run_inside("outbox", "ls", "--db", ready["db"], "--jsonl").lines
        assert send(ready, "now").code == 0
        direct = demo.line()
        assert send(ready, "later", "--outbox").code == 0
        queued = demo.line()
        refused = smtp_without_login(ready)
        ended = demo.end(signal.SIGINT)
    assert (direct["subject"], queued["subject"]) == ("now", "later")
    assert (direct["user"], direct["tls"] is not None, refused) == ("demo", True, 530)
    assert (ended.code, "Traceback" in ended.stderr) == (0, False)
    assert list(own_temporary_folder.iterdir()) == []


def send(ready: dict[str, str], subject: str, *options: str) -> Ended:
    password = f"file:{ready['password_file']}"
    route = ("--db", ready["db"]) if options else ("--transport", ready["transport"], "--password", password)
    message = ("--from", "me@example.com", "--to", "you@example.com", "--subject", subject, "--text", "Hi!")
    return run_inside("send", *message, *options, *route)


def smtp_without_login(ready: dict[str, str]) -> int:
    host, _, port = ready["smtp"].rpartition(":")
    certificate = Path(ready["password_file"]).with_name("certificate.pem")
    with smtplib.SMTP(host, int(port)) as client:
        client.starttls(context=ssl.create_default_context(cafile=certificate))
        client.ehlo()
        return client.mail("me@example.com")[0]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_shows_itself_and_says_what_to_try_next(own_temporary_folder: Path, by: signal.Signals) -> None:
    with running("demo") as demo:
        text = until(demo, "--password file:")
        ended = demo.end(by)
    assert "postroad outbox show --db sqlite:////" in text
    assert "While this runs, try in another terminal" in text
    assert ended.code == 0
    assert list(own_temporary_folder.iterdir()) == []


def until(demo: Running, words: str) -> str:
    seen = ""
    while words not in seen:
        assert demo.process.stdout is not None
        line = demo.process.stdout.readline()
        assert line, seen
        seen += line
    return seen


# ── the verdict ───────────────────────────────────────────────────────────────────────────────────────────────────────

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SAMPLES = samples(NOW)
CLIENT = SmtpClient("127.0.0.1:1", "me", "demo", "TLSv1.3")


def told(state: str, recipient: str, attempts: int) -> DeliveryStatus:
    return DeliveryStatus(
        0, recipient, DeliveryState(state), attempts, None, None, None, None, None,
        uncertain_ever=False, assumed=False, retry_of=None,
    )  # fmt: skip


def statuses() -> list[MessageStatus]:
    return [
        MessageStatus(
            "id", None, "transactional", None, "", 0, (), {}, None, NOW, None, None,
            tuple(told(state, one, 2 if one == GREYLISTED else 1) for one, state in sample.expected.items()),
        )
        for sample in SAMPLES
    ]  # fmt: skip


def caught() -> list[Caught]:
    arrived = []
    for sample in SAMPLES:
        recipients = tuple(Address.parse(one) for one, state in sample.expected.items() if state == "sent")
        arrived.append(Caught(CLIENT, None, recipients, sample.email.to_bytes()))
    return arrived


def test_all_is_well() -> None:
    assert faults(SAMPLES, statuses(), caught()) == []


def test_whatever_is_wrong_is_found() -> None:
    first = caught()[0]
    changed = Caught(CLIENT, None, first.recipients, first.content.replace(b"Hello", b"Hallo"))
    in_the_open = Caught(SmtpClient("127.0.0.1:1", "me", None, None), None, first.recipients, first.content)
    assert faults(SAMPLES, statuses(), caught()[1:])  # one is missing
    assert faults(SAMPLES, statuses(), [*caught(), first])  # one came twice
    assert faults(SAMPLES, statuses(), [changed, *caught()[1:]])
    assert faults(SAMPLES, statuses(), [in_the_open, *caught()[1:]])
    wrong = statuses()
    wrong[0] = statuses()[5]  # what should be sent is refused
    assert faults(SAMPLES, wrong, caught())


def test_the_picture_is_one() -> None:
    content = picture()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    start = content.index(b"IDAT") + 4
    length = int.from_bytes(content[start - 8 : start - 4])
    assert len(zlib.decompress(content[start : start + length])) == 48 * (1 + 48 * 3)


def test_the_pdf_points_at_its_objects() -> None:
    content = pdf("a (b) \\ c")
    table = int(content.split(b"startxref\n")[1].split()[0])
    assert content[table:].startswith(b"xref\n0 5\n")
    offsets = [int(line.split()[0]) for line in content[table:].splitlines()[3:7]]
    for number, offset in enumerate(offsets, 1):
        assert content[offset:].startswith(b"%d 0 obj" % number)
    assert rb"(a \(b\) \\ c) Tj" in content
