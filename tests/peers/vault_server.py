"""An imitation of HashiCorp Vault's HTTP API, as much of it as reading secrets takes.

Vault's own program is in no package registry. The forms of requests and replies are those of its documentation:
https://developer.hashicorp.com/vault/api-docs/secret/kv
"""

from tests.peers.http_service import HttpService, Request, Response

PREFLIGHT = "sys/internal/ui/mounts/"


class VaultServer(HttpService):
    """Three mounts: ``secret`` and ``team/kv`` with version 2 of the key-value engine, ``old`` with version 1.

    ``secrets`` may change at any time. With ``tells_mounts`` false it is a Vault that does not say what is mounted.
    ``trouble`` is the status of every answer where it is not 0.
    """

    def __init__(self, token: str, secrets: dict[str, dict[str, object]], namespace: str | None = None) -> None:
        self.token = token
        self.secrets = secrets
        self.namespace = namespace
        self.mounts = {"secret/": "2", "team/kv/": "2", "old/": "1"}
        self.tells_mounts = True
        self.trouble = 0
        super().__init__()

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.path.removeprefix("/v1/") for request in self.requests]

    def respond(self, request: Request) -> Response:
        if self.trouble:
            return _errors(self.trouble, "Vault is sealed")
        if (request.headers.get("x-vault-token"), request.headers.get("x-vault-namespace")) != (
            self.token,
            self.namespace,
        ):
            return _errors(403, "permission denied")
        path = request.path.removeprefix("/v1/")
        return self._mount(path.removeprefix(PREFLIGHT)) if path.startswith(PREFLIGHT) else self._secret(path)

    def _mount(self, path: str) -> Response:
        mount = next((one for one in self.mounts if path.startswith(one)), None)
        if mount is None or not self.tells_mounts:
            return _errors(403, f"preflight capability check returned 403, please ensure access to path {path!r}")
        options = {"version": "2"} if self.mounts[mount] == "2" else None  # an old mount has none
        return Response(200, {"data": {"path": mount, "type": "kv", "options": options}})

    def _secret(self, path: str) -> Response:
        mount = next((one for one in self.mounts if path.startswith(one)), "")
        version, inside = self.mounts.get(mount), path.removeprefix(mount)
        if version == "1":
            fields = self.secrets.get(path)
            return _errors(404) if fields is None else Response(200, {"data": fields, "lease_duration": 2764800})
        if version is None or not inside.startswith("data/"):
            return _errors(404, f"no handler for route {path!r}")
        fields = self.secrets.get(mount + inside.removeprefix("data/"))
        if fields is None:
            return _errors(404)
        return Response(200, {"data": {"data": fields, "metadata": {"version": 3, "destroyed": False}}})


def _errors(status: int, *errors: str) -> Response:
    return Response(status, {"errors": list(errors)})
