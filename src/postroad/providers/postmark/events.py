"""Postmark's webhooks. They are not signed; user name and password in their URL are what they are known by.

https://postmarkapp.com/developer/webhooks/webhooks-overview, https://postmarkapp.com/developer/api/bounce-api
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from postroad.events import EventKind
from postroad.providers.event import (
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
    "Delivery": EventKind.DELIVERED,
    "Bounce": EventKind.BOUNCED,
    "SpamComplaint": EventKind.COMPLAINED,
    "SubscriptionChange": EventKind.UNSUBSCRIBED,
    "Open": EventKind.OPENED,
    "Click": EventKind.CLICKED,
}
_PERMANENT, _TEMPORARY = Lasting.PERMANENT, Lasting.TEMPORARY
# The types of bounces; those that are not here are bounces of which nothing more is known.
_BOUNCES: Final[Mapping[str, tuple[EventKind, Lasting | None]]] = {
    "HardBounce": (EventKind.BOUNCED, _PERMANENT),
    "SoftBounce": (EventKind.BOUNCED, _TEMPORARY),
    "Transient": (EventKind.DELAYED, None),
    "DnsError": (EventKind.DELAYED, None),
    "Unsubscribe": (EventKind.UNSUBSCRIBED, None),
    "Subscribe": (EventKind.SUBSCRIBED, None),
    "AutoResponder": (EventKind.AUTOREPLIED, None),
    "AddressChange": (EventKind.AUTOREPLIED, None),
    "ChallengeVerification": (EventKind.AUTOREPLIED, None),
    "BadEmailAddress": (EventKind.REJECTED, _PERMANENT),
    "ManuallyDeactivated": (EventKind.REJECTED, None),
    "Unconfirmed": (EventKind.REJECTED, None),
    "SpamComplaint": (EventKind.COMPLAINED, None),
    "SMTPApiError": (EventKind.FAILED, None),
    "TemplateRenderingFailed": (EventKind.FAILED, None),
    "Unknown": (EventKind.UNKNOWN, None),
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
    kind, lasting = _meaning(record, document)
    moment = next((document[name] for name in _MOMENTS if name in document), None)
    recipient = text_or_none(document.get("Recipient") or document.get("Email"))
    word = str(document.get("Type") or document.get("SuppressionReason") or record)
    return ProviderEvent(
        kind=kind,
        provider="postmark",
        event_id=_event_id(record, document, moment, recipient),
        word=word,
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


def _meaning(record: str, document: Mapping[str, Any]) -> tuple[EventKind, Lasting | None]:
    kind = _RECORDS.get(record, EventKind.UNKNOWN)
    if kind is EventKind.BOUNCED:
        return _BOUNCES.get(str(document.get("Type")), (EventKind.BOUNCED, Lasting.UNDETERMINED))
    if kind is EventKind.UNSUBSCRIBED:
        return _subscription(document)
    return kind, None


def _subscription(document: Mapping[str, Any]) -> tuple[EventKind, Lasting | None]:
    """Postmark tells with the same record that it stopped after a bounce, a complaint, or a word of the reader."""
    if not document.get("SuppressSending"):
        return EventKind.SUBSCRIBED, None
    if document.get("SuppressionReason") in ("HardBounce", "SpamComplaint"):
        # The bounce or complaint itself is told by a record of its own, and counts once.
        return EventKind.SUPPRESSED, None
    return EventKind.UNSUBSCRIBED, None


def _event_id(record: str, document: Mapping[str, Any], moment: object, recipient: str | None) -> str:
    if "ID" in document:
        return f"postmark:{document['ID']}"
    return named_by("postmark", record, document.get("MessageID"), recipient, moment, document.get("OriginalLink"))
