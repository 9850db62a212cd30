"""New names for messages."""

from postroad.address import Address
from postroad.chance import random_bytes
from postroad.message.message_id import make


def new_message_id(sender: Address | None) -> str:
    """A Message-ID that nobody has used, in the sender's domain (RFC 5322 §3.6.4)."""
    domain = "localhost" if sender is None else sender.domain.strip("[]").replace(":", ".")
    return make(domain, random_bytes(16).hex())
