"""What a service does to a message that it lets in: its own findings on top, and nobody else's in its name."""

from postroad.mailauth.header_section import Field, read
from postroad.mailauth.results.read import claims_to_be_from
from postroad.mailauth.results.value import AuthenticationResults
from postroad.mailauth.results.write import header_field


def stamped(content: bytes, results: AuthenticationResults) -> bytes:
    """The message with these results on top, without the fields that claim to be of the same service, or cannot be read
    (RFC 8601 §5). Its line ends become CRLF; everything else stays as it is.
    """
    message = read(content)
    kept = [field.raw for field in message.fields if not _is_forged(field, results.authserv_id)]
    return b"".join((header_field(results), *kept, b"\r\n", message.body))


def _is_forged(field: Field, authserv_id: str) -> bool:
    named = field.key.lstrip(b" \t") == b"authentication-results"
    return named and claims_to_be_from(field.value.decode("utf-8", "surrogateescape"), authserv_id)
