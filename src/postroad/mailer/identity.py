"""New names for messages: the one place of the mailer that asks the operating system for randomness."""

import os

from postroad.address import Address
from postroad.message.message_id import make


def new_message_id(sender: Address | None) -> str:
    """A Message-ID that nobody has used, in the sender's domain (RFC 5322 §3.6.4)."""
    domain = "localhost" if sender is None else sender.domain.strip("[]").replace(":", ".")
    return make(domain, os.urandom(16).hex())
