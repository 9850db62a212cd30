"""SASL mechanisms from the server's side (RFC 4422), without the base64 and the lines around them.

Each mechanism is a generator: it yields challenges, is sent the responses, and returns the credentials.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from postroad.secret import Secret


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who says to be whom; nobody has checked it."""

    username: str
    password: Secret


class MalformedResponse(ValueError):
    """The response is not in the mechanism's form."""


Exchange = Generator[bytes, bytes, Credentials]


def _plain() -> Exchange:
    """RFC 4616 §2: authorization identity, NUL, user name, NUL, password."""
    parts = (yield b"").split(b"\0")
    if len(parts) != 3:
        raise MalformedResponse("PLAIN has three parts")
    identity, username, password = map(_text, parts)
    if identity not in ("", username):  # acting for somebody else is not offered
        raise MalformedResponse("PLAIN for another identity")
    return _credentials(username, password)


def _login() -> Exchange:
    """draft-murchison-sasl-login: two questions."""
    username = yield b"Username:"
    password = yield b"Password:"
    return _credentials(_text(username), _text(password))


MECHANISMS: Final[dict[str, Callable[[], Exchange]]] = {"PLAIN": _plain, "LOGIN": _login}


def _credentials(username: str, password: str) -> Credentials:
    if not username or not password:
        raise MalformedResponse("an empty user name or password")
    return Credentials(username, Secret(password))


def _text(octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError as fault:
        raise MalformedResponse("not UTF-8") from fault
    if "\0" in text:
        raise MalformedResponse("a NUL character")
    return text


class ServerExchange:
    """One exchange under way."""

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self._exchange = MECHANISMS[mechanism]()
        self._challenge = next(self._exchange)

    def begin(self) -> bytes:
        """The first challenge, for a client that gave no initial response (RFC 4954 §4)."""
        return self._challenge

    def respond(self, response: bytes) -> bytes | Credentials:
        """The next challenge, or the credentials.

        Raises:
            MalformedResponse: see the mechanism.
        """
        try:
            return self._exchange.send(response)
        except StopIteration as end:
            credentials: Credentials = end.value
            return credentials
