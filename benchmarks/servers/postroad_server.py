"""Our listener, with a handler that counts."""

from benchmarks.servers.served import Count
from postroad.net.smtp_handler import SmtpClient
from postroad.net.smtp_listener import SmtpListener
from postroad.reply import Reply
from postroad.secret import Secret
from postroad.smtp import standard_replies as say
from postroad.smtp.server_events import ContentComplete, MailGiven, RecipientGiven


class Counting:
    """Takes everything."""

    def __init__(self, count: Count) -> None:
        self._count = count

    async def authenticate(self, client: SmtpClient, username: str, password: Secret) -> bool:
        return False

    async def mail_from(self, client: SmtpClient, mail: MailGiven) -> Reply | None:
        return None

    async def rcpt_to(self, client: SmtpClient, given: RecipientGiven) -> Reply | None:
        return None

    async def message(self, client: SmtpClient, message: ContentComplete) -> Reply:
        self._count.add(message.content)
        return say.OK


async def start(host: str, count: Count) -> int:
    listener = await SmtpListener(Counting(count), host).start()
    return listener.address[1]
