"""An imitation of AWS Secrets Manager's HTTP API: GetSecretValue.

The forms are those of https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

import base64
import json
import re

from tests.peers.http_service import HttpService, Request, Response

KEY_ID = "AKIDEXAMPLE"
REGION = "eu-central-1"


class SecretsManager(HttpService):
    """``secrets`` may change at any time. ``trouble`` is an error's status and name, given instead of every answer."""

    def __init__(self, secrets: dict[str, str | bytes]) -> None:
        self.secrets = secrets
        self.trouble: tuple[int, str] | None = None
        super().__init__()

    def environment(self) -> dict[str, str]:
        """The variables with which a client comes here, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def respond(self, request: Request) -> Response:
        if self.trouble is not None:
            return _error(*self.trouble)
        signed = rf"AWS4-HMAC-SHA256 Credential={KEY_ID}/\d{{8}}/{REGION}/secretsmanager/aws4_request"
        if not re.match(signed, request.headers.get("authorization", "")):
            return _error(400, "UnrecognizedClientException")
        if request.headers.get("x-amz-target") != "secretsmanager.GetSecretValue":
            return _error(400, "InvalidAction")
        name = json.loads(request.body)["SecretId"]
        secret = self.secrets.get(name)
        if secret is None:
            return _error(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        value = {"SecretString": secret} if isinstance(secret, str) else {"SecretBinary": _encoded(secret)}
        return Response(200, {"Name": name, "VersionStages": ["AWSCURRENT"], **value})


def _encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _error(status: int, kind: str, message: str = "no") -> Response:
    return Response(status, {"__type": kind, "message": message}, {"Content-Type": "application/x-amz-json-1.1"})
