"""Why an address gets no mail: the words of the trade, and what others call the same thing in their exports."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from postroad.errors import MessageError


class Reason(StrEnum):
    """Why an address is on the list. The values are stored and shown, and a reason equals its text.

    None of them speaks of a block by policy: what a provider holds against the sender is no reason to give up a
    recipient.
    """

    HARD_BOUNCE = "hard_bounce"  # there is no such mailbox, or no such domain
    SOFT_BOUNCE = "soft_bounce"  # full or disabled for so long that it counts as gone
    COMPLAINT = "complaint"  # called it spam (RFC 5965)
    UNSUBSCRIBE = "unsubscribe"  # asked to be left alone (RFC 8058)
    INVALID = "invalid"  # found wrong before anything was sent
    MANUAL = "manual"  # somebody decided so


# The reasons in exports of Amazon SES, Postmark and SendGrid, in lower case without spaces, hyphens and underscores.
_ELSEWHERE: Final = MappingProxyType({
    "bounce": Reason.HARD_BOUNCE,
    "bounced": Reason.HARD_BOUNCE,
    "spamcomplaint": Reason.COMPLAINT,
    "spamreport": Reason.COMPLAINT,
    "spam": Reason.COMPLAINT,
    "manualsuppression": Reason.MANUAL,
    "unsubscribed": Reason.UNSUBSCRIBE,
    "invalidemail": Reason.INVALID,
})  # fmt: skip
_KNOWN: Final = MappingProxyType({reason.value.replace("_", ""): reason for reason in Reason} | _ELSEWHERE)


def read_reason(text: object) -> Reason:
    """The reason that a text names, in our words or in those of another service.

    Raises:
        MessageError: nobody calls a reason so.
    """
    plain = str(text).lower().replace(" ", "").replace("-", "").replace("_", "")
    reason = _KNOWN.get(plain)
    if reason is None:
        raise MessageError(f"reason: {text!r:.80} is not one of {', '.join(Reason)}", field="reason")
    return reason
