"""What ``transport.contract`` promises, by every transport there is."""

import asyncio
import io
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import Abandoned
from postroad.outcome import SendReport
from postroad.providers.postmark.emulate import PostmarkEmulator
from postroad.providers.postmark.send import Postmark
from postroad.providers.registry import PROVIDERS
from postroad.providers.ses.emulate import SesEmulator
from postroad.providers.ses.send import Ses
from postroad.testing import ScriptedServer
from postroad.transport.contract import Ability, BeforeCommit, Transport
from postroad.transport.failover import ComposedTransport
from postroad.transport.provider_api.transport import ProviderApiTransport
from postroad.transport.sendmail import SendmailTransport
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from postroad.transport.to_console import ConsoleTransport
from postroad.transport.to_file import FileTransport
from postroad.transport.to_maildir import MaildirTransport
from postroad.transport.to_memory import MemoryTransport, NullTransport
from tests.fakes import letter
from tests.peers.provider_service import ProviderService
from tests.transport.receivers import World
from tests.transport.road import account
from tests.transport.several import Road, down

BOB, EVE = "bob@b.example", "eve@e.example"


@dataclass
class Subject:
    """A transport, and how many messages have arrived behind it (``None``: it keeps none)."""

    transport: Transport
    arrived: Callable[[], int | None]


def _smtp(stack: ExitStack, _: Path, **settings: Any) -> Subject:
    server = stack.enter_context(ScriptedServer(extensions=("PIPELINING", "8BITMIME")))
    return Subject(SmtpTransport(account(server, **settings)), lambda: len(server.messages))


def _paced(stack: ExitStack, folder: Path) -> Subject:
    return _smtp(stack, folder, rate="1000/s")


def _direct(stack: ExitStack, _: Path) -> Subject:
    world = World(stack, {})
    server = world.scripted("127.0.0.2", extensions=("PIPELINING", "8BITMIME"))
    for domain in ("b.example", "e.example"):
        world.dns.zone.add(domain, [{"MX": [10, "mx.b.example"]}])
    world.dns.zone.add("mx.b.example", [{"A": server.host}])
    return Subject(world.transport(), lambda: len(server.messages))


def _sendmail(_: ExitStack, folder: Path) -> Subject:
    program = folder / "program"
    program.write_text(f"#!/bin/sh\nexec cat > {shlex.quote(str(folder))}/message-$$\n")
    program.chmod(0o755)
    return Subject(SendmailTransport(program), lambda: len(list(folder.glob("message-*"))))


def _file(_: ExitStack, folder: Path) -> Subject:
    return Subject(FileTransport(folder / "mail"), lambda: len(list((folder / "mail").glob("*.eml"))))


def _maildir(_: ExitStack, folder: Path) -> Subject:
    return Subject(MaildirTransport(folder / "mail"), lambda: len(list((folder / "mail" / "new").iterdir())))


def _memory(_: ExitStack, __: Path) -> Subject:
    memory = MemoryTransport()
    return Subject(memory, lambda: len(memory.messages))


def _postmark(stack: ExitStack, _: Path) -> Subject:
    service = stack.enter_context(ProviderService(PostmarkEmulator()))
    account = Postmark(token="test-key", endpoint=service.url)
    return Subject(ProviderApiTransport(account), lambda: len(service.received))


def _ses(stack: ExitStack, _: Path) -> Subject:
    service = stack.enter_context(ProviderService(SesEmulator()))
    account = Ses(region="eu-west-1", access_key="AKIDEXAMPLE", secret_key="test-key", endpoint=service.url)
    return Subject(ProviderApiTransport(account), lambda: len(service.received))


def _failover(_: ExitStack, __: Path) -> Subject:
    memory = MemoryTransport()
    return Subject(ComposedTransport("failover", [Road("dead", down()), memory]), lambda: len(memory.messages))


def _weighted(stack: ExitStack, folder: Path) -> Subject:
    smtp, memory = _smtp(stack, folder), MemoryTransport()
    composed = ComposedTransport("weighted", [smtp.transport, memory], weights=[2, 1])
    return Subject(composed, lambda: (smtp.arrived() or 0) + len(memory.messages))


KINDS: dict[str, Callable[[ExitStack, Path], Subject]] = {
    "smtp": _smtp,
    "smtp with a rate": _paced,
    "direct": _direct,
    "sendmail": _sendmail,
    "file": _file,
    "maildir": _maildir,
    "memory": _memory,
    "null": lambda *_: Subject(NullTransport(), lambda: None),
    "console": lambda *_: Subject(ConsoleTransport(io.StringIO()), lambda: None),
    "postmark": _postmark,
    "ses": _ses,
    "failover": _failover,
    "weighted": _weighted,
}


@pytest.fixture(params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    with ExitStack() as stack:
        yield KINDS[str(request.param)](stack, tmp_path)


def deliver(subject: Subject, *texts: str, before_commit: BeforeCommit | None = None) -> list[SendReport]:
    """Deliver one message after the other in a loop of their own, and close."""

    async def work() -> list[SendReport]:
        try:
            return [
                await subject.transport.deliver(letter(text, BOB, EVE), before_commit=before_commit) for text in texts
            ]
        finally:
            await subject.transport.aclose()

    return asyncio.run(work())


def test_there_is_an_outcome_for_every_recipient_in_order(subject: Subject) -> None:
    for text, report in zip(("one", "two"), deliver(subject, "one", "two"), strict=True):
        assert [one.recipient.addr_spec for one in report.outcomes] == [BOB, EVE]
        assert all(one.accepted for one in report.outcomes)
        assert report.message_id == f"<{text}@a.example>"
        assert report.error is None
    assert subject.arrived() in (2, None)


@pytest.mark.parametrize("answer", [True, False])
def test_before_commit_is_asked_once_before_anything_is_out(subject: Subject, answer: bool) -> None:
    asked: list[tuple[tuple[str, ...], int]] = []

    async def before_commit(recipients: tuple[Address, ...]) -> bool:
        asked.append((tuple(one.addr_spec for one in recipients), subject.arrived() or 0))
        return answer

    (report,) = deliver(subject, "one", before_commit=before_commit)
    assert asked == [((BOB, EVE), 0)]
    assert [one.accepted for one in report.outcomes] == [answer] * 2
    assert isinstance(report.error, Abandoned) is not answer
    assert subject.arrived() in (int(answer), None)


def test_what_before_commit_raises_is_raised_and_nothing_is_out(subject: Subject) -> None:
    async def before_commit(_: tuple[Address, ...]) -> bool:
        raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="the database is gone"):
        deliver(subject, "one", before_commit=before_commit)
    assert not subject.arrived()


def test_whoever_cancels_before_the_end_has_sent_nothing(subject: Subject) -> None:
    async def before_commit(_: tuple[Address, ...]) -> bool:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        delivery = asyncio.ensure_future(subject.transport.deliver(letter(), before_commit=before_commit))
        await reached.wait()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await subject.transport.aclose()

    reached = asyncio.Event()
    asyncio.run(work())
    assert not subject.arrived()


def test_many_at_once_all_arrive(subject: Subject) -> None:
    async def work() -> list[SendReport]:
        try:
            return await asyncio.gather(*(subject.transport.deliver(letter(str(number))) for number in range(12)))
        finally:
            await subject.transport.aclose()

    assert all(report.accepted for report in asyncio.run(work()))
    assert subject.arrived() in (12, None)


def test_it_says_what_it_is(subject: Subject) -> None:
    transport = subject.transport
    assert transport.name
    assert transport.name in str(asyncio.run(transport.check()))
    assert transport.abilities <= set(Ability)
    assert (Ability.SEPARATE_ENVELOPE in transport.abilities) is (transport.name != "postmark://")
    assert transport.concurrency >= 1
    assert transport.max_size is None or transport.max_size > 0


def test_after_closing_it_starts_anew_in_another_loop_too(subject: Subject) -> None:
    assert deliver(subject, "one")[0].accepted
    asyncio.run(subject.transport.aclose())
    assert deliver(subject, "two")[0].accepted
    assert subject.arrived() in (2, None)


def test_every_scheme_is_here() -> None:
    """A scheme that is added must pass this suite, too."""
    from postroad.transport.from_url import _MAKERS

    through_smtp = {scheme for scheme in _MAKERS if scheme.startswith(("smtp", "lmtp"))}
    assert set(_MAKERS) - through_smtp - set(PROVIDERS) <= set(KINDS)  # all providers: tests/providers
    assert Smtp("a.example").name == "smtp://a.example:587"
