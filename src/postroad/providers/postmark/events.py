"""Postmark's webhooks. They are not signed; user name and password in their URL are what they are known by.

https://postmarkapp.com/developer/webhooks/webhooks-overview, https://postmarkapp.com/developer/api/bounce-api
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from postroad.providers.event import (
    Happened,
    Lasting,
    ProviderEvent,
    Receiver,
    Webhook,
    basic_credentials,
    mapping,
    named_by,
    same,
    seconds_of,
    text_or_none,
    texts,
)
from postroad.secret import Secret

_RECORDS: Final = {
    "Delivery": Happened.DELIVERED,
    "Bounce": Happened.BOUNCED,
    "SpamComplaint": Happened.COMPLAINED,
    "SubscriptionChange": Happened.UNSUBSCRIBED,
    "Open": Happened.OPENED,
    "Click": Happened.CLICKED,
}
_PERMANENT, _TEMPORARY = Lasting.PERMANENT, Lasting.TEMPORARY
# The types of bounces; those that are not here are bounces of which nothing more is known.
_BOUNCES: Final[Mapping[str, tuple[Happened, Lasting | None]]] = {
    "HardBounce": (Happened.BOUNCED, _PERMANENT),
    "SoftBounce": (Happened.BOUNCED, _TEMPORARY),
    "Transient": (Happened.DEFERRED, None),
    "DnsError": (Happened.DEFERRED, None),
    "Unsubscribe": (Happened.UNSUBSCRIBED, None),
    "Subscribe": (Happened.SUBSCRIBED, None),
    "AutoResponder": (Happened.AUTOREPLIED, None),
    "AddressChange": (Happened.AUTOREPLIED, None),
    "ChallengeVerification": (Happened.AUTOREPLIED, None),
    "BadEmailAddress": (Happened.REJECTED, _PERMANENT),
    "ManuallyDeactivated": (Happened.REJECTED, None),
    "Unconfirmed": (Happened.REJECTED, None),
    "SpamComplaint": (Happened.COMPLAINED, None),
    "SMTPApiError": (Happened.FAILED, None),
    "TemplateRenderingFailed": (Happened.FAILED, None),
    "Unknown": (Happened.UNKNOWN, None),
}


class PostmarkReceiver(Receiver):
    """Reads Postmark's webhooks. Without user and password anybody may call: then guard the address otherwise."""

    provider = "postmark"

    def __init__(self, user: str | None = None, password: Secret | str | None = None) -> None:
        self._expected = None if user is None or password is None else basic_credentials(user, password)

    def check(self, webhook: Webhook, now: datetime) -> None:
        given = webhook.headers.get("authorization", "")
        if self._expected is not None and not same(given, self._expected):
            raise self.refused("user name and password of the webhook are missing or wrong")

    def read(self, webhook: Webhook) -> Iterable[ProviderEvent]:
        try:
            document = json.loads(webhook.body)
        except (ValueError, RecursionError):
            raise self.refused("the webhook is no JSON") from None
        if not isinstance(document, dict):
            raise self.refused("the webhook is no event")
        yield _event(document)


def _event(document: Mapping[str, Any]) -> ProviderEvent:
    record = str(document.get("RecordType", ""))
    happened, lasting = _meaning(record, document)
    moment = next((document[name] for name in _MOMENTS if name in document), None)
    recipient = text_or_none(document.get("Recipient") or document.get("Email"))
    kind = str(document.get("Type") or document.get("SuppressionReason") or record)
    return ProviderEvent(
        happened=happened,
        provider="postmark",
        event_id=_event_id(record, document, moment, recipient),
        word=kind,
        recipient=recipient,
        at=seconds_of(moment),
        remote_id=text_or_none(document.get("MessageID")),
        lasting=lasting,
        reply=str(document.get("Details") or ""),
        description=str(document.get("Description") or ""),
        url=text_or_none(document.get("OriginalLink")),
        user_agent=text_or_none(document.get("UserAgent")),
        tags=texts(document.get("Tag")),
        metadata=mapping(document.get("Metadata")),
        raw=document,
    )


_MOMENTS: Final = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


def _meaning(record: str, document: Mapping[str, Any]) -> tuple[Happened, Lasting | None]:
    happened = _RECORDS.get(record, Happened.UNKNOWN)
    if happened is Happened.BOUNCED:
        return _BOUNCES.get(str(document.get("Type")), (Happened.BOUNCED, Lasting.UNDETERMINED))
    if happened is Happened.UNSUBSCRIBED:
        return _subscription(document)
    return happened, None


def _subscription(document: Mapping[str, Any]) -> tuple[Happened, Lasting | None]:
    """Postmark tells with the same record that it stopped after a bounce, a complaint, or a word of the reader."""
    if not document.get("SuppressSending"):
        return Happened.SUBSCRIBED, None
    reason = str(document.get("SuppressionReason"))
    return _BOUNCES.get(reason, (Happened.UNSUBSCRIBED, None))


def _event_id(record: str, document: Mapping[str, Any], moment: object, recipient: str | None) -> str:
    if "ID" in document:
        return f"postmark:{document['ID']}"
    return named_by("postmark", record, document.get("MessageID"), recipient, moment, document.get("OriginalLink"))
