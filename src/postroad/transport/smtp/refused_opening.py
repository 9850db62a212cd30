"""Why a server did not let a session begin, and what to do about it: errors out of what it said.

Here the server has spoken, so its own words are the advice; host name and firewall are in order.
"""

from typing import Final

from postroad.errors import ConnectError, ProtocolError, Throttled, TlsError
from postroad.reply import Phase, Reply
from postroad.transport.smtp.settings import Protocol

_UNKNOWN_COMMAND: Final = (500, 502)  # RFC 5321 §4.2.4, §4.3.2: not about the name behind the command
_READ: Final = "Read what the server says: it was reached, and takes no mail from this address or for this account now."
_SERVICES: Final = {"SSH-": "SSH", "* OK": "IMAP", "* PREAUTH": "IMAP", "+OK": "POP3", "HTTP/": "HTTP", "RFB ": "VNC"}


def at_greeting(reply: Reply, where: str) -> ConnectError | Throttled:
    """What a greeting that is no 2yz means (RFC 5321 §3.1)."""
    if reply.code.temporary:
        return Throttled(f"{where} takes no connection now: {reply}", reply=reply, phase=Phase.GREETING)
    return ConnectError(f"{where} refused us: {reply}", reply=reply, phase=Phase.GREETING, advice=_READ)


def no_smtp(fault: ProtocolError, where: str) -> ProtocolError:
    """What answers there greets as no SMTP server does."""
    said = fault.message.partition(": ")[2].lstrip("b'\"")
    service = next((name for opening, name in _SERVICES.items() if said.startswith(opening)), None)
    what = f"{where} speaks {service}, not SMTP" if service else f"{where} does not greet as an SMTP server"
    return ProtocolError(
        f"{what}: {fault.message}",
        phase=Phase.GREETING,
        transcript=fault.transcript,
        advice=f"Is {where} an SMTP port? For submission 587 and 465 are usual, between servers 25.",
    )


def at_ehlo(reply: Reply, where: str, name: str, protocol: Protocol) -> ConnectError | Throttled:
    """What a refused EHLO, HELO or LHLO means, the last of those that were said."""
    if reply.code.temporary:
        return Throttled(f"{where} serves nobody now: {reply}", reply=reply, phase=Phase.EHLO)
    message, advice = f"{where} refused our name {name}: {reply}", "Set ?ehlo= to this machine's host name."
    if reply.code in _UNKNOWN_COMMAND:
        if protocol is Protocol.LMTP:
            message, advice = f"{where} does not know LHLO: {reply}", f"This server speaks SMTP: use smtp://{where}"
        else:
            message = f"{where} knows neither EHLO nor HELO: {reply}"
            advice = f"This looks like LMTP: use lmtp://{where}"
    return ConnectError(message, reply=reply, phase=Phase.EHLO, advice=advice)


def at_starttls(reply: Reply, where: str) -> ConnectError:
    """What a refused STARTTLS means: 454 passes (RFC 3207 §4), anything else would come again."""
    message = f"{where} refused STARTTLS: {reply}"
    if reply.code.temporary:
        advice = "Read what the server says, and try again later: its TLS does not work now."
        return ConnectError(message, reply=reply, phase=Phase.STARTTLS, advice=advice)
    advice = "Read what the server says: it offers STARTTLS and does not do it, which only its operator can mend."
    return TlsError(message, reply=reply, phase=Phase.STARTTLS, advice=advice)
