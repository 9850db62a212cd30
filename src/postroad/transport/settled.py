"""What the transports without a server have in common: everybody is accepted, unless the caller takes the mail back."""

from postroad.errors import Abandoned
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Phase
from postroad.transport.contract import BeforeCommit


async def taken_back(mail: MailObject, before_commit: BeforeCommit | None) -> SendReport | None:
    """Ask ``before_commit``; a report if the answer is that nothing may be stored."""
    if before_commit is None or await before_commit(mail.envelope.recipients):
        return None
    return failed(mail.envelope.recipients, Abandoned("taken back before it was stored", phase=Phase.STORE))


def accepted(mail: MailObject) -> SendReport:
    """Accepted for every recipient."""
    outcomes = (Outcome(one, Result.ACCEPTED, Phase.STORE) for one in mail.envelope.recipients)
    return SendReport(tuple(outcomes), message_id=mail.message_id)
