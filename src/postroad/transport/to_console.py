"""``console://``: each message to standard output, for a look while developing."""

import sys
from typing import Final, TextIO

from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.terminal_text import many_lines
from postroad.transport.contract import Ability, BeforeCommit, CheckReport
from postroad.transport.settled import accepted, taken_back

_SHOWN_OCTETS: Final = 100_000  # of content; more is no look any longer


class ConsoleTransport:
    """Prints messages to ``stream`` (standard output unless given)."""

    abilities = frozenset({Ability.SEPARATE_ENVELOPE})
    name = "console://"
    concurrency = 1
    max_size = None

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        if (report := await taken_back(mail, before_commit)) is not None:
            return report
        print(shown(mail), file=self._stream or sys.stdout, flush=True)
        return accepted(mail)

    async def check(self) -> CheckReport:
        return CheckReport(self.name, ("messages are printed",))

    async def aclose(self) -> None:
        """Nothing to release."""


def shown(mail: MailObject) -> str:
    """The message as text that is safe for a terminal."""
    sender = mail.envelope.mail_from.addr_spec if mail.envelope.mail_from else "<>"
    recipients = ", ".join(recipient.addr_spec for recipient in mail.envelope.recipients)
    # It may hold escape sequences that move the cursor, retitle the window or worse: none reaches the terminal.
    text = many_lines(mail.content[:_SHOWN_OCTETS])
    rest = len(mail.content) - _SHOWN_OCTETS
    more = f"\n… {rest} more octets" if rest > 0 else ""
    return f"──── from {sender} to {recipients}\n{text.rstrip()}{more}\n────"
