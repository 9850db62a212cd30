"""One visit to a server, step by step and as far as it lets us: nobody logs in, and nothing is sent.

The steps are those of a connection that sends mail, taken apart, so that what was seen is known where the next one
fails.
"""

import ssl
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from postroad.errors import PostroadError, ProtocolError
from postroad.net.tls import Handshake, Tls
from postroad.reply import Phase, Reply
from postroad.smtp.extensions import Extensions
from postroad.smtp.states import State, Verb
from postroad.transport.smtp import refused_opening
from postroad.transport.smtp.connection import SmtpConnection, own_name
from postroad.transport.smtp.dial import dial, handshake_for
from postroad.transport.smtp.settings import Smtp

_EVERY_CIPHER: Final = "ALL:@SECLEVEL=0"  # OpenSSL's word: also those that only old servers have


class Eye(Enum):
    """How the server is looked at."""

    STRICT = "as a client that verifies"
    FORGIVING = "with any certificate and any version, to see what is there"


@dataclass(slots=True)
class Visit:
    """What was seen. ``plain`` and ``secured`` are the extensions before and after TLS; ``version`` and ``cipher`` of
    TLS are ``""`` without it, ``chain`` holds certificates in DER. ``fault`` says why the visit went no further.
    """

    peer: str = ""
    greeting: Reply | None = None
    hello: Reply | None = None
    plain: Extensions | None = None
    secured: Extensions | None = None
    version: str = ""
    cipher: str = ""
    chain: tuple[bytes, ...] = ()
    fault: PostroadError | None = None

    @property
    def extensions(self) -> Extensions | None:
        """What the server offers in the end."""
        return self.secured or self.plain


async def visit(account: Smtp, mode: Tls, eye: Eye) -> Visit:
    """Connect, greet, say EHLO, begin TLS (by ``mode`` at once or, where it is offered, by STARTTLS), say EHLO again.

    It raises nothing that a server or a network does.

    Raises:
        ConfigurationError: a certificate or a key of the account's cannot be read; nothing was connected.
    """
    handshake = await _handshake(account, eye)
    seen = Visit()
    try:
        await _call(replace(account, tls=Tls.REQUIRED), mode, handshake, seen)
    except PostroadError as fault:
        seen.fault = fault
    return seen


async def _call(account: Smtp, mode: Tls, handshake: Handshake, seen: Visit) -> None:
    connection = SmtpConnection(account, await dial(account))
    try:
        seen.peer = connection.stream.peer
        if mode is Tls.IMPLICIT:
            await _secure(connection, handshake, seen, mode)
        await _greet(connection, seen)
        extensions = await _introduce(connection, seen)
        if mode is Tls.IMPLICIT:
            seen.secured = extensions
        else:
            seen.plain = extensions
            if extensions.starttls:
                await _upgrade(connection, handshake, seen)
        await connection.quit()
    finally:
        connection.abort()


async def _greet(connection: SmtpConnection, seen: Visit) -> None:
    where, seconds = connection.settings.where, connection.settings.timeouts.greeting
    try:
        seen.greeting = await connection.answer(seconds, Verb.GREETING)
    except ProtocolError as fault:
        raise refused_opening.no_smtp(fault, where) from fault
    if not seen.greeting.code.positive:
        raise refused_opening.at_greeting(seen.greeting, where)


async def _introduce(connection: SmtpConnection, seen: Visit) -> Extensions:
    """EHLO; a server from before extensions gets HELO (RFC 5321 §3.2)."""
    account, conversation = connection.settings, connection.conversation
    name = account.ehlo or own_name(connection.stream)
    verb = Verb.LHLO if connection.lmtp else Verb.EHLO
    connection.stream.write(conversation.lhlo(name) if connection.lmtp else conversation.ehlo(name))
    reply = await connection.answer(account.timeouts.command, verb)
    if reply.code.permanent and verb is Verb.EHLO:
        connection.stream.write(conversation.helo(name))
        reply = await connection.answer(account.timeouts.command, Verb.HELO)
    if not reply.code.positive:
        raise refused_opening.at_ehlo(reply, account.where, name, account.protocol)
    seen.hello = reply
    return conversation.extensions


async def _upgrade(connection: SmtpConnection, handshake: Handshake, seen: Visit) -> None:
    account = connection.settings
    connection.stream.write(connection.conversation.starttls())
    reply = await connection.answer(account.timeouts.command, Verb.STARTTLS)
    if connection.conversation.state is not State.SECURING:
        raise refused_opening.at_starttls(reply, account.where)
    if connection.has_input:  # RFC 3207 §4.2, CVE-2011-0411
        message = f"plain text was injected behind the STARTTLS reply of {account.where}"
        raise ProtocolError(message, phase=Phase.STARTTLS)
    await _secure(connection, handshake, seen, Tls.REQUIRED)
    connection.conversation.tls_established(connection.stream.tls_description())
    seen.secured = await _introduce(connection, seen)


async def _secure(connection: SmtpConnection, handshake: Handshake, seen: Visit, mode: Tls) -> None:
    stream = connection.stream
    await stream.start_tls(handshake, connection.settings.where, implicit=mode is Tls.IMPLICIT)
    seen.version, _, seen.cipher = stream.tls_description().partition(", ")
    seen.chain = stream.certificate_chain()


async def _handshake(account: Smtp, eye: Eye) -> Handshake:
    # Implicit TLS is verified everywhere; with STARTTLS a loopback host would be believed without.
    strict = await handshake_for(replace(account, tls=Tls.IMPLICIT))
    if eye is Eye.STRICT:
        return strict
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(_EVERY_CIPHER)
    return replace(strict, context=context, pins=())
