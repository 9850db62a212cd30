"""How a server is reached, where that is not the account's to say: routing has found out where it is, and who."""

from collections.abc import Callable
from dataclasses import dataclass

from postroad.net.tls import TlsSettings

Judge = Callable[[tuple[bytes, ...], str], None]
"""Is given the certificates that a server showed (DER, its own first) and its host:port.

Raises:
    TlsError: it is not the one that is meant.
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """``addresses`` are those of the server, in the order in which they are tried, ``sources`` ours to connect from.

    ``tls`` goes in the place of the account's policy. ``required``: without TLS no mail, also where the policy is
    opportunistic; ``judge`` decides about the certificate then.
    """

    addresses: tuple[str, ...]
    tls: TlsSettings
    sources: tuple[str, ...] = ()
    required: bool = False
    judge: Judge | None = None
