"""A web server as the one that has a domain's MTA-STS policy."""

from tests.peers.certificates import ServerCertificate
from tests.peers.http_service import HttpService, Request, Response

POLICY_PATH = "/.well-known/mta-sts.txt"


def policy_page(mode: str, *mx: str, max_age: int = 86400) -> Response:
    """A policy as it is served."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in mx), f"max_age: {max_age}", ""]
    return Response(200, "\n".join(lines).encode(), {"Content-Type": "text/plain"})


class PolicyHost(HttpService):
    """By HTTPS: the pages of each host that it is asked for. They may change at any time."""

    def __init__(self, certificate: ServerCertificate, pages: dict[str, Response]) -> None:
        self.pages = pages  # by host, or by host and path: the policy's place where no path is given
        super().__init__(certificate.server_context())

    def respond(self, request: Request) -> Response:
        host = request.headers.get("host", "").partition(":")[0]
        at = f"{host}{request.path}".removesuffix(POLICY_PATH)
        return self.pages.get(at, Response(404, b"not here", {"Content-Type": "text/plain"}))

    @property
    def asked(self) -> list[str]:
        """The hosts that were asked for, in order."""
        return [request.headers.get("host", "").partition(":")[0] for request in self.requests]
