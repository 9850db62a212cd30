"""Logging in by an OAuth 2.0 access token: OAUTHBEARER (RFC 7628) and XOAUTH2, Google's and Microsoft's form of it."""

from abc import abstractmethod
from typing import ClassVar, Final

from postroad.secret import MASK, Secret
from postroad.smtp.sasl_mechanism import ClientMechanism, sasl_name

MAX_COMPLAINT: Final = 300  # characters of the server's JSON that are shown
_KVSEP: Final = "\x01"  # RFC 7628 §3.1


class _Bearer(ClientMechanism):
    """A refusal comes in two steps: JSON in a 334, which wants a meaningless answer, and then the 535."""

    dismissal: ClassVar[bytes]

    def __init__(self, username: str, token: Secret) -> None:
        self._username = username
        self._token = token
        self._asked = False

    def respond(self, challenge: bytes) -> bytes:
        if not challenge and not self._asked:  # too long for one command, or ignored there (RFC 4954 §4)
            self._asked = True
            return self.initial_response()
        text = challenge[: 4 * MAX_COMPLAINT].decode(errors="replace").replace(self._token.reveal(), MASK)
        self.complaint = "".join(one if one.isprintable() else " " for one in text)[:MAX_COMPLAINT].strip()
        return self.dismissal

    @abstractmethod
    def initial_response(self) -> bytes: ...


class OAuthBearer(_Bearer):
    """RFC 7628. Host and port are for tokens that sign them, which bearer tokens do not (§3.1)."""

    name = "OAUTHBEARER"
    dismissal = b"\x01"  # §3.2.3

    def initial_response(self) -> bytes:
        header = f"n,a={sasl_name(self._username)},"
        return f"{header}{_KVSEP}auth=Bearer {self._token.reveal()}{_KVSEP}{_KVSEP}".encode()


class XOAuth2(_Bearer):
    """https://developers.google.com/workspace/gmail/imap/xoauth2-protocol"""

    name = "XOAUTH2"
    dismissal = b""

    def initial_response(self) -> bytes:
        return f"user={self._username}{_KVSEP}auth=Bearer {self._token.reveal()}{_KVSEP}{_KVSEP}".encode()
