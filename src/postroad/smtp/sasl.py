"""Which SASL mechanism (RFC 4422) a client logs in by, and the plain ones: PLAIN, LOGIN, CRAM-MD5.

A mechanism knows nothing of the base64 and the lines around it, which are SMTP's (RFC 4954 §4).
"""

import hmac
from collections.abc import Callable, Iterable
from typing import Final

from postroad.errors import ConfigurationError
from postroad.secret import Secret
from postroad.smtp.bearer import OAuthBearer, XOAuth2
from postroad.smtp.sasl_mechanism import ClientMechanism
from postroad.smtp.scram import ScramSha256


class Plain(ClientMechanism):
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


class Login(ClientMechanism):
    """LOGIN (draft-murchison-sasl-login): two questions; the first answer is the user name, whatever is asked."""

    name = "LOGIN"

    def __init__(self, username: str, password: Secret) -> None:
        self._answers = iter((username, password))

    def respond(self, challenge: bytes) -> bytes:
        answer = next(self._answers, "")
        return (answer.reveal() if isinstance(answer, Secret) else answer).encode()


class CramMd5(ClientMechanism):
    """CRAM-MD5 (RFC 2195): hides the password, but not from a day of guessing, and the server has to keep it in the
    clear. Only for servers that have nothing else, so only on request.
    """

    name = "CRAM-MD5"

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password

    def respond(self, challenge: bytes) -> bytes:
        digest = hmac.digest(self._password.reveal().encode(), challenge, "md5").hex()
        return f"{self._username} {digest}".encode()


_MECHANISMS: Final[dict[str, Callable[[str, Secret], ClientMechanism]]] = {
    one.name: one for one in (ScramSha256, OAuthBearer, XOAuth2, Plain, Login, CramMd5)
}
MECHANISMS: Final = tuple(_MECHANISMS)
# Without a wish: the first that the server offers too. SCRAM shows the password to nobody; OAUTHBEARER has an RFC.
WITH_PASSWORD: Final = (ScramSha256.name, Plain.name, Login.name)
WITH_TOKEN: Final = (OAuthBearer.name, XOAuth2.name)


def choose(
    offered: Iterable[str], username: str, secret: Secret, allowed: Iterable[str] = WITH_PASSWORD
) -> ClientMechanism | None:
    """The first of ``allowed`` that the server offers, or ``None``. Chosen once: no second one after a 535.

    ``secret`` is the password, or the token for mechanisms that take one.
    """
    available = {name.upper() for name in offered}
    for name in allowed:
        if name in available:
            return _MECHANISMS[name](username, secret)
    return None


# ── what is checked before anything is connected ──────────────────────────────────────────────────────────────────


def checked_mechanisms(names: str | Iterable[str], *, token: bool) -> tuple[str, ...]:
    """The mechanisms asked for, in that order; a text holds them divided by commas. ``token``: not by a password.

    Raises:
        ConfigurationError: one is unknown, or they take different secrets.
    """
    given = names.split(",") if isinstance(names, str) else tuple(names)
    mechanisms = tuple(dict.fromkeys(name.strip().upper() for name in given))
    for name in mechanisms:
        if name not in _MECHANISMS:
            known = ", ".join(MECHANISMS)
            raise ConfigurationError(f"{name!a} is no mechanism that postroad speaks: {known}", setting="mechanisms")
    by_token = [name for name in mechanisms if name in WITH_TOKEN]
    if len(by_token) < len(mechanisms) and (by_token or token):
        raise ConfigurationError(
            f"mechanisms {', '.join(mechanisms)}: only {' and '.join(WITH_TOKEN)} take a token, and only a token",
            setting="mechanisms",
        )
    return mechanisms


def checked_username(username: str) -> str:
    """A user name that any mechanism can send.

    Raises:
        ConfigurationError: it cannot be sent.
    """
    control = any(character < " " or character == "\x7f" for character in username)  # they divide fields in XOAUTH2
    if fault := _fault(username) or ("holds a control character" if control else ""):
        raise ConfigurationError(f"username {fault}", setting="username")
    return username


def checked_password(password: Secret) -> Secret:
    """A password, not a reference to one, that can be sent.

    Raises:
        ConfigurationError: it cannot be sent.
    """
    if fault := _fault(password.reveal()):
        raise ConfigurationError(f"password {fault}", setting="password")
    return password


def checked_token(token: Secret) -> Secret:
    """An access token as a header would take it (RFC 6750 §2.1); a line end behind it is the usual mistake.

    Raises:
        ConfigurationError: it cannot be sent.
    """
    if fault := _fault(token.reveal()) or _beyond_a_token(token.reveal()):
        raise ConfigurationError(f"token {fault}", setting="token")
    return token


# The two return what is wrong instead of raising it: a traceback may show the variables of every frame.


def _fault(text: str) -> str:
    """RFC 4616 §2: UTF-8 without NUL; an empty one is a setting that was forgotten."""
    if not text:
        return "is empty"
    if "\0" in text:
        return "holds a NUL character"
    surrogates = any("\ud800" <= character <= "\udfff" for character in text)  # bytes that a locale could not decode
    return "is not valid text; it must be UTF-8" if surrogates else ""


def _beyond_a_token(text: str) -> str:
    fits = text.isascii() and text.isprintable() and " " not in text
    return "" if fits else "holds white space, a control character or something beyond ASCII"
