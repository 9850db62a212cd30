"""SendGrid's Event Webhook, many events in a body, signed with ECDSA.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from postroad.errors import ConfigurationError
from postroad.events import EventKind
from postroad.providers.event import (
    Lasting,
    ProviderEvent,
    Receiver,
    Webhook,
    fresh,
    lasting_of,
    named_by,
    seconds_of,
    text_or_none,
    texts,
)

# Seconds: SendGrid tries for a day to be heard.
TOLERANCE: Final = 86_400.0
SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
_WORDS: Final = {
    "processed": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DELAYED,
    "bounce": EventKind.BOUNCED,
    "blocked": EventKind.BOUNCED,
    "dropped": EventKind.REJECTED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "group_resubscribe": EventKind.SUBSCRIBED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
_OF_THE_MESSAGE: Final = ("Content", "Reputation", "Technical", "Frequency or Volume Too High")
# What SendGrid itself writes into an event; whatever else stands there is metadata of the message.
_OWN: Final = frozenset(
    {
        "asm_group_id", "attempt", "bounce_classification", "category", "cert_err", "email", "event", "ip",
        "marketing_campaign_id", "marketing_campaign_name", "marketing_campaign_split_id", "marketing_campaign_version",
        "newsletter", "pool", "post_type", "reason", "response", "send_at", "sg_content_type", "sg_event_id",
        "sg_machine_open", "sg_message_id", "sg_template_id", "sg_template_name", "singlesend_id", "smtp-id", "status",
        "template_id", "timestamp", "tls", "type", "url", "url_offset", "useragent",
    }
)  # fmt: skip


class SendGridReceiver(Receiver):
    """Reads SendGrid's events. ``public_key`` is the verification key that SendGrid shows: base64 of a DER key.

    Raises:
        ConfigurationError: it is none.
    """

    provider = "sendgrid"

    def __init__(self, public_key: str) -> None:
        try:
            key = load_der_public_key(base64.b64decode("".join(public_key.split()), validate=True))
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ConfigurationError("sendgrid: the verification key is no ECDSA key", setting="public_key")
        self._key = key

    def check(self, webhook: Webhook, now: datetime) -> None:
        timestamp = webhook.headers.get(TIMESTAMP, "")
        try:
            signature = base64.b64decode(webhook.headers.get(SIGNATURE, ""), validate=True)
            self._key.verify(signature, timestamp.encode() + webhook.body, ec.ECDSA(hashes.SHA256()))
        except (binascii.Error, ValueError, InvalidSignature):
            raise self.refused("the signature is missing or wrong, or the body was altered") from None
        if not (timestamp.isdecimal() and fresh(float(timestamp), now, TOLERANCE)):
            raise self.refused("the webhook is too old, or this machine's clock is wrong")

    def read(self, webhook: Webhook) -> Iterable[ProviderEvent]:
        try:
            documents = json.loads(webhook.body)
        except (ValueError, RecursionError):
            raise self.refused("the webhook is no JSON") from None
        if not isinstance(documents, list) or not all(isinstance(one, dict) for one in documents):
            raise self.refused("the webhook is no list of events")
        return [_event(one) for one in documents]


def _event(document: Mapping[str, Any]) -> ProviderEvent:
    word = str(document.get("event", ""))
    remote_id = str(document.get("sg_message_id") or "").partition(".")[0]
    moment = document.get("timestamp")
    own = named_by("sendgrid", word, remote_id, document.get("email"), moment, document.get("url"))
    named = document.get("sg_event_id")
    return ProviderEvent(
        kind=_WORDS.get(word, EventKind.UNKNOWN),
        provider="sendgrid",
        event_id=f"sendgrid:{named}" if named else own,
        word=word,
        recipient=text_or_none(document.get("email")),
        at=seconds_of(moment),
        remote_id=text_or_none(remote_id),
        message_id=text_or_none(document.get("smtp-id")),
        lasting=_lasting(word, document),
        reply=str(document.get("response") or (document.get("reason") if word != "dropped" else "") or ""),
        status=text_or_none(document.get("status")),
        description=str(document.get("reason") or document.get("bounce_classification") or ""),
        url=text_or_none(document.get("url")),
        user_agent=text_or_none(document.get("useragent")),
        tags=texts(document.get("category")),
        metadata={name: str(value) for name, value in document.items() if name not in _OWN},
        raw=document,
    )


def _lasting(word: str, document: Mapping[str, Any]) -> Lasting | None:
    """A block is of this message; only a bounce is of the address, unless its classification or status deny it."""
    if word not in ("bounce", "blocked"):
        return None
    kind, classified = document.get("type"), str(document.get("bounce_classification") or "Unclassified")
    if "blocked" in (word, kind) or kind == "expired":
        return Lasting.TEMPORARY
    if classified == "Invalid Address":
        return Lasting.PERMANENT
    otherwise = Lasting.PERMANENT if classified == "Unclassified" else Lasting.UNDETERMINED
    found = lasting_of(text_or_none(document.get("status")), str(document.get("reason") or ""), otherwise)
    # What is classified as something else is not of the address, whatever its status.
    return Lasting.UNDETERMINED if found is Lasting.PERMANENT and classified in _OF_THE_MESSAGE else found
