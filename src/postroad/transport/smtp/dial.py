"""From an account to an open stream: which place, by which way, and with which handshake."""

from dataclasses import replace

from postroad.errors import ConfigurationError, Timeout
from postroad.net.connect import connect, connect_to, connect_unix
from postroad.net.proxy import Proxy, checked_account
from postroad.net.secrets.store import SYSTEM_SECRETS
from postroad.net.stream import Stream
from postroad.net.tls import Handshake, Tls
from postroad.reply import Phase
from postroad.transport.smtp.reach import Reach
from postroad.transport.smtp.settings import Smtp


async def dial(account: Smtp) -> Stream:
    """Connect, with TLS from the first byte where the account says so.

    Raises:
        ConnectError: not reached or not trusted (``DnsError``, ``ProxyError``, ``TlsError``, ``TlsModeMismatch``).
        Timeout: no answer in time.
        ConfigurationError: a certificate, a key or a password cannot be read; nothing was connected.
    """
    tls = await _handshake_known_before(account)
    seconds = account.timeouts.connect
    proxy = await _with_password(account)
    try:
        if account.socket_path is not None:
            return await connect_unix(account.socket_path, seconds=seconds, tls=tls)
        return await connect(account.host, account.port, seconds=seconds, tls=tls, proxy=proxy, source=account.source)
    except Timeout:  # in the handshake
        raise
    except TimeoutError:
        raise _too_slow(account) from None


async def dial_to(reach: Reach, account: Smtp) -> Stream:
    """Connect to where routing has found a server.

    Raises:
        ConnectError: not reached.
        Timeout: no answer in time.
        ConfigurationError: the file of authorities cannot be read; nothing was connected.
    """
    if reach.tls.verify:
        reach.tls.context()
    seconds = account.timeouts.connect
    try:
        return await connect_to(reach.addresses, account.port, account.host, seconds=seconds, sources=reach.sources)
    except TimeoutError:
        raise _too_slow(account) from None


async def handshake_for(account: Smtp, reach: Reach | None = None) -> Handshake:
    """The handshake that the account's policy asks for, or that of ``reach``.

    Raises:
        ConfigurationError: a certificate or a key cannot be read.
    """
    policy, timeouts, password = account.tls_settings, account.timeouts, account.key_password
    if reach is not None:
        policy = reach.tls
    if password is not None:
        password = await SYSTEM_SECRETS.fetch(password, timeouts.secret)
    return Handshake(policy.context(password), policy.server_name or account.host, timeouts.tls, policy.pins)


async def _handshake_known_before(account: Smtp) -> Handshake | None:
    """For implicit TLS; and made before any connection wherever a file may be wrong."""
    policy = account.tls_settings
    if not policy.verify and policy.client_cert is None and policy.mode is not Tls.IMPLICIT:
        return None
    handshake = await handshake_for(account)
    return handshake if policy.mode is Tls.IMPLICIT else None


async def _with_password(account: Smtp) -> Proxy | None:
    """The proxy, with its password in place of a reference to it."""
    proxy = account.way
    if proxy is None or proxy.secret is None or proxy.secret.reference is None:
        return proxy
    found = await SYSTEM_SECRETS.fetch(proxy.secret, account.timeouts.secret)
    try:
        return checked_account(replace(proxy, password=found))
    except ConfigurationError as fault:
        reference = proxy.secret.reference
        raise ConfigurationError(f"{reference}: {fault.message}", setting=reference.text) from None


def _too_slow(account: Smtp) -> Timeout:
    seconds = account.timeouts.connect
    advice = "Check host and port; many networks block port 25 and some 465 and 587."
    through = ""
    if account.way is not None:
        through, advice = f" through {account.way}", "Check that the proxy works, and that it reaches the host."
    message = f"{account.where} did not take the connection{through} within {seconds:g} s"
    return Timeout(message, phase=Phase.CONNECT, advice=advice)
