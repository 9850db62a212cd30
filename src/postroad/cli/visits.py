"""``--connect``: mail exchangers are visited, and policies fetched, where somebody asked for that."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from postroad.doctor.probe.mailboxes import ask_mailboxes
from postroad.doctor.probe.server import Probed, probe
from postroad.net.tls import Tls
from postroad.transport.smtp.settings import Smtp, Timeouts

if TYPE_CHECKING:
    from postroad.reply import Reply

_PORT: Final = 25  # where servers take mail from each other (RFC 5321 §4.5.4.2)
_SECONDS: Final = 20.0  # that each answer may take; a greeting of RFC 5321 §4.5.3.2 may take 300, and nobody waits so


def _account(host: str) -> Smtp:
    return Smtp(host, port=_PORT, tls=Tls.OPPORTUNISTIC, timeouts=Timeouts().capped(_SECONDS))


async def visit_exchanger(host: str) -> Probed:
    """See ``Visitor``."""
    return await probe(_account(host))


async def ask_about_mailboxes(host: str, addresses: Sequence[str]) -> "Mapping[str, Reply]":
    """See ``MailboxQuestion``."""
    return await ask_mailboxes(_account(host), addresses)
