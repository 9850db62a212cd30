"""How a connection logs in: its secret is found before it is opened, used once, and found anew at most once.

A password that was changed where it is kept, or a token that was withdrawn, is a refusal; then it is looked up again,
and if it is another one, tried on a new connection by the same mechanism. One that is still the same is not: accounts
are locked for guessing.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from postroad.errors import AuthenticationError, ConfigurationError, PostroadError, ProtocolError, TlsError, Unsupported
from postroad.net.access_token import AccessTokens
from postroad.net.secrets.store import SYSTEM_SECRETS
from postroad.reply import Phase, Reply
from postroad.secret import Secret
from postroad.smtp import sasl
from postroad.smtp.client import decode_challenge
from postroad.smtp.sasl_mechanism import ClientMechanism
from postroad.smtp.states import Verb
from postroad.transport.smtp.settings import Smtp

if TYPE_CHECKING:
    from postroad.transport.smtp.connection import SmtpConnection

MAX_CHALLENGES: Final = 3  # LOGIN and SCRAM need two; whoever asks on and on only collects passwords


class LogIn:
    """For one connection, and for the one after it if the first was refused."""

    def __init__(self, account: Smtp) -> None:
        self._account = account
        self._allowed = account.allowed_mechanisms
        self._secret = Secret("")  # until ``prepare``

    async def prepare(self) -> None:
        """Find the password or the token.

        Raises:
            ConfigurationError: it cannot be found, or cannot be sent (``SecretUnavailable``: not now).
        """
        if self._account.username is not None:
            self._secret = await self._found()

    async def _found(self) -> Secret:
        account, seconds = self._account, self._account.timeouts.secret
        if isinstance(account.token, AccessTokens):
            return account.checked(await account.token.get(seconds))
        assert account.secret is not None
        reference = account.secret.reference
        if reference is None:
            return account.secret
        found = await SYSTEM_SECRETS.fetch(account.secret, seconds)
        try:
            return account.checked(found)
        except ConfigurationError as fault:
            raise ConfigurationError(f"{reference}: {fault.message}", setting=reference.text) from None

    async def renewed(self, refusal: AuthenticationError) -> bool:
        """Whether, after the server has refused the secret, another one is found."""
        if refusal.code is None or not refusal.code.permanent:  # not the secret was refused
            return False
        account, refused = self._account, self._secret
        if isinstance(account.token, AccessTokens):
            account.token.forget(refused)
        elif account.secret is not None:
            SYSTEM_SECRETS.forget(account.secret, refused)
        with contextlib.suppress(PostroadError):  # the refusal tells more
            self._secret = await self._found()
        return self._secret != refused

    async def over(self, connection: "SmtpConnection") -> None:
        """Log in, if there is an account.

        Raises:
            AuthenticationError: refused, or the server has not proved who it is.
            TlsError: there is no TLS.
            Unsupported: no common mechanism.
            ProtocolError: the server's side of the exchange is wrong.
        """
        if self._account.username is None:
            return
        # A name such as x.localhost is on this machine only if the resolver says so, too.
        local = self._account.loopback and connection.stream.to_loopback
        if not connection.stream.tls and not local:
            message = f"{self._account.where} offers no TLS; credentials are not sent in plain text"
            raise TlsError(message, phase=Phase.AUTH)
        mechanism = self._chosen(connection)
        reply = await self._exchange(connection, mechanism)
        if not reply.code.positive:
            raise self._refusal(mechanism, reply)
        mechanism.accepted()
        connection.mechanism = mechanism.name

    def _chosen(self, connection: "SmtpConnection") -> ClientMechanism:
        assert self._account.username is not None
        offered = connection.conversation.extensions.auth_mechanisms
        mechanism = sasl.choose(offered, self._account.username, self._secret, self._allowed)
        if mechanism is None:
            said = f"only {', '.join(sorted(offered))}" if offered else "no authentication"
            raise Unsupported(
                f"{self._account.where} offers {said}; this account logs in by {', '.join(self._allowed)}",
                phase=Phase.AUTH,
                advice="Check the port (587 or 465 for submission); ?auth= names other mechanisms; "
                "or leave user name and password out.",
            )
        self._allowed = (mechanism.name,)
        return mechanism

    async def _exchange(self, connection: "SmtpConnection", mechanism: ClientMechanism) -> Reply:
        """The last reply to an AUTH command (RFC 4954 §4)."""
        conversation, seconds = connection.conversation, self._account.timeouts.command
        connection.stream.write(conversation.auth(mechanism.name, mechanism.initial_response()))
        reply = await connection.answer(seconds, Verb.AUTH)
        challenges = 0
        while reply.code.intermediate:
            challenges += 1
            if challenges > MAX_CHALLENGES:
                raise ProtocolError(f"{self._account.where} does not end the AUTH exchange", phase=Phase.AUTH)
            response = await _response(mechanism, decode_challenge(reply))
            connection.stream.write(conversation.auth_response(response))
            reply = await connection.answer(seconds, Verb.AUTH_RESPONSE)
        return reply

    def _refusal(self, mechanism: ClientMechanism, reply: Reply) -> AuthenticationError:
        by_token = mechanism.name in sasl.WITH_TOKEN
        what = "token" if by_token else "credentials"
        verb = "could not check" if reply.code.temporary else "refused"  # RFC 4954 §6
        message = f"{self._account.where} {verb} the {what} of {self._account.username!r} ({mechanism.name}): {reply}"
        if mechanism.complaint:
            message += f" (before that: {mechanism.complaint})"
        known = self._account.known
        advice = known.advice if known is not None else None
        if by_token:
            advice = "Check that the token is for this account and for sending by SMTP."
        if reply.code.temporary:
            advice = "Try again later: user name and password need not be wrong. If it persists, ask the operator."
        return AuthenticationError(message, reply=reply, phase=Phase.AUTH, advice=advice)


async def _response(mechanism: ClientMechanism, challenge: bytes) -> bytes:
    if mechanism.costly and challenge:
        return await asyncio.to_thread(mechanism.respond, challenge)
    return mechanism.respond(challenge)
