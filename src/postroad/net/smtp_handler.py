"""What decides about the mail that a listener is given."""

from dataclasses import dataclass
from typing import Protocol

from postroad.reply import Reply
from postroad.secret import Secret
from postroad.smtp.scram_server import StoredKey
from postroad.smtp.server_events import ContentComplete, MailGiven, RecipientGiven


@dataclass(frozen=True, slots=True)
class SmtpClient:
    """Who is at the other end, as far as is known at that moment.

    ``peer`` is its address as ``host:port``; ``hello`` what it calls itself; ``user`` as whom it has authenticated;
    ``tls`` the version and cipher, ``None`` in plain text.
    """

    peer: str
    hello: str = ""
    user: str | None = None
    tls: str | None = None


class SmtpHandler(Protocol):
    """Answers a listener's questions, for many sessions at once.

    A reply without an enhanced status code gets x.0.0. An exception is logged and answered with 451, so that the client
    tries again later. A 421 ends the session.
    """

    async def authenticate(self, client: SmtpClient, username: str, password: Secret) -> bool | Reply:
        """Whether the credentials are right; or a reply, such as a 454 when nobody knows now (RFC 4954 §6)."""

    async def mail_from(self, client: SmtpClient, mail: MailGiven) -> Reply | None:
        """A refusal, or ``None`` to accept."""

    async def rcpt_to(self, client: SmtpClient, given: RecipientGiven) -> Reply | None:
        """A refusal, or ``None`` to accept."""

    async def message(self, client: SmtpClient, message: ContentComplete) -> Reply:
        """Take the message. A 2yz says that it is safe now: the client forgets it on hearing that.

        The client's next MAIL and RCPT may be asked about meanwhile.
        """


class KeyStore(Protocol):
    """Knows what is kept of passwords, for SCRAM-SHA-256: the password itself is never shown to us."""

    async def stored_key(self, client: SmtpClient, username: str) -> StoredKey | Reply | None:
        """The user's key; ``None`` for an unknown user, who is challenged all the same, and fails.

        A reply, such as a 454, says that nobody knows now (RFC 4954 §6).
        """
