"""``sendmail://``: scripts that do as they are told, and the sendmail programs of Postfix and msmtp."""

import asyncio
import os
import shlex
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    ConfigurationError,
    DataError,
    OutcomeUnknown,
    PostroadError,
    RecipientsRefused,
    SenderRefused,
    SendError,
    Timeout,
    Unsupported,
)
from postroad.message.dsn_request import Dsn
from postroad.message.envelope import Body, MailObject
from postroad.outcome import SendReport
from postroad.transport import sendmail
from postroad.transport.from_url import from_url
from postroad.transport.sendmail import SendmailTransport
from tests.conftest import RequiresProgram
from tests.fakes import let_others_run, letter
from tests.peers.fixtures import StartPostfix
from tests.peers.postfix import PostfixSettings
from tests.peers.waiting import wait_until

BOB, EVE = "bob@b.example", "eve@e.example"
Program = Callable[..., SendmailTransport]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a transport over a shell script, which runs in the test's folder."""

    def made(script: str, **settings: float) -> SendmailTransport:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\ncd {shlex.quote(str(tmp_path))}\n{script}\n")
        path.chmod(0o755)
        return SendmailTransport(path, **settings)  # type: ignore[arg-type]  # mypy takes every value for every one

    return made


KEEP = 'printf "%s\\n" "$@" > arguments; cat > content'


def deliver(transport: SendmailTransport, mail: MailObject | None = None) -> SendReport:
    return asyncio.run(transport.deliver(mail or letter("hello", BOB, EVE)))


def arguments(folder: Path) -> list[str]:
    return (folder / "arguments").read_text().splitlines()


# ── what the program gets ─────────────────────────────────────────────────────────────────────────────────────────────


def test_envelope_and_content_reach_the_program(program: Program, tmp_path: Path) -> None:
    report = deliver(program(KEEP))
    assert [str(one.recipient) for one in report.accepted] == [BOB, EVE]
    assert report.message_id == "<hello@a.example>"
    assert arguments(tmp_path) == ["-i", "-f", "ann@a.example", "--", BOB, EVE]
    assert (tmp_path / "content").read_bytes() == letter("hello").content.replace(b"\r\n", b"\n")


def test_a_large_message_is_taken_whole(program: Program, tmp_path: Path) -> None:
    mail = replace(letter(), content=b"Subject: big\r\n\r\n" + b"0123456789abcdef" * 200_000 + b"\r\n")
    assert deliver(program(KEEP), mail).accepted
    assert (tmp_path / "content").stat().st_size == len(mail.content.replace(b"\r\n", b"\n"))


def test_the_null_sender(program: Program, tmp_path: Path) -> None:
    deliver(program(KEEP), letter(sender=None))
    assert arguments(tmp_path) == ["-i", "-f", "<>", "--", BOB]


def test_eight_bit_is_declared(program: Program, tmp_path: Path) -> None:
    deliver(program(KEEP), letter(body=Body.EIGHT_BIT))
    assert arguments(tmp_path) == ["-i", "-f", "ann@a.example", "-B8BITMIME", "--", BOB]


@pytest.mark.parametrize(
    ("dsn", "flags"),
    [
        (Dsn("never"), ["-N", "never"]),
        (
            Dsn("success,failure", ret="headers", envid="order 1"),
            ["-N", "success,failure", "-R", "hdrs", "-V", "order 1"],
        ),
        (Dsn(ret="full"), ["-R", "full"]),
        (Dsn({BOB: "success", EVE: "success"}), ["-N", "success"]),
    ],
)
def test_notifications_are_asked_for(program: Program, tmp_path: Path, dsn: Dsn, flags: list[str]) -> None:
    mail = letter("x", BOB, EVE)
    deliver(program(KEEP), replace(mail, envelope=replace(mail.envelope, dsn=dsn)))
    assert arguments(tmp_path) == ["-i", "-f", "ann@a.example", *flags, "--", BOB, EVE]


def with_envelope(**changes: object) -> MailObject:
    mail = letter("x", BOB, EVE)
    return replace(mail, envelope=replace(mail.envelope, **changes))  # type: ignore[arg-type]  # as the tests say


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        (letter("x", "-oQ/etc@b.example"), "begins with a hyphen"),
        (letter("x", sender="-x@a.example"), "begins with a hyphen"),
        (with_envelope(require_tls=True), "cannot promise TLS"),
        (with_envelope(dsn=Dsn({BOB: "never", EVE: "success"})), "differs by recipient"),
    ],
)
def test_what_it_cannot_do_is_not_tried(program: Program, tmp_path: Path, mail: MailObject, said: str) -> None:
    report = deliver(program(KEEP), mail)
    assert isinstance(report.error, Unsupported)
    assert said in report.error.message
    assert not (tmp_path / "arguments").exists()


# ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "kind", "temporary", "enhanced"),
    [
        (64, ConfigurationError, False, None),
        (65, DataError, False, "5.6.0"),
        (67, RecipientsRefused, False, "5.1.1"),
        (68, RecipientsRefused, False, "5.1.2"),
        (69, SendError, True, None),
        (75, SendError, True, None),
        (77, SenderRefused, False, "5.7.1"),
        (78, ConfigurationError, False, None),
        (1, SendError, True, None),
        (127, SendError, True, None),
    ],
)
def test_the_status_is_the_verdict(
    program: Program, status: int, kind: type[PostroadError], temporary: bool, enhanced: str | None
) -> None:
    report = deliver(program(f"cat > /dev/null; echo 'no\t\033[2Jmail' >&2; exit {status}"))
    assert type(report.error) is kind
    assert f"ended with status {status}: no\\t\\x1b[2Jmail" in report.error.message
    assert [one.temporary for one in report.refused] == [temporary] * 2
    assert str(report.error.enhanced or "None") == str(enhanced)


def test_a_program_that_does_not_read_has_not_taken_it(program: Program) -> None:
    mail = replace(letter(), content=b"x" * 1_000_000 + b"\r\n")
    report = deliver(program("exec <&-; exit 0"), mail)
    assert isinstance(report.error, SendError)
    assert "without reading the message" in report.error.message
    assert report.refused[0].temporary


def test_a_program_that_has_shut_its_ear_before_it_was_given_anything_has_not_taken_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that asyncio is just closing drops what is written to it, and tells nobody."""
    hand_over = sendmail._hand_over

    async def to_deaf_ears(process: asyncio.subprocess.Process, content: bytes) -> bool:
        assert process.stdin is not None
        process.stdin.transport.close()  # as it does in the turn in which it learns that the program has closed its end
        return await hand_over(process, content)

    monkeypatch.setattr(sendmail, "_hand_over", to_deaf_ears)
    report = deliver(program("cat > /dev/null"))
    assert isinstance(report.error, SendError)
    assert "without reading the message" in report.error.message
    assert report.refused[0].temporary


def test_a_program_that_is_killed_with_the_message_leaves_us_in_doubt(program: Program) -> None:
    report = deliver(program("cat > /dev/null; kill -9 $$"))
    assert isinstance(report.error, OutcomeUnknown)
    assert "signal 9" in report.error.message
    assert len(report.unknown) == 2


def test_a_program_that_is_killed_without_it_does_not(program: Program) -> None:
    report = deliver(program("kill -9 $$"), replace(letter(), content=b"x" * 1_000_000 + b"\r\n"))
    assert report.refused[0].temporary


def test_one_that_does_not_end_is_ended(program: Program, tmp_path: Path) -> None:
    report = deliver(program("cat > /dev/null; sleep 1000 & echo $! > child; wait", timeout=1))
    assert isinstance(report.error, OutcomeUnknown)
    assert "did not end within 1 s" in report.error.message
    wait_until(lambda: not runs(int((tmp_path / "child").read_text())), "the end of what it has started")


def test_one_that_does_not_read_in_time_has_not_taken_it(program: Program) -> None:
    mail = replace(letter(), content=b"x" * 1_000_000 + b"\r\n")
    report = deliver(program("sleep 1000", timeout=1), mail)
    assert isinstance(report.error, Timeout)
    assert report.refused[0].temporary


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_what_it_leaves_behind_is_not_waited_for(program: Program, tmp_path: Path) -> None:
    assert deliver(program(f"{KEEP}; sleep 1000 & echo $! > child")).accepted
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_cancelling_ends_it(program: Program, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "started")
    transport = program("echo $$ > started; sleep 1000")

    async def work() -> int:
        delivery = asyncio.ensure_future(transport.deliver(letter()))
        pid = int(await asyncio.to_thread((tmp_path / "started").read_text))
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        return pid

    pid = asyncio.run(work())
    wait_until(lambda: not runs(pid), "the end of the program")


@pytest.mark.parametrize("rounds", range(8))
def test_cancelling_while_it_is_started_ends_it_too(program: Program, rounds: int) -> None:
    transport = program("cat > /dev/null; sleep 1000")

    async def work() -> None:
        delivery = asyncio.ensure_future(transport.deliver(letter()))
        await let_others_run(rounds)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery

    asyncio.run(work())


# ── before_commit ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("answer", [True, False])
def test_it_starts_only_when_it_may(program: Program, tmp_path: Path, answer: bool) -> None:
    started: list[bool] = []

    async def before_commit(_: tuple[Address, ...]) -> bool:
        started.append((tmp_path / "arguments").exists())
        return answer

    report = asyncio.run(program(KEEP).deliver(letter(), before_commit=before_commit))
    assert started == [False]
    assert (tmp_path / "arguments").exists() is answer
    assert isinstance(report.error, Abandoned) is not answer


@pytest.mark.parametrize("error", [LookupError("gone"), ConfigurationError("gone")])
def test_what_before_commit_raises_is_raised(program: Program, tmp_path: Path, error: Exception) -> None:
    async def before_commit(_: tuple[Address, ...]) -> bool:
        raise error

    with pytest.raises(type(error), match="gone"):
        asyncio.run(program(KEEP).deliver(letter(), before_commit=before_commit))
    assert not (tmp_path / "arguments").exists()


def test_so_many_run_at_once_and_no_more(program: Program, tmp_path: Path) -> None:
    transport = program('cat > /dev/null; : > "run-$$"; ls | grep -c ^run- >> counts; rm "run-$$"', processes=2)
    assert transport.concurrency == 2

    async def work() -> list[SendReport]:
        return await asyncio.gather(*(transport.deliver(letter()) for _ in range(10)))

    assert all(report.accepted for report in asyncio.run(work()))
    counts = list(map(int, (tmp_path / "counts").read_text().split()))
    assert len(counts) == 10
    assert max(counts) <= 2


# ── where it is ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_usual_place_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad.transport.sendmail.USUAL_PLACES", (str(tmp_path / "none"),))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="no sendmail program"):
        from_url("sendmail://")
    (tmp_path / "sendmail").write_text("#!/bin/sh\ncat\n")
    (tmp_path / "sendmail").chmod(0o755)
    assert from_url("sendmail://").name == f"sendmail://{tmp_path}/sendmail"


def test_a_program_that_went_is_the_routes_fault(program: Program, tmp_path: Path) -> None:
    transport = program(KEEP)
    assert "can be run" in str(asyncio.run(transport.check()))
    (tmp_path / "program").unlink()
    assert isinstance(deliver(transport).error, ConfigurationError)
    with pytest.raises(ConfigurationError, match="is not the absolute path"):
        asyncio.run(transport.check())


def test_a_program_that_cannot_be_run_has_not_taken_it(program: Program, tmp_path: Path) -> None:
    transport = program(KEEP)
    (tmp_path / "program").write_bytes(b"\x7fELF nonsense")
    report = deliver(transport)
    assert isinstance(report.error, SendError)
    assert "cannot be run" in report.error.message


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sendmail:///no/such/program", "is not the absolute path of a program"),
        ("sendmail://host/path", "with three slashes"),
        ("sendmail:///bin", "is not the absolute path of a program"),
        ("sendmail:///bin/cat?arg=1", "has no option 'arg'; it has args, pool, timeout"),
        ("sendmail:///bin/cat?pool=0", "pool='0'"),
        ("sendmail:///bin/cat?timeout=0", "timeout='0'"),
        ("sendmail:///bin/cat?args=%22", "args cannot be read: No closing quotation"),
    ],
)
def test_a_wrong_url_is_named(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        from_url(url)


def test_settings_are_above_zero() -> None:
    with pytest.raises(ConfigurationError, match="timeout must be above 0"):
        SendmailTransport("/bin/cat", timeout=0)


# ── real ones ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.system
def test_postfix_takes_it(start_postfix: StartPostfix, requires_program: RequiresProgram) -> None:
    program = requires_program("sendmail")
    postfix = start_postfix(PostfixSettings())
    transport = from_url(f"sendmail://{program}?args={quote(f'-C {postfix.configuration}')}")
    mail = replace(letter("hello", BOB, EVE), content=b"Subject: dots\r\nDate: x\r\n\r\n.\r\n..two\r\n\xe4\r\nend\r\n")

    async def work() -> list[SendReport]:
        first = await transport.deliver(replace(mail, body=Body.EIGHT_BIT))
        dsn = Dsn("success", ret="headers", envid="order-1")
        asked = replace(letter("dsn"), envelope=replace(letter().envelope, dsn=dsn))
        return [first, await transport.deliver(letter(sender=None)), await transport.deliver(asked)]

    assert all(report.accepted for report in asyncio.run(work()))
    stored = postfix.deliveries(5)  # the fifth is the notification of success
    assert sorted((one.sender, one.recipient) for one in stored)[:2] == [("", "ann@a.example"), ("", BOB)]
    whole = next(one for one in stored if one.recipient == EVE)
    assert whole.sender == "ann@a.example"
    assert whole.content.endswith(b"\n\n.\n..two\n\xe4\nend\n")
    notification = next(one.raw for one in stored if one.recipient == "ann@a.example")
    assert b"Original-Envelope-Id: order-1" in notification


@pytest.mark.system
def test_msmtp_takes_it(start_postfix: StartPostfix, requires_program: RequiresProgram) -> None:
    program = requires_program("msmtp")
    postfix = start_postfix(PostfixSettings())
    options = f"--host={postfix.smtp.host} --port={postfix.smtp.port} --tls=off"
    transport = from_url(f"sendmail://{program}?args={quote(options)}")

    async def work() -> list[SendReport]:
        return [await transport.deliver(letter("hello", one)) for one in (BOB, "reject@b.example")]

    taken, refused = asyncio.run(work())
    assert taken.accepted
    assert postfix.deliveries(1)[0].recipient == BOB
    assert refused.error is not None
    assert "550" in refused.error.message
    assert not refused.accepted
