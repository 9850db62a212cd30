"""A handler that takes everything and remembers it."""

import asyncio
from dataclasses import dataclass, field

from postroad.net.smtp_handler import SmtpClient
from postroad.reply import Reply
from postroad.secret import Secret
from postroad.smtp.replies import from_text
from postroad.smtp.server_events import ContentComplete, MailGiven, RecipientGiven


@dataclass(slots=True)
class RecordingHandler:
    """Bob's password is ``secret``. ``reject@`` is refused, ``broken@`` raises; a message waits for ``hold``."""

    hold: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[tuple[SmtpClient, ContentComplete]] = field(default_factory=list)
    answer: str = "250 2.0.0 Taken"

    async def authenticate(self, client: SmtpClient, username: str, password: Secret) -> bool | Reply:
        if username == "later":
            return from_text("454 4.7.0 Ask me later")
        return username == "bob" and password.reveal() == "secret"

    async def mail_from(self, client: SmtpClient, mail: MailGiven) -> Reply | None:
        if mail.sender is not None and mail.sender.local == "reject":
            return from_text("550 5.7.1 Not from you")
        return None

    async def rcpt_to(self, client: SmtpClient, given: RecipientGiven) -> Reply | None:
        if given.recipient.local == "broken":
            raise LookupError("the database is gone")
        return from_text("550 5.1.1 No such mailbox") if given.recipient.local == "reject" else None

    async def message(self, client: SmtpClient, message: ContentComplete) -> Reply:
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        self.messages.append((client, message))
        return from_text(self.answer)
