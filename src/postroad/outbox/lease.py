"""What a worker holds: deliveries that are leased to it, and the parcels they travel in."""

import json
from typing import Final, NamedTuple

from postroad.address import Address
from postroad.message.envelope import Body, Envelope, MailObject, looked_through
from postroad.message.metadata import Metadata
from postroad.outbox.dsn_column import read_dsn
from postroad.outbox.lanes import Lane
from postroad.outbox.uuid7 import time_of_uuid7

_NO_METADATA: Final = Metadata()


class Lease(NamedTuple):
    """A delivery in a worker's hands. ``owner`` and ``epoch`` are the fence; times are seconds since the epoch.

    ``due_at`` and ``attempts`` are as they were before the claim, so that an untried lease can go back unchanged.
    """

    id: int
    recipient: str
    owner: str
    epoch: int
    due_at: float
    first_due_at: float
    expires_at: float | None
    attempts: int
    stream: str

    @property
    def attempt(self) -> int:
        """The number of the try that this lease is for, from 1."""
        return self.attempts + 1


class Parcel(NamedTuple):
    """The recipients of one message that are tried in one transaction, and what its envelope needs.

    The fields from ``message_id`` to ``metadata`` stand as they do in the tables; ``tags`` and ``metadata`` are JSON.
    """

    message_id: str
    content_id: str
    mail_from: str | None
    header_id: str | None
    size: int
    body: str
    smtputf8: bool
    dsn: str | None
    require_tls: bool
    tags: str
    metadata: str
    leases: tuple[Lease, ...]
    lane: Lane = Lane("", 0, "")  # by which it was found: the first recipient's

    def mail(self, content: bytes) -> MailObject:
        """The mail object of this parcel."""
        sender = None if self.mail_from is None else Address(self.mail_from)
        recipients = tuple([Address(lease.recipient) for lease in self.leases])
        envelope = Envelope(sender, recipients, read_dsn(self.dsn), bool(self.require_tls))
        body, smtputf8 = Body(self.body), bool(self.smtputf8)
        accepted_at = time_of_uuid7(self.message_id)
        tags = () if self.tags == "[]" else tuple(json.loads(self.tags))
        metadata = _NO_METADATA if self.metadata == "{}" else Metadata(json.loads(self.metadata))
        # Looked through: nothing is queued that was not. No send_at: the outbox has held it until then.
        return MailObject(
            envelope, looked_through(content), self.header_id, body, smtputf8, tags, metadata, accepted_at
        )
