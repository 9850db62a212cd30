"""Where a peer listens."""

import socket
from typing import NamedTuple

LOOPBACK = "127.0.0.1"


class Endpoint(NamedTuple):
    """A host and a port, in the order in which ``smtplib.SMTP(*endpoint)`` takes them."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def free_endpoint() -> Endpoint:
    """A loopback port that nobody listened on a moment ago.

    For programs that cannot bind port 0 themselves. Another process may take the port first, so whoever starts such a
    program makes sure that the answer comes from it, and starts it again elsewhere if not.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return Endpoint(LOOPBACK, probe.getsockname()[1])
