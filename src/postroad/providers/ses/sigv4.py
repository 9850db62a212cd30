"""AWS Signature Version 4: how a request shows that it comes from the account, without showing the key.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNRESERVED: Final = "-_.~"  # RFC 3986 §2.3, besides letters and digits
_AUTHORIZATION: Final = re.compile(
    rf"{ALGORITHM} Credential=([^/,\s]+)/(\d{{8}})/([^/,\s]+)/([^/,\s]+)/aws4_request,\s*SignedHeaders=([^,\s]+),"
    r"\s*Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is for."""

    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Signed:
    """An Authorization field, taken apart."""

    key_id: str
    date: str
    scope: Scope
    names: tuple[str, ...]
    signature: str

    @classmethod
    def read(cls, field: str) -> "Signed | None":
        """Take the field apart; ``None`` where it is none."""
        match = _AUTHORIZATION.fullmatch(field.strip())
        if match is None:
            return None
        return cls(match[1], match[2], Scope(match[3], match[4]), tuple(match[5].split(";")), match[6])


def moment(now: datetime) -> str:
    """The time as it is signed; ``now`` is in UTC."""
    return now.strftime("%Y%m%dT%H%M%SZ")


def authorization(
    method: str, path: str, headers: Mapping[str, str], body: bytes, *, scope: Scope, key_id: str, secret_key: str
) -> str:
    """The Authorization field of a request. ``headers`` are all that are signed, ``x-amz-date`` and ``host`` among
    them; ``path`` has its query.
    """
    names = sorted(headers)
    signature = signature_of(method, path, headers, body, scope=scope, secret_key=secret_key)
    credential = f"{key_id}/{headers['x-amz-date'][:8]}/{scope.region}/{scope.service}/aws4_request"
    return f"{ALGORITHM} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"


def signature_of(
    method: str, path: str, headers: Mapping[str, str], body: bytes, *, scope: Scope, secret_key: str
) -> str:
    """The signature itself, over these header fields."""
    when = headers["x-amz-date"]
    request = canonical_request(method, path, headers, body)
    credential = f"{when[:8]}/{scope.region}/{scope.service}/aws4_request"
    to_sign = "\n".join((ALGORITHM, when, credential, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{secret_key}".encode()
    for part in (when[:8], scope.region, scope.service, "aws4_request"):
        key = _digest(key, part)
    return _digest(key, to_sign).hex()


def canonical_request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """The request in the one form that both sides make of it."""
    place, _, query = path.partition("?")
    names = sorted(headers)
    fields = [f"{name}:{' '.join(headers[name].split())}\n" for name in names]
    parts = (method, quote(place or "/", safe=f"/{_UNRESERVED}"), _query(parse_qsl(query, keep_blank_values=True)))
    return "\n".join((*parts, "".join(fields), ";".join(names), hashlib.sha256(body).hexdigest()))


def _query(pairs: Iterable[tuple[str, str]]) -> str:
    encoded = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
