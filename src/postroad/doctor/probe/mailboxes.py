"""Asking a mail exchanger about mailboxes with RCPT, and leaving before there is any mail."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from postroad.address import Address
from postroad.errors import PostroadError
from postroad.reply import Reply
from postroad.smtp.states import Verb
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.settings import Smtp


async def ask_mailboxes(account: Smtp, addresses: Sequence[str]) -> Mapping[str, Reply]:
    """The reply to RCPT by address, from the null sender, as a bounce would come; empty where it comes to none.

    It raises nothing that a server or a network does.
    """
    replies: dict[str, Reply] = {}
    try:
        connection = await SmtpConnection.establish(replace(account, username=None, password=None, token=None))
    except PostroadError:
        return replies
    try:
        await _ask(connection, addresses, replies)
        await connection.quit()
    except PostroadError:
        pass
    finally:
        connection.abort()
    return replies


async def _ask(connection: SmtpConnection, addresses: Sequence[str], replies: dict[str, Reply]) -> None:
    conversation, seconds = connection.conversation, connection.settings.timeouts.command
    connection.stream.write(conversation.mail(None))
    if not (await connection.answer(seconds, Verb.MAIL)).code.positive:
        return
    for address in addresses:
        connection.stream.write(conversation.rcpt(Address(address)))
        replies[address] = await connection.answer(seconds, Verb.RCPT)
    connection.stream.write(conversation.rset())
    await connection.answer(seconds, Verb.RSET)
