"""Catching mail: a server that takes everything, delivers nothing, and refuses only where it is told to."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from postroad.address import Address
from postroad.net.smtp_handler import SmtpClient
from postroad.reply import Reply
from postroad.secret import Secret
from postroad.smtp.replies import from_text
from postroad.smtp.server_events import ContentComplete, MailGiven, RecipientGiven
from postroad.smtp.server_settings import AuthOffer, ServerLimits, ServerSettings

TAKEN: Final = from_text("250 2.0.0 Caught")
NO_SUCH_MAILBOX: Final = from_text("550 5.1.1 No such mailbox here")
GREYLISTED: Final = from_text("451 4.7.1 Greylisted, try again later")

# A line that is too long for strict servers is still worth a look; 100 MiB is more than any of them takes.
CATCH_ALL: Final = ServerSettings(
    auth=AuthOffer.OVER_TLS_OR_LOOPBACK,
    limits=ServerLimits(text_line_octets=None, message_octets=100 * 1024 * 1024, recipients=10_000),
)


@dataclass(frozen=True, slots=True)
class Caught:
    """A message as it arrived. ``mail_from`` is ``None`` for the null sender; ``content`` has CRLF line ends."""

    client: SmtpClient
    mail_from: Address | None
    recipients: tuple[Address, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """What a recipient is always answered."""

    reply: Reply = NO_SUCH_MAILBOX


@dataclass(frozen=True, slots=True)
class Greylist:
    """A recipient that is answered with ``reply`` the first ``times`` times, and taken from then on."""

    times: int = 1
    reply: Reply = GREYLISTED


Rule = Refuse | Greylist


class Catcher:
    """A handler that hands every message to ``keep``; what ``keep`` raises is a 451 to the client.

    ``credentials`` (user → password) are the only ones accepted; without them any are, since an application under test
    may insist on logging in. ``rules`` hold for their recipients, whatever the case of the letters.
    """

    def __init__(
        self,
        keep: Callable[[Caught], None],
        *,
        credentials: Mapping[str, str] | None = None,
        rules: Mapping[str, Rule] = MappingProxyType({}),
    ) -> None:
        self._keep = keep
        self._credentials = None if credentials is None else dict(credentials)
        self._rules = {Address.parse(address).key: rule for address, rule in rules.items()}
        self._asked: dict[str, int] = {}

    async def authenticate(self, client: SmtpClient, username: str, password: Secret) -> bool:
        if self._credentials is None:
            return True
        known = self._credentials.get(username)
        return known is not None and hmac.compare_digest(known.encode(), password.reveal().encode())

    async def mail_from(self, client: SmtpClient, mail: MailGiven) -> Reply | None:
        return None

    async def rcpt_to(self, client: SmtpClient, given: RecipientGiven) -> Reply | None:
        match self._rules.get(given.recipient.key):
            case Refuse(reply):
                return reply
            case Greylist(times, reply):
                asked = self._asked.get(given.recipient.key, 0)
                self._asked[given.recipient.key] = asked + 1
                return reply if asked < times else None
            case _:
                return None

    async def message(self, client: SmtpClient, message: ContentComplete) -> Reply:
        self._keep(Caught(client, message.mail.sender, message.recipients, message.content))
        return TAKEN
