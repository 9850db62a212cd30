"""The server side of Dovecot's authentication protocol (version 1), as much of it as Postfix asks for.

Postfix verifies no password itself: it asks a SASL daemon. This one knows a fixed table of users, so that no
daemon and no database of the operating system is needed. The protocol is lines of fields divided by tabs:
https://doc.dovecot.org/main/developers/design/auth_protocol.html
"""

import base64
import os
import socketserver
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.stoppable import Stoppable

PROMPTS = {"PLAIN": (b"",), "LOGIN": (b"Username:", b"Password:")}  # what each mechanism asks, in order


class DovecotAuth(Stoppable):
    """A listening authentication server that offers PLAIN and LOGIN."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._server = _Server(users)
        self.endpoint = Endpoint(LOOPBACK, self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True  # a connection lasts as long as the smtpd process that opened it
    block_on_close = False

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = users
        super().__init__((LOOPBACK, 0), _Connection)


@dataclass(slots=True)
class _Request:
    """One AUTH exchange: the client's responses so far, in Base64."""

    number: str
    mechanism: str
    responses: list[str] = field(default_factory=list)

    @property
    def next_prompt(self) -> bytes | None:
        prompts = PROMPTS[self.mechanism]
        return prompts[len(self.responses)] if len(self.responses) < len(prompts) else None

    @property
    def credentials(self) -> tuple[str, str | None]:
        """User and password; no password where the responses make no sense."""
        try:
            texts = [base64.b64decode(response).decode() for response in self.responses]
        except ValueError:
            return "", None
        # RFC 4616 §2: authorisation identity, authentication identity, password.
        _, user, password = texts[0].split("\0") if self.mechanism == "PLAIN" else ("", *texts)
        return user, password


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        mechanisms = [f"MECH\t{name}\tplaintext" for name in PROMPTS]
        # MECH before SPID: the other order is how Dovecot's master socket speaks.
        self._write("VERSION\t1\t1", *mechanisms, f"SPID\t{os.getpid()}", "DONE")
        request = _Request("", "PLAIN")
        for line in self.rfile:
            match line.decode().rstrip("\n").split("\t"):
                case ["AUTH", number, mechanism, *parameters]:
                    # A client that gave up says nothing: its next request simply replaces this one.
                    responses = [text.removeprefix("resp=") for text in parameters if text.startswith("resp=")]
                    request = _Request(number, mechanism, responses)
                    self._proceed(request)
                case ["CONT", _, response]:
                    request.responses.append(response)
                    self._proceed(request)

    def _write(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\n" for line in lines).encode())

    def _proceed(self, request: _Request) -> None:
        if (prompt := request.next_prompt) is not None:
            self._write(f"CONT\t{request.number}\t{base64.b64encode(prompt).decode()}")
            return
        user, password = request.credentials
        verdict = "OK" if password is not None and self.server.users.get(user) == password else "FAIL"
        self._write(f"{verdict}\t{request.number}\tuser={user}")
