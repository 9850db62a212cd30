"""The words for what became of a message at its recipient, and what each asks for."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Action(StrEnum):
    """What a class asks for. The values are stored and shown."""

    SUPPRESS = "suppress"  # the address, or its domain, does not exist: no more mail
    SOFT = "soft"  # keep the recipient; a few of them in a row are as good as none
    BLOCK = "block"  # keep the recipient: somebody objects to the sender or the message
    COMPLAINT = "complaint"  # no more mail, in no stream
    IGNORE = "ignore"
    UNKNOWN = "unknown"  # nobody can say; treated as soft

    __str__ = str.__str__


class BounceClass(StrEnum):
    """What happened. The values are stored and shown; they never change their meaning."""

    HARD_RECIPIENT = "hard_recipient"
    HARD_DOMAIN = "hard_domain"
    MAILBOX_FULL = "mailbox_full"
    MAILBOX_DISABLED = "mailbox_disabled"
    RECIPIENT_REFUSED = "recipient_refused"  # by the recipient's own wish, or nobody can tell why
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    BLOCK_REPUTATION = "block_reputation"
    BLOCK_AUTH = "block_auth"
    BLOCK_CONTENT = "block_content"
    BLOCK_POLICY = "block_policy"
    MESSAGE_FAULT = "message_fault"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"

    __str__ = str.__str__

    @property
    def action(self) -> Action:
        """What it asks for."""
        return _ACTIONS[self]


_ACTIONS: Final = MappingProxyType(
    {
        BounceClass.HARD_RECIPIENT: Action.SUPPRESS,
        BounceClass.HARD_DOMAIN: Action.SUPPRESS,
        BounceClass.MAILBOX_FULL: Action.SOFT,
        BounceClass.MAILBOX_DISABLED: Action.SOFT,
        BounceClass.RECIPIENT_REFUSED: Action.SOFT,
        BounceClass.THROTTLED: Action.SOFT,
        BounceClass.TRANSIENT: Action.SOFT,
        # A block by policy never costs a recipient the address: it is the sender's to repair.
        BounceClass.BLOCK_REPUTATION: Action.BLOCK,
        BounceClass.BLOCK_AUTH: Action.BLOCK,
        BounceClass.BLOCK_CONTENT: Action.BLOCK,
        BounceClass.BLOCK_POLICY: Action.BLOCK,
        BounceClass.MESSAGE_FAULT: Action.BLOCK,
        BounceClass.COMPLAINT: Action.COMPLAINT,
        BounceClass.AUTOREPLY: Action.IGNORE,
        BounceClass.DELAYED: Action.SOFT,
        BounceClass.DELIVERED: Action.IGNORE,
        BounceClass.UNKNOWN: Action.UNKNOWN,
    }
)
