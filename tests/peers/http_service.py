"""A small HTTP service on loopback, in threads of the test process: the ground under imitated APIs."""

import json
import ssl
import threading
from abc import abstractmethod
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.stoppable import Stoppable


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What it is told: ``content`` as JSON, or octets as they are."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)

    def octets(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


class HttpService(Stoppable):
    """Answers requests by ``respond``. ``requests`` remembers them.

    ``hold()`` keeps answers back until ``release()``; ``reached`` is set once a request waits. ``tls`` makes it HTTPS.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.reached = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self._server = _Server(self)
        if tls is not None:  # each handshake in the thread of its connection, so that no client can hold up the others
            listening = self._server.socket
            self._server.socket = tls.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
        self.endpoint = Endpoint(LOOPBACK, self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{self.endpoint}"

    @abstractmethod
    def respond(self, request: Request) -> Response: ...

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    @property
    def connections(self) -> int:
        """How many were opened."""
        return self._server.opened

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        self.reached.set()
        self._open.wait()
        return self.respond(request)

    def stop(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that was given up may keep its connection

    def __init__(self, service: HttpService) -> None:
        self.service = service
        self.opened = 0
        super().__init__((LOOPBACK, 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.opened += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is none of our concern."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # connections are kept, as real services keep them
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.server.service.answer(Request(self.command, self.path, headers, body))
        octets = response.octets()
        self.send_response(response.status)
        for name, value in {"Content-Type": "application/json", **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Tests look at ``requests``."""
