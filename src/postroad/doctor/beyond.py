"""What a checkup may look at beyond the domain's records: other people's servers and lists, and what we know ourselves.

Everything here is handed in, so that a test answers for the world, and so that nothing is visited unasked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from postroad.doctor.blocklist import Blocklist
    from postroad.doctor.probe.server import Probed
    from postroad.reply import Reply
    from postroad.routing.mta_sts import Kept


class Visitor(Protocol):
    """Looks at a mail exchanger, as ``probe`` does, on port 25."""

    async def __call__(self, host: str) -> "Probed":
        """What was seen. It raises nothing that a server or a network does."""
        ...


class MailboxQuestion(Protocol):
    """Asks a mail exchanger whether it would take mail for addresses, and sends none."""

    async def __call__(self, host: str, addresses: Sequence[str]) -> "Mapping[str, Reply]":
        """The reply to RCPT by address; empty where the host does not talk to us. It raises nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What may be looked at; ``None`` is left alone.

    ``blocklists`` are asked about addresses and names, by DNS; ``None`` are the usual ones, ``()`` none at all.
    ``policy_before`` is the MTA-STS policy that was seen the last time. ``route`` is how mail goes out: the URL.
    """

    visitor: Visitor | None = None
    mailboxes: MailboxQuestion | None = None
    blocklists: "tuple[Blocklist, ...] | None" = None
    policy_before: "Kept | None" = None
    route: str | None = None


NOTHING_ELSE = Beyond()
