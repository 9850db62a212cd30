"""aiosmtpd on a plain event loop, with a handler that counts."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from benchmarks.servers.served import Count


class Counting:
    """Takes everything; aiosmtpd finds its hooks by their names."""

    def __init__(self, count: Count) -> None:
        self._count = count

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._count.add(envelope.content or b"")
        return "250 2.0.0 Ok"


async def start(host: str, count: Count) -> int:
    handler = Counting(count)
    # A host name of its own, so that it does not look itself up in the DNS for every session.
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="aiosmtpd.test", enable_SMTPUTF8=True), host, 0, backlog=1024
    )
    port: int = server.sockets[0].getsockname()[1]
    return port
