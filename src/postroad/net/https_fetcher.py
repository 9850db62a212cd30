"""``lookup.Fetcher`` over the network: one GET by HTTPS, verified, as RFC 8461 §3.3 wants it for policies."""

import asyncio
import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from postroad.errors import MissingExtra
from postroad.lookup import Fetched, FetchFailed, Resolver
from postroad.net.host_name import as_address, authority
from postroad.net.tls import web_context
from postroad.routing.addresses import host_addresses

if TYPE_CHECKING:
    import httpx

HTTPS_PORT: Final = 443  # RFC 9110 §4.2.2
CONNECT_SECONDS: Final = 10.0  # for one address, as for SMTP; the caller's limit is for everything
_MAX_REASON: Final = 300  # characters of what went wrong
# What a server is told: no compression, for a limit on octets is one on what they unfold to.
_HEADERS: Final = {"user-agent": "postroad", "accept-encoding": "identity", "connection": "close"}


class HttpsFetcher:
    """Fetches documents, following no redirects and using no cookies.

    ``resolver`` says where hosts are; without one the system does, and the proxies of the environment are used (RFC
    8461 has nothing against either). ``ca`` is a PEM file of authorities in the place of the system's. ``port`` is
    where URLs without one lead to.

    Raises:
        MissingExtra: httpx is not installed.
    """

    def __init__(self, resolver: Resolver | None = None, *, ca: str | None = None, port: int = HTTPS_PORT) -> None:
        if find_spec("httpx") is None:
            raise MissingExtra(
                "fetching by HTTPS needs the httpx library, which is not installed",
                setting="http",
                advice="pip install 'postroad[http]'",
            )
        self._resolver = resolver
        self._ca = ca
        self._port = port

    async def get(self, url: str, *, limit: int, timeout: float) -> Fetched | FetchFailed:
        """See ``Fetcher``. Several addresses are tried one after the other, until one takes the connection."""
        import httpx  # late: an extra, and a tenth of a second of start-up time

        try:
            async with asyncio.timeout(timeout):
                return await self._get(url, limit)
        except TimeoutError:
            return FetchFailed(url, f"no whole answer within {timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as fault:
            return _failed(url, fault)

    async def _get(self, url: str, limit: int) -> Fetched | FetchFailed:
        import httpx  # late, as above

        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or self._port
        if parts.scheme != "https" or not host:
            return FetchFailed(url, "it is no https:// URL")
        async with self._client() as client:
            if self._resolver is None or as_address(host) is not None:
                return await _asked(client, url, _at(parts, authority(host, port)), host, limit)
            known = await host_addresses(host, self._resolver)
            failed = FetchFailed(url, known.reason)
            for address in known.addresses:
                try:
                    return await _asked(client, url, _at(parts, authority(address, port)), host, limit)
                except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                    failed = _failed(url, fault)
            return failed

    def _client(self) -> "httpx.AsyncClient":
        import httpx  # late, as above

        return httpx.AsyncClient(
            verify=web_context(self._ca),
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            trust_env=self._resolver is None,
            headers=_HEADERS,
        )


def _at(parts: SplitResult, where: str) -> str:
    return parts._replace(netloc=where, fragment="").geturl()


async def _asked(client: "httpx.AsyncClient", url: str, at: str, host: str, limit: int) -> Fetched | FetchFailed:
    """Ask for ``at``, where the host was found; name and certificate are those of the host (RFC 6066 §3)."""
    headers = {"host": urlsplit(url).netloc}
    connected = _Connected()
    extensions = {"sni_hostname": host, "trace": connected.note}
    try:
        async with client.stream("GET", at, headers=headers, extensions=extensions) as response:
            return await _read(url, response, limit)
    except BaseException:
        await connected.aclose()
        raise


async def _read(url: str, response: "httpx.Response", limit: int) -> Fetched | FetchFailed:
    if response.headers.get("content-encoding", "identity") != "identity":
        return FetchFailed(url, "the answer is compressed, which nobody asked for")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > limit:
            return FetchFailed(url, f"the answer has more than {limit} octets")
    return Fetched(url, response.status_code, response.headers.get("content-type", ""), bytes(body))


class _Connected:
    """The connection of one request. httpx forgets it, open, where it is cancelled in the handshake."""

    def __init__(self) -> None:
        self._stream: Any = None

    async def note(self, event: str, facts: Mapping[str, Any]) -> None:
        """What httpcore's extension ``trace`` calls at each step."""
        if event == "connection.connect_tcp.complete":
            self._stream = facts["return_value"]

    async def aclose(self) -> None:
        """Close it, if it is still open."""
        if self._stream is not None:
            await self._stream.aclose()


def _failed(url: str, fault: Exception) -> FetchFailed:
    untrusted = next((one for one in _causes(fault) if isinstance(one, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        return FetchFailed(url, f"the certificate is not trusted: {untrusted.verify_message}", untrusted=True)
    return FetchFailed(url, (str(fault) or type(fault).__name__)[:_MAX_REASON])


def _causes(fault: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    at: BaseException | None = fault
    while at is not None and at not in causes:
        causes.append(at)
        at = at.__cause__ or at.__context__
    return causes
