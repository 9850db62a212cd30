"""The demo's stage: a folder, a server that catches, an outbox, and the route from one to the other."""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from postroad.cli.demo.sample_mail import GREYLISTED, UNKNOWN
from postroad.inbox.catch import Caught, Greylist, Refuse, Rule
from postroad.inbox.catching_server import CatchingServer
from postroad.retry import Schedule
from postroad.secret import Secret
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport

if TYPE_CHECKING:
    from postroad.outbox.outbox import AsyncOutbox

USERNAME: Final = "demo"
# Seconds, where minutes and hours are usual: somebody is watching.
SCHEDULE: Final = Schedule((1.0, 2.0, 4.0), max_attempts=10, repeat=True)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything of one run."""

    folder: Path
    outbox: "AsyncOutbox"
    server: CatchingServer
    transport: SmtpTransport

    @property
    def address(self) -> str:
        """Where the server listens."""
        host, port = self.server.address
        return f"{host}:{port}"

    @property
    def url(self) -> str:
        """The route as somebody else would type it; the password is in ``password_file``."""
        return f"smtp://{USERNAME}@{self.address}?ca={_certificate_file(self.folder)}"

    @property
    def password_file(self) -> Path:
        return _password_file(self.folder)


@asynccontextmanager
async def stage(on_caught: Callable[[Caught], object]) -> AsyncGenerator[Stage]:
    """Set up in a temporary folder, which is removed in the end.

    Raises:
        MissingExtra: the outbox's libraries are not installed.
    """
    # By way of the package root, which explains what is missing.
    from postroad import AsyncOutbox

    password = secrets.token_urlsafe(12)
    rules: dict[str, Rule] = {UNKNOWN: Refuse(), GREYLISTED: Greylist()}
    with TemporaryDirectory(prefix="postroad-demo-") as name:
        folder = Path(name)
        async with (
            CatchingServer(credentials={USERNAME: password}, rules=rules, on_caught=on_caught) as server,
            AsyncOutbox(f"sqlite:///{folder / 'outbox.db'}") as outbox,
        ):
            _password_file(folder).write_text(password + "\n")
            _certificate_file(folder).write_text(server.certificate.pem)
            transport = _transport(server, folder, password)
            try:
                yield Stage(folder, outbox, server, transport)
            finally:
                await transport.aclose()


def _transport(server: CatchingServer, folder: Path, password: str) -> SmtpTransport:
    host, port = server.address
    account = Smtp(host, port, username=USERNAME, password=Secret(password), ca=str(_certificate_file(folder)))
    return SmtpTransport(account)


def _password_file(folder: Path) -> Path:
    return folder / "password"


def _certificate_file(folder: Path) -> Path:
    return folder / "certificate.pem"
