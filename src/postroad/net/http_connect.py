"""HTTP CONNECT, the client's side, without a socket: bytes in, bytes out.

Sources: RFC 9110 §9.3.6 (CONNECT), RFC 9112 (the form of messages), RFC 7617 (Basic).
"""

import re
from base64 import b64encode
from typing import Final

from postroad.errors import ConnectError, ProxyError, ProxyRefused
from postroad.net.host_name import ascii_host, authority, checked_host
from postroad.net.proxy import Proxy
from postroad.reply import Phase
from postroad.terminal_text import one_line

ANSWER_LIMIT: Final = 64 * 1024  # octets of status line and fields, interim answers included; real ones have hundreds
_STARTS: Final = b"HTTP/1."
_END: Final = re.compile(rb"\r?\n\r?\n")  # RFC 9112 §2.2: a lone LF may end a line, too
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([^\r\n]*))?\r?\n")
_SCHEMES: Final = re.compile(rb"^proxy-authenticate:[ \t]*([!-~]+)", re.IGNORECASE | re.MULTILINE)
_PASSING: Final = frozenset({408, 429})  # of the 4xx those that speak of now, not of us
_NO_CONNECT: Final = frozenset({501, 505})  # of the 5xx those that speak of the proxy, not of the host


class HttpConnect:
    """One request: send what ``opening`` returns, and give ``receive`` what arrives, until ``done``. Then the
    connection is the host's, and ``rest`` holds what it has said already.
    """

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        """Raises:
        ConfigurationError: no host name.
        UnicodeError: not to be encoded for DNS.
        """
        self.done = False
        self.rest = b""
        self._proxy = proxy
        self._target = authority(ascii_host(checked_host(host)), port)
        self._buffer = bytearray()
        self._received = 0

    def opening(self) -> bytes:
        """The request. The account goes with it at once, so that one round trip is enough."""
        lines = [f"CONNECT {self._target} HTTP/1.1", f"Host: {self._target}"]
        if self._proxy.username is not None:
            password = self._proxy.secret.reveal() if self._proxy.secret is not None else ""
            account = b64encode(f"{self._proxy.username}:{password}".encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {account}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def receive(self, data: bytes) -> bytes:
        """Take what has arrived, in whatever pieces. There is never anything more to send.

        Raises:
            ProxyError: what answers does not speak HTTP, or on and on.
            ProxyRefused: it does not let us through.
            ConnectError: it does not reach the host.
        """
        searched = max(0, len(self._buffer) - 3)
        self._buffer += data
        while not self.done:
            if not self._buffer.startswith(_STARTS[: len(self._buffer)]):
                raise ProxyError(f"{self._proxy} does not speak HTTP", phase=Phase.CONNECT)
            end = _END.search(self._buffer, searched)
            self._bound(end.end() if end else len(self._buffer))
            if end is None:
                break
            head, searched = bytes(self._buffer[: end.end()]), 0
            del self._buffer[: end.end()]
            self._received += len(head)
            self._answered(head)
        return b""

    def _bound(self, octets: int) -> None:
        if self._received + octets > ANSWER_LIMIT:
            message = f"{self._proxy} answers more than {ANSWER_LIMIT} octets to CONNECT"
            raise ProxyError(message, phase=Phase.CONNECT)

    def _answered(self, head: bytes) -> None:
        status = _STATUS_LINE.match(head)
        if status is None:
            raise ProxyError(f"{self._proxy} does not answer CONNECT in HTTP/1.1", phase=Phase.CONNECT)
        code = int(status[1])
        if 200 <= code <= 299:  # RFC 9110 §9.3.6: any of them; what stands behind the fields is the host's
            self.rest = bytes(self._buffer)
            self._buffer.clear()
            self.done = True
        elif not 100 <= code <= 199 or code == 101:  # RFC 9110 §15.2: interim answers are passed over
            raise self._refusal(code, f"{code} {_shown(status[2] or b'')}".rstrip(), head)

    def _refusal(self, code: int, said: str, head: bytes) -> ConnectError:
        if code == 407:
            return self._not_logged_in(said, head)
        message = f"{self._proxy} does not connect us to {self._target}: {said}"
        if code in _NO_CONNECT or (400 <= code <= 499 and code not in _PASSING):
            advice = "Many proxies allow CONNECT to port 443 alone; its operator must allow this host and port."
            return ProxyRefused(message, phase=Phase.CONNECT, advice=advice)
        kind = ConnectError if code >= 400 else ProxyError
        return kind(message, phase=Phase.CONNECT)

    def _not_logged_in(self, said: str, head: bytes) -> ProxyRefused:
        schemes = [_shown(scheme) for scheme in _SCHEMES.findall(head)]
        if self._proxy.username is None:
            message = f"{self._proxy} wants a user name and a password: {said}"
        elif schemes and "basic" not in (scheme.lower() for scheme in schemes):
            message = f"{self._proxy} wants to be logged in to by {', '.join(schemes)}; postroad speaks Basic: {said}"
        else:
            message = f"{self._proxy} refused user name and password: {said}"
        return ProxyRefused(message, phase=Phase.CONNECT)


def _shown(octets: bytes) -> str:
    return one_line(octets.decode("latin-1"))[:100]
