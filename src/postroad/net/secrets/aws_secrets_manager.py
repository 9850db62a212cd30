"""``aws-sm:name#key``: AWS Secrets Manager (boto3). Region and credentials come from where boto3 looks for them.

``name`` is a name or an ARN. With a key the secret is a JSON object, and the key one of its fields; without, it is the
secret's whole text.
"""

import json
from typing import Any, Final

from postroad.net.secrets.finding import Finding, missing
from postroad.secret import Reference

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
ATTEMPTS: Final = 2  # boto3's own: a second one where the first met trouble that passes

_PASSING: Final = frozenset(
    {"InternalServiceError", "RequestTimeout", "ServiceUnavailable", "Throttling", "ThrottlingException"}
)


def read_aws(reference: Reference) -> Finding:
    """The current version of a secret.

    Raises:
        MissingExtra: boto3 is not installed.
    """
    try:
        import boto3.session  # late: heavy, and an extra
        from botocore import exceptions as of_boto
        from botocore.config import Config
    except ModuleNotFoundError:
        raise missing(reference, "boto3", "aws") from None
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    try:
        client = boto3.session.Session().client("secretsmanager", config=config)
        try:
            answer = client.get_secret_value(SecretId=reference.name)
        finally:
            client.close()
    except of_boto.SSLError as fault:
        return Finding(None, f"TLS with Secrets Manager failed: {fault}")
    except (of_boto.ConnectionError, of_boto.HTTPClientError) as fault:
        return Finding.passing(f"Secrets Manager does not answer: {fault}")
    except of_boto.ClientError as fault:
        return _refused(fault.response)
    except of_boto.BotoCoreError as fault:  # no region, no credentials, no such profile
        return Finding(None, str(fault))
    return _value(answer, reference.key)


def _refused(response: Any) -> Finding:
    error = response.get("Error", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = f"Secrets Manager says: {error.get('Code')}: {error.get('Message')}"
    passing = status >= 500 or error.get("Code") in _PASSING
    return Finding.passing(reason) if passing else Finding(None, reason)


def _value(answer: Any, key: str) -> Finding:
    text = answer.get("SecretString")
    if text is None:
        try:
            text = answer.get("SecretBinary", b"").decode()
        except UnicodeDecodeError:
            return Finding(None, "it is binary, and not UTF-8")
    return _field(text, key) if key else Finding.found(text)


def _field(text: str, key: str) -> Finding:
    try:
        fields = json.loads(text)
    except ValueError:
        return Finding(None, f"it is no JSON, so it has no key {key!r}")
    if not isinstance(fields, dict) or key not in fields:
        return Finding(None, f"it has no key {key!r}")
    return Finding.found(fields[key])
