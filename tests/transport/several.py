"""Roads that do as they are told, for routes composed of several."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from postroad.address import Address
from postroad.errors import Abandoned, ConnectError, PostroadError
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, Result, SendReport, failed, with_error
from postroad.reply import Code, EnhancedCode, Phase, Reply
from postroad.transport.contract import Ability, BeforeCommit, CheckReport

Answer: TypeAlias = PostroadError | Callable[[MailObject], SendReport] | None
"""What a road does with a message: fails so, reports so, or takes it."""


class Road:
    """A transport whose answers are set beforehand; the last one holds. ``carried`` is what it was given."""

    def __init__(
        self,
        name: str,
        *answers: Answer,
        raises: bool = False,
        abilities: frozenset[Ability] = frozenset({Ability.SEPARATE_ENVELOPE, Ability.REMOTE}),
        concurrency: int = 4,
        max_size: int | None = None,
    ) -> None:
        self.name = name
        self.answers: list[Answer] = list(answers) or [None]
        self.abilities = abilities
        self.concurrency = concurrency
        self.max_size = max_size
        self.carried: list[tuple[str, ...]] = []
        self.gate: asyncio.Event | None = None
        self.closed = 0
        self._raises = raises

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        self.carried.append(tuple(one.addr_spec for one in mail.envelope.recipients))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(answer, PostroadError):
            if self._raises:
                raise answer
            return failed(mail.envelope.recipients, answer)
        if answer is not None:
            return answer(mail)
        if before_commit is not None and not await before_commit(mail.envelope.recipients):
            return failed(mail.envelope.recipients, Abandoned("taken back", phase=Phase.DATA))
        return SendReport(accepted(*mail.envelope.recipients), message_id=mail.message_id)

    async def check(self) -> CheckReport:
        if isinstance(self.answers[0], PostroadError):
            raise self.answers[0]
        return CheckReport(self.name, ("it works",))

    async def aclose(self) -> None:
        self.closed += 1
        if self._raises:
            raise OSError(f"{self.name} does not close")


def down(name: str = "it") -> ConnectError:
    return ConnectError(f"{name} was not reached", phase=Phase.CONNECT)


def reply(code: int, text: str = "as said", enhanced: str = "") -> Reply:
    return Reply(Code(code), (text,), EnhancedCode.parse(enhanced))


def accepted(*recipients: Address) -> tuple[Outcome, ...]:
    return tuple(Outcome(one, Result.ACCEPTED, Phase.DOT, reply(250)) for one in recipients)


def each(**answers: Reply | PostroadError | None) -> Callable[[MailObject], SendReport]:
    """A report with an outcome for each local part: a server's refusal, an error, or accepted."""

    def made(mail: MailObject) -> SendReport:
        outcomes = tuple(_outcome(one, answers[one.local]) for one in mail.envelope.recipients)
        error = next((one.error for one in outcomes if one.error is not None), None)
        if any(one.accepted for one in outcomes):
            error = None
        return with_error(SendReport(outcomes, message_id=mail.message_id), error)

    return made


def _outcome(recipient: Address, answer: Reply | PostroadError | None) -> Outcome:
    if answer is None:
        return accepted(recipient)[0]
    if isinstance(answer, Reply):
        return Outcome(recipient, Result.REFUSED, Phase.RCPT, answer)
    return failed([recipient], answer).outcomes[0]
