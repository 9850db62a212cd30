"""A route that signs on the way (DKIM): each message in a thread, with the same bytes at every try.

The time in the signature is that of the message's acceptance, and both algorithms give the same signature for the same
octets (RFC 8017 §8.2, RFC 8032 §5.1.6), so a try tomorrow sends what the try today sent, unless another key has become
active in between.
"""

import asyncio
from functools import partial
from typing import Final, NamedTuple

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.mailer.dkim import DkimKeys
from postroad.mailer.key_folder import KeyFolder
from postroad.mailer.sign import FolderSigning, Signing
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.transport.contract import BeforeCommit, Transport
from postroad.transport.over import OverTransport
from postroad.transport.route import anew

# Messages that go to a thread in one piece: one way there and back for all of them costs a tenth of a signature each,
# and the first is not kept waiting for long.
TOGETHER: Final = 8


class _Wish(NamedTuple):
    """A message that waits to be signed; ``at`` is the time that it bears."""

    mail: MailObject
    at: float
    answer: "asyncio.Future[MailObject]"


def _answer(wishes: list[_Wish], signed: "asyncio.Future[list[MailObject | Exception]]") -> None:
    if signed.cancelled():  # the loop ends
        for wish in wishes:
            wish.answer.cancel()
        return
    for wish, result in zip(wishes, signed.result(), strict=True):
        if wish.answer.done():  # nobody waits for it any more
            continue
        if isinstance(result, Exception):
            wish.answer.set_exception(result)
        else:
            wish.answer.set_result(result)


class SigningTransport(OverTransport):
    """Another transport, with its messages signed on the way."""

    def __init__(self, transport: Transport, signing: Signing | FolderSigning, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(transport)
        self._signing = signing
        self._clock = clock
        self._wishes: list[_Wish] = []  # of this round of the event loop

    def renewed(self) -> "SigningTransport":
        """The same keys over the route with connections of its own; itself where it has none."""
        transport = anew(self.inner)
        return self if transport is self.inner else SigningTransport(transport, self._signing, clock=self._clock)

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        return await self.inner.deliver(await self._signed(mail), before_commit=before_commit)

    def _signed(self, mail: MailObject) -> "asyncio.Future[MailObject]":
        loop = asyncio.get_running_loop()
        wish = _Wish(mail, self._clock.now() if mail.accepted_at is None else mail.accepted_at, loop.create_future())
        self._wishes.append(wish)
        if len(self._wishes) == 1:  # the others of this round of the event loop go with it
            loop.call_soon(self._sign, loop)
        return wish.answer

    def _sign(self, loop: asyncio.AbstractEventLoop) -> None:
        wishes, self._wishes = self._wishes, []
        for start in range(0, len(wishes), TOGETHER):
            some = wishes[start : start + TOGETHER]
            loop.run_in_executor(None, self._sign_some, some).add_done_callback(partial(_answer, some))

    def _sign_some(self, wishes: "list[_Wish]") -> "list[MailObject | Exception]":
        return [self._one(wish) for wish in wishes]

    def _one(self, wish: "_Wish") -> MailObject | Exception:
        try:
            return self._signing.signed(wish.mail, at=wish.at)
        except Exception as fault:  # noqa: BLE001 - it is this message's, and raised where that is waited for
            return fault


def signing_over(transport: Transport, dkim: DkimKeys | None, *, clock: Clock = SYSTEM_CLOCK) -> Transport:
    """The transport, signing where there are keys.

    Raises:
        ConfigurationError: see ``Signing``.
    """
    if dkim is None:
        return transport
    signing = FolderSigning(dkim, clock) if isinstance(dkim, KeyFolder) else Signing(dkim)
    return SigningTransport(transport, signing, clock=clock)
