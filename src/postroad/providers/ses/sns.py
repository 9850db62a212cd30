"""Amazon SNS, which carries what SES reports: is a message signed by Amazon, for a topic of ours?

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# The certificates are Amazon's own, in the region of the topic; any other host would sign what it likes.
_CERTIFICATE: Final = re.compile(
    r"https://sns\.[a-z]{2}(?:-[a-z]+)+-[0-9]\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[0-9a-f]{1,64}\.pem"
)
_CONFIRMATION: Final = re.compile(r"https://sns\.[a-z]{2}(?:-[a-z]+)+-[0-9]\.amazonaws\.com(?:\.cn)?/\?[!-~]+")
_DIGESTS: Final = {"1": hashes.SHA1, "2": hashes.SHA256}
_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIPTION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
KINDS: Final = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _SUBSCRIPTION,
    "UnsubscribeConfirmation": _SUBSCRIPTION,
}


def certificate_url(message: Mapping[str, Any]) -> str | None:
    """Where the certificate is; ``None`` where it is said to be anywhere but at Amazon's."""
    url = message.get("SigningCertURL")
    return url if isinstance(url, str) and _CERTIFICATE.fullmatch(url) else None


def confirmation_url(message: Mapping[str, Any]) -> str | None:
    """What must be fetched to confirm a subscription; ``None`` where that is not at Amazon's."""
    url = message.get("SubscribeURL")
    return url if isinstance(url, str) and _CONFIRMATION.fullmatch(url) else None


def is_signed(message: Mapping[str, Any], certificate: bytes, now: datetime) -> bool:
    """Whether the message bears the signature of this certificate (PEM), and the certificate is good today."""
    digest = _DIGESTS.get(str(message.get("SignatureVersion")))
    try:
        signature = base64.b64decode(str(message.get("Signature")), validate=True)
        found = x509.load_pem_x509_certificate(certificate)
    except (binascii.Error, ValueError):
        return False
    key = found.public_key()
    if digest is None or not isinstance(key, rsa.RSAPublicKey):
        return False
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        return False
    try:
        key.verify(signature, signed_octets(message), padding.PKCS1v15(), digest())
    except InvalidSignature:
        return False
    return True


def signed_octets(message: Mapping[str, Any]) -> bytes:
    """What is signed: names and values of some fields, in their order; those that are missing are left out."""
    names = KINDS.get(str(message.get("Type")), ())
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode("utf-8", "surrogatepass")
