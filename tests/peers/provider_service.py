"""An emulated email API on a loopback port, for postroad and for the providers' own libraries."""

from postroad.clock import SYSTEM_CLOCK, as_datetime
from postroad.message.envelope import MailObject
from postroad.providers.contract import HttpRequest
from postroad.providers.emulator import Emulator
from tests.peers.http_service import HttpService, Request, Response


class ProviderService(HttpService):
    """``emulator`` answers. ``prefix`` is the path that clients find the API under."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        super().__init__()

    @property
    def received(self) -> list[MailObject]:
        return self.emulator.received

    def respond(self, request: Request) -> Response:
        asked = HttpRequest(request.method, request.path, request.headers, request.body)
        reply = self.emulator.answer(asked, as_datetime(SYSTEM_CLOCK.now()))
        headers = {name.title(): value for name, value in reply.headers.items()}
        return Response(reply.status, reply.body, headers)
