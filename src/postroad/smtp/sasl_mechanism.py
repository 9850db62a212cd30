"""What every SASL mechanism is to a client (RFC 4422), without the base64 and the lines around it, which are SMTP's."""

from abc import ABC, abstractmethod
from typing import ClassVar


class ClientMechanism(ABC):
    """One exchange from the client's side.

    ``costly``: ``respond`` may compute for a while, so an event loop leaves it to a thread. ``complaint`` is what the
    server said about a refusal before its last reply.
    """

    name: ClassVar[str]
    costly: ClassVar[bool] = False
    complaint: str = ""

    def initial_response(self) -> bytes | None:
        """What goes with the AUTH command; ``None`` where the server speaks first."""
        return None

    @abstractmethod
    def respond(self, challenge: bytes) -> bytes:
        """The answer to one 334.

        Raises:
            ProtocolError: the challenge is none of this mechanism's.
            AuthenticationError: the server is not who it should be.
        """

    def accepted(self) -> None:  # noqa: B027 - most mechanisms prove nothing
        """The server says that we are logged in.

        Raises:
            AuthenticationError: it has not proved that it is who it should be, as this mechanism wants it to.
        """


def sasl_name(username: str) -> str:
    """A user name between commas (RFC 5801 §4, RFC 5802 §5.1)."""
    return username.replace("=", "=3D").replace(",", "=2C")
