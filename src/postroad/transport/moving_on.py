"""What an attempt over one road means for the next road, and for this one's breaker. Pure.

Another road is tried for a recipient whose mail certainly did not go out, if it was the road that failed: not reached,
dropped, too slow, told to slow down, a wrong account, certificate or setting; or if this road cannot do what the
message needs. It is not tried where a server has judged the sender, a recipient or the content, where the caller has
taken the message back, where the message is wrong, and never where nobody knows whether the mail went out.
"""

from enum import IntEnum
from typing import Final

from postroad.errors import (
    Abandoned,
    DataError,
    MessageError,
    PostroadError,
    RecipientsRefused,
    Remedy,
    Scope,
    SenderRefused,
    Unsupported,
)
from postroad.outcome import Outcome, SendReport
from postroad.reply import Phase, Reply
from postroad.transport.breaker import Verdict

MAIL_SYSTEM: Final = 3  # the subject of enhanced codes that speak of the server, not of the mail (RFC 3463 §3.4)
# RFC 5321 §4.2.2: "closing transmission channel", "insufficient system storage"
_SERVERS_OWN_TROUBLE: Final = (421, 452)


def may_go_elsewhere(outcome: Outcome) -> bool:
    """Whether another road may be tried for this recipient."""
    error = outcome.error
    if not outcome.refused or error is None:  # without an error it was the server's word on this recipient
        return False
    if isinstance(error, MessageError | Abandoned | RecipientsRefused):
        return False
    if isinstance(error, SenderRefused | DataError):
        return of_the_server(error.reply)
    return isinstance(error, Unsupported) or error.scope in (Scope.CONNECTION, Scope.ROUTE)


def of_the_server(reply: Reply | None) -> bool:
    """Whether a refusal says that the server cannot now, whatever the mail: 421, 452, 4.3.x."""
    if reply is None or not reply.code.temporary:
        return False
    subject = reply.enhanced.subject if reply.enhanced else None
    return subject == MAIL_SYSTEM or (reply.code in _SERVERS_OWN_TROUBLE and reply.enhanced is None)


def verdict_on(report: SendReport) -> Verdict:
    """What the report of an attempt says of the road it took."""
    error = report.error
    if error is None or report.accepted:
        return Verdict.WORKS
    if isinstance(error, Abandoned):
        return Verdict.SILENT
    if isinstance(error, Unsupported):  # no common way to log in is the account's fault, the rest is the message's
        return Verdict.FAULTY if error.phase is Phase.AUTH else Verdict.WORKS
    if is_fault(error):
        return Verdict.FAULTY
    if error.ambiguous:  # it was reached, and then lost: a few of those in a row are enough
        return Verdict.DOWN
    return Verdict.DOWN if any(may_go_elsewhere(outcome) for outcome in report.outcomes) else Verdict.WORKS


def is_fault(error: PostroadError) -> bool:
    """A wrong account, certificate or setting: the road fails until somebody mends it."""
    return error.scope is Scope.ROUTE and error.remedy is Remedy.FIX


class Weight(IntEnum):
    """Which of two roads' failures speaks for a recipient: the one that leaves most hope, and the surest warning."""

    OTHER = 0
    FAULT = 1  # mend it, and the mail can go
    TEMPORARY = 2  # later, it can go by itself
    JUDGED = 3  # a server's word, an acceptance, or nobody knows: there is nothing behind it


def weight_of(outcome: Outcome) -> Weight:
    """How much this outcome says beside one of another road."""
    if not may_go_elsewhere(outcome):
        return Weight.JUDGED
    if outcome.temporary:
        return Weight.TEMPORARY
    return Weight.FAULT if outcome.error is not None and is_fault(outcome.error) else Weight.OTHER
