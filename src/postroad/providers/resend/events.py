"""Resend's webhooks, one event each, signed as Svix signs them.

https://resend.com/docs/dashboard/webhooks/event-types, https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from postroad.errors import ConfigurationError
from postroad.events import EventKind
from postroad.providers.answers import member, text_in
from postroad.providers.event import (
    Lasting,
    ProviderEvent,
    Receiver,
    Webhook,
    fresh,
    named_by,
    same,
    seconds_of,
    text_or_none,
)
from postroad.providers.pairs import unpaired
from postroad.secret import Secret

_WORDS: Final = {
    "email.scheduled": EventKind.SENT,
    "email.sent": EventKind.SENT,
    "email.delivered": EventKind.DELIVERED,
    "email.delivery_delayed": EventKind.DELAYED,
    "email.bounced": EventKind.BOUNCED,
    "email.suppressed": EventKind.REJECTED,
    "email.failed": EventKind.FAILED,
    "email.complained": EventKind.COMPLAINED,
    "email.opened": EventKind.OPENED,
    "email.clicked": EventKind.CLICKED,
}
_OF_ALL: Final = frozenset({"email.scheduled", "email.sent", "email.failed"})  # what happens to a message as a whole
_LISTED: Final = frozenset({"Suppressed", "OnAccountSuppressionList"})
_LASTING: Final = {"Permanent": Lasting.PERMANENT, "Transient": Lasting.TEMPORARY}


class ResendReceiver(Receiver):
    """Reads Resend's webhooks. ``secret`` is the signing secret, ``whsec_…``.

    Raises:
        ConfigurationError: it is none.
    """

    provider = "resend"

    def __init__(self, secret: Secret | str) -> None:
        try:
            self._key = base64.b64decode(Secret(secret).reveal().removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigurationError("resend: the signing secret is not whsec_ and base64", setting="secret") from None

    def check(self, webhook: Webhook, now: datetime) -> None:
        name, timestamp = webhook.headers.get("svix-id", ""), webhook.headers.get("svix-timestamp", "")
        signed = f"{name}.{timestamp}.".encode("utf-8", "surrogatepass") + webhook.body
        expected = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        given = webhook.headers.get("svix-signature", "").split()  # several, while a secret is changed
        # Every one is looked at, so that the time tells nothing.
        if not name or sum(same(one, f"v1,{expected}") for one in given) == 0:
            raise self.refused("the signature is missing or wrong, or the body was altered")
        if not (timestamp.isdecimal() and fresh(float(timestamp), now)):
            raise self.refused("the webhook is too old, or this machine's clock is wrong")

    def read(self, webhook: Webhook) -> Iterable[ProviderEvent]:
        try:
            document = json.loads(webhook.body)
        except (ValueError, RecursionError):
            raise self.refused("the webhook is no JSON") from None
        if not isinstance(document, dict):
            raise self.refused("the webhook is no event")
        return _events(document, webhook.headers.get("svix-id", ""))


def _events(document: Mapping[str, Any], name: str) -> Iterable[ProviderEvent]:
    """Resend names all recipients of the message, and not the one of whom it speaks."""
    word, data = str(document.get("type", "")), document.get("data")
    bounce = member(data, "bounce")
    kind = _WORDS.get(word, EventKind.UNKNOWN)
    lasting = _LASTING.get(text_in(bounce, "type"), Lasting.UNDETERMINED) if kind is EventKind.BOUNCED else None
    if kind is EventKind.BOUNCED and text_in(bounce, "subType") in _LISTED:  # it was not tried
        kind = EventKind.REJECTED
    people = [one for name in ("to", "cc", "bcc") for one in _listed(member(data, name))]
    if len(people) > 1 and word not in _OF_ALL:
        people = []
    tags, metadata = unpaired(_pairs(member(data, "tags")))
    for recipient in people or [None]:
        yield ProviderEvent(
            kind=kind,
            provider="resend",
            event_id=named_by("resend", name, recipient),
            word=word,
            recipient=_bare(recipient),
            at=seconds_of(document.get("created_at")),
            remote_id=text_or_none(member(data, "email_id")),
            message_id=text_or_none(member(data, "message_id")),
            lasting=lasting,
            description=text_in(bounce, "message") or text_in(data, "failed", "reason"),
            url=text_or_none(member(data, "click", "link")),
            user_agent=text_or_none(member(data, "click", "userAgent")),
            tags=tags,
            metadata=metadata,
            raw=document,
        )


def _listed(people: object) -> list[Any]:
    return people if isinstance(people, list) else [people] if isinstance(people, str) and people else []


def _bare(recipient: object) -> str | None:
    text = text_or_none(recipient)
    return text if text is None or not text.endswith(">") else text[:-1].rpartition("<")[2]


def _pairs(told: object) -> Iterable[tuple[str, str]]:
    """An object, or a list of names and values: Resend has told both."""
    if isinstance(told, dict):
        return [(str(name), str(value)) for name, value in told.items()]
    listed = told if isinstance(told, list) else []
    return [(text_in(one, "name"), text_in(one, "value")) for one in listed]
