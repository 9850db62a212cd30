"""SASL mechanisms (RFC 4422), without the base64 and the lines around them, which are SMTP's (RFC 4954 §4)."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from postroad.errors import ConfigurationError
from postroad.secret import Secret


class ClientMechanism(Protocol):
    """One exchange from the client's side."""

    @property
    def name(self) -> str: ...

    def initial_response(self) -> bytes | None:
        """What goes with the AUTH command; ``None`` where the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:
        """The answer to one 334."""


class Plain:
    """PLAIN (RFC 4616): user name and password in one message."""

    name = "PLAIN"

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password

    def initial_response(self) -> bytes:
        return b"\0".join((b"", self._username.encode(), self._password.reveal().encode()))

    def respond(self, challenge: bytes) -> bytes:
        # A server that ignored the initial response asks again with an empty challenge (RFC 4954 §4).
        return self.initial_response()


class Login:
    """LOGIN (draft-murchison-sasl-login): two questions; the first answer is the user name, whatever is asked."""

    name = "LOGIN"

    def __init__(self, username: str, password: Secret) -> None:
        self._answers = iter((username, password))

    def initial_response(self) -> None:
        return None

    def respond(self, challenge: bytes) -> bytes:
        answer = next(self._answers, "")
        return (answer.reveal() if isinstance(answer, Secret) else answer).encode()


_MECHANISMS: Final[dict[str, Callable[[str, Secret], ClientMechanism]]] = {"PLAIN": Plain, "LOGIN": Login}


def checked_credentials(username: str, password: Secret) -> None:
    """RFC 4616 §2: both are UTF-8 without NUL; an empty one is a setting that was forgotten.

    Raises:
        ConfigurationError: naming the setting.
    """
    for setting, value in (("username", username), ("password", password.reveal())):
        if not value:
            raise ConfigurationError(f"{setting} is empty", setting=setting)
        if "\0" in value:
            raise ConfigurationError(f"{setting} holds a NUL character", setting=setting)
        if any("\ud800" <= character <= "\udfff" for character in value):  # bytes that a locale could not decode
            raise ConfigurationError(f"{setting} is not valid text; it must be UTF-8", setting=setting)


def choose(offered: Iterable[str], username: str, password: Secret) -> ClientMechanism | None:
    """The best mechanism of ours that the server offers, or ``None``. Chosen once: no second one after a 535."""
    available = {name.upper() for name in offered}
    for name, make in _MECHANISMS.items():
        if name in available:
            return make(username, password)
    return None
