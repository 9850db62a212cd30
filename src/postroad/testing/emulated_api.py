"""An email API on a loopback port, for tests of programs that send through one.

::

    with EmulatedApi("postmark") as api:
        with Mailer(api.route) as mailer:
            mailer.send(email)
        assert api.received[0].envelope.recipients == ("ann@example.com",)

    api.refuse("old@example.com")  # a recipient it will not send to
    api.answer_next(429, retry_after=7)  # the next request is too fast

The provider's own client library works with ``api.url`` as its base URL and ``api.key`` as its key.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from postroad.clock import SYSTEM_CLOCK, Clock, as_datetime
from postroad.errors import ConfigurationError
from postroad.message.envelope import MailObject
from postroad.providers.contract import HttpReply, HttpRequest
from postroad.providers.registry import PROVIDERS, emulator_class

LOOPBACK: Final = "127.0.0.1"
MAX_BODY: Final = 60_000_000  # octets; Postmark takes 50 MB
POLL: Final = 0.02  # seconds until a server that is to end notices it


class EmulatedApi:
    """A provider by its name (``postmark``, ``ses``, …), as strict as its documentation. ``received`` is what it took.

    Raises:
        ConfigurationError: there is no such provider.
    """

    def __init__(self, provider: str, *, clock: Clock = SYSTEM_CLOCK) -> None:
        if provider not in PROVIDERS:
            known = ", ".join(PROVIDERS)
            raise ConfigurationError(f"{provider!a:.40} is no email API; there are {known}", setting="provider")
        self.provider: Final = provider
        self.key: Final = "test-key"
        self.emulator: Final = emulator_class(provider)(self.key)
        self._clock = clock
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def received(self) -> tuple[MailObject, ...]:
        """The messages that were taken, in order."""
        with self._lock:
            return tuple(self.emulator.received)

    @property
    def url(self) -> str:
        """The base URL, once started."""
        assert self._server is not None, "an EmulatedApi is started by `with`"
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @property
    def route(self) -> str:
        """The route for a mailer, with the key in it."""
        account, options = {
            "mailgun": (f"{self.key}@a.example", ""),
            "ses": (f"AKIDEXAMPLE:{self.key}@", "region=eu-west-1&"),
        }.get(self.provider, (f"{self.key}@", ""))
        return f"{self.provider}://{account}?{options}endpoint={self.url}"

    def refuse(self, *recipients: str) -> None:
        """Send to none of these addresses from now on."""
        with self._lock:
            self.emulator.refuses.update(recipients)

    def answer_next(self, status: int, body: bytes = b"", *, retry_after: float | None = None, times: int = 1) -> None:
        """Answer the next requests so, whatever they ask."""
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        with self._lock:
            self.emulator.troubles.extend([HttpReply(status, body, headers)] * times)

    def answer(self, request: HttpRequest) -> HttpReply:
        """What the provider answers."""
        with self._lock:
            return self.emulator.answer(request, as_datetime(self._clock.now()))

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,), name="postroad-emulated-api")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection for longer

    def __init__(self, api: EmulatedApi) -> None:
        self.api = api
        super().__init__((LOOPBACK, 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is none of our concern."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self._say(HttpReply(413))
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._say(self.server.api.answer(HttpRequest(self.command, self.path, headers, self.rfile.read(int(length)))))

    do_GET = do_POST  # noqa: N815 - the name is the base class's

    def _say(self, reply: HttpReply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name is the base class's
        """Tests look at ``received``."""
