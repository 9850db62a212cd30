"""One request and its answer over HTTP, and what is certain where there is none: did the request go out, or not?"""

import asyncio
import socket
import ssl
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from postroad.errors import (
    ConfigurationError,
    ConnectError,
    DnsError,
    MissingExtra,
    OutcomeUnknown,
    PoolTimeout,
    PostroadError,
    ProtocolError,
    ProxyError,
    Timeout,
    TlsError,
)
from postroad.net.tls import web_context
from postroad.providers.contract import HttpReply, HttpRequest, Provider
from postroad.reply import Phase
from postroad.transport.smtp.place import is_loopback

if TYPE_CHECKING:
    import httpx

CONNECT: Final = 10.0  # seconds, as for SMTP
IDLE: Final = 15.0  # seconds that a connection is kept; load balancers close theirs after a minute or more
MAX_ANSWER: Final = 4_000_000  # octets; 500 answers of a batch have some hundred octets each
GRACE: Final = 5.0  # seconds beyond ``timeout`` for an answer that has begun


class Wire(Protocol):
    """What carries requests to a provider. Belongs to one event loop."""

    async def exchange(self, request: HttpRequest) -> HttpReply:
        """Send the request, once.

        Raises:
            OutcomeUnknown: it may have gone out, and there is no answer.
            PostroadError: it did not go out.
        """

    async def aclose(self) -> None:
        """Close the connections."""


def require_httpx() -> None:
    """Say early that the extra is missing.

    Raises:
        MissingExtra: httpx is not installed.
    """
    if find_spec("httpx") is None:
        raise MissingExtra(
            "email APIs need the httpx library, which is not installed",
            setting="http",
            advice="pip install 'postroad[http]'",
        )


def checked_endpoint(provider: Provider) -> str:
    """The base URL of the provider.

    Raises:
        ConfigurationError: it is none, or would show the key to the network.
    """
    endpoint = (provider.endpoint or provider.home).rstrip("/")
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        raise ConfigurationError("endpoint cannot be read as a URL", setting="endpoint") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ConfigurationError(
            "endpoint is no base URL such as https://api.example.com", setting="endpoint",
            advice="Give scheme, host and port, perhaps a path; the key goes apart.",
        )  # fmt: skip
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            "endpoint: over http:// the key would go in plain text", setting="endpoint",
            advice="Use https://; plain HTTP is for a loopback host.",
        )  # fmt: skip
    return endpoint


class HttpxWire:
    """Connections to one provider, kept and used again."""

    def __init__(self, provider: Provider) -> None:
        import httpx  # late: an extra, and a tenth of a second of start-up time

        self._title = provider.title
        self._endpoint = checked_endpoint(provider)
        self._timeout = provider.timeout
        host = urlsplit(self._endpoint).hostname or ""
        self._client = httpx.AsyncClient(
            verify=web_context(provider.ca),
            timeout=httpx.Timeout(provider.timeout, connect=CONNECT),
            limits=httpx.Limits(max_connections=provider.connections, keepalive_expiry=IDLE),
            trust_env=not is_loopback(host),  # the proxies of the environment are not for this machine
            headers={"user-agent": "postroad"},
        )

    async def exchange(self, request: HttpRequest) -> HttpReply:
        """See ``Wire.exchange``."""
        import httpx  # late: see above

        try:
            async with asyncio.timeout(CONNECT + self._timeout + GRACE):
                return await self._exchange(request)
        except TimeoutError as fault:
            raise self._unknown("no answer in time") from fault
        except httpx.RequestError as fault:
            raise self._fault(fault) from fault
        except httpx.InvalidURL as fault:
            raise ConfigurationError(f"endpoint: {fault}", setting="endpoint") from fault

    async def _exchange(self, request: HttpRequest) -> HttpReply:
        url = f"{self._endpoint}{request.path}"
        headers = dict(request.headers)
        async with self._client.stream(request.method, url, headers=headers, content=request.body) as response:
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_ANSWER:
                    raise self._unknown(f"an answer of more than {MAX_ANSWER} octets")
        named = {name.lower(): value for name, value in response.headers.items()}
        return HttpReply(response.status_code, body, named)

    def _unknown(self, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(f"{self._title}: {why}; the request may have been taken", phase=Phase.DOT)

    def _fault(self, fault: "httpx.RequestError") -> PostroadError:
        import httpx  # late: see above

        sentence = f"{self._title}: {str(fault) or type(fault).__name__}"
        match fault:
            case httpx.PoolTimeout():
                return PoolTimeout(f"{self._title}: no connection became free", phase=Phase.POOL)
            case httpx.ConnectTimeout():
                return Timeout(f"{self._title}: not reached within {CONNECT:.0f} s", phase=Phase.CONNECT)
            case httpx.ProxyError():
                return ProxyError(sentence, phase=Phase.CONNECT)
            case httpx.ConnectError():
                return _not_reached(fault, sentence)
            case httpx.UnsupportedProtocol() | httpx.TooManyRedirects():
                return ConfigurationError(f"endpoint: {sentence}", setting="endpoint")
            case httpx.LocalProtocolError():
                return ProtocolError(sentence, phase=Phase.CONNECT)
            case _:  # writing had begun: whatever was lost, it may have been the answer
                return self._unknown(str(fault) or type(fault).__name__)

    async def aclose(self) -> None:
        """See ``Wire.aclose``."""
        await self._client.aclose()


def _not_reached(fault: BaseException, sentence: str) -> ConnectError:
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return TlsError(sentence, phase=Phase.TLS)
        if isinstance(cause, socket.gaierror):
            return DnsError(sentence, phase=Phase.DNS)
        cause = cause.__cause__ or cause.__context__
    return ConnectError(sentence, phase=Phase.CONNECT)
