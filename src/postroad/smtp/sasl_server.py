"""SASL mechanisms from the server's side (RFC 4422), without the base64 and the lines around them.

Each mechanism is a generator: it yields challenges, or the question for a key; it is sent the responses, or the key;
and it returns credentials for somebody to check, or who has proved himself.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from postroad.secret import Secret
from postroad.smtp import scram_server
from postroad.smtp.scram_server import KeyWanted, MalformedResponse, Proved, StoredKey

WITH_PASSWORD: Final = ("PLAIN", "LOGIN")  # these show it
WITH_KEY: Final = scram_server.NAME  # this one does not


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who says to be whom; nobody has checked it."""

    username: str
    password: Secret


Exchange = Generator[bytes | KeyWanted, bytes | StoredKey | None, Credentials | Proved]


def _plain() -> Exchange:
    """RFC 4616 §2: authorization identity, NUL, user name, NUL, password."""
    parts = _octets((yield b"")).split(b"\0")
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


def _credentials(username: str, password: str) -> Credentials:
    if not username or not password:
        raise MalformedResponse("an empty user name or password")
    return Credentials(username, Secret(password))


def _text(response: object) -> str:
    try:
        text = _octets(response).decode()
    except UnicodeDecodeError as fault:
        raise MalformedResponse("not UTF-8") from fault
    if "\0" in text:
        raise MalformedResponse("a NUL character")
    return text


def _octets(response: object) -> bytes:
    assert isinstance(response, bytes)  # no key was asked for
    return response


class ServerExchange:
    """One exchange under way.

    ``decoy_secret`` is at least 16 octets that nobody outside knows; see ``scram_server.exchange``.
    """

    def __init__(self, mechanism: str, decoy_secret: bytes) -> None:
        begin: dict[str, Callable[[], Exchange]] = {
            "PLAIN": _plain,
            "LOGIN": _login,
            scram_server.NAME: lambda: scram_server.exchange(decoy_secret),
        }
        self.mechanism = mechanism
        self._exchange = begin[mechanism]()
        self._challenge = next(self._exchange)

    def begin(self) -> bytes | KeyWanted:
        """The first challenge, for a client that gave no initial response (RFC 4954 §4)."""
        return self._challenge

    def respond(self, response: bytes | StoredKey | None) -> bytes | KeyWanted | Credentials | Proved:
        """What comes next after the client's response, or after the key that was asked for.

        Raises:
            MalformedResponse: see the mechanism.
            WrongProof: the client does not know the password.
        """
        try:
            return self._exchange.send(response)
        except StopIteration as end:
            outcome: Credentials | Proved = end.value
            return outcome
