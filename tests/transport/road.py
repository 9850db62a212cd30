"""An account at a scripted server, and messages on their way to it, for plain test functions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.testing import Gate, ScriptedServer
from postroad.transport.contract import BeforeCommit
from postroad.transport.from_url import from_url
from postroad.transport.smtp.settings import PoolLimits, Smtp, Timeouts
from postroad.transport.smtp.transport import SmtpTransport

T = TypeVar("T")

SILENCE = 0.1  # seconds of a wait in which nothing happens but silence
ANSWERS = (
    1.0  # seconds of a wait that comes again and again, and in which other answers must come: a machine may be slow
)


def account(server: ScriptedServer, *, connections: int = 1, **settings: Any) -> Smtp:
    """An account at the server, with one connection unless said otherwise, so that the order is certain."""
    settings.setdefault("limits", PoolLimits(connections=connections))
    return Smtp(settings.pop("host", server.host), server.port, **settings)


def impatient(*waits: str) -> Timeouts:
    """Those of these waits are short: for the tests in which the server stays silent there, and only for them."""
    seconds = {wait: ANSWERS if wait == "command" else SILENCE for wait in waits}
    if "greeting" in waits:  # who does not greet is offered a TLS handshake, for as long as connecting may take
        seconds["connect"] = ANSWERS
    return replace(Timeouts(), **seconds)


def settings(url: str, **account: Any) -> Smtp:
    """What a URL of an SMTP account means."""
    transport = from_url(url, **account)
    assert isinstance(transport, SmtpTransport)
    return transport.settings


@asynccontextmanager
async def opened(settings: Smtp) -> AsyncIterator[SmtpTransport]:
    transport = SmtpTransport(settings)
    try:
        yield transport
    finally:
        await transport.aclose()


def run(settings: Smtp, work: Callable[[SmtpTransport], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function with a transport of its own."""

    async def within() -> T:
        async with opened(settings) as transport:
            return await work(transport)

    return asyncio.run(within())


def deliver(settings: Smtp, *mails: MailObject, before_commit: BeforeCommit | None = None) -> list[SendReport]:
    """Hand all messages over at once; their reports in the order given."""

    async def all_at_once(transport: SmtpTransport) -> list[SendReport]:
        return await asyncio.gather(*(transport.deliver(mail, before_commit=before_commit) for mail in mails))

    return run(settings, all_at_once)


def deliver_one(settings: Smtp, mail: MailObject, before_commit: BeforeCommit | None = None) -> SendReport:
    return deliver(settings, mail, before_commit=before_commit)[0]


def in_turn(settings: Smtp, *mails: MailObject) -> list[SendReport]:
    """One message after the other, over the same pool."""

    async def one_by_one(transport: SmtpTransport) -> list[SendReport]:
        return [await transport.deliver(mail) for mail in mails]

    return run(settings, one_by_one)


async def reached(gate: Gate) -> None:
    """The server stands before the gate."""
    await asyncio.to_thread(gate.wait_until_reached)


def verbs(commands: list[str]) -> list[str]:
    """The first word of each command line."""
    return [line.partition(" ")[0] for line in commands]
