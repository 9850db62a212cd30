"""Mailgun's webhooks, one event each, with an HMAC over a timestamp and a token.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads
"""

import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from postroad.events import EventKind
from postroad.providers.answers import member, text_in
from postroad.providers.event import (
    Lasting,
    ProviderEvent,
    Receiver,
    Webhook,
    fresh,
    lasting_of,
    mapping,
    named_by,
    same,
    seconds_of,
    text_or_none,
    texts,
)
from postroad.secret import Secret

# Seconds: Mailgun tries for eight hours to be heard.
TOLERANCE: Final = 9 * 3600.0
_TOO_OLD: Final = 602  # Mailgun's own code: it has tried for long enough
_REFUSED: Final = (550, 551, 553)  # RFC 5321 §4.2.3: codes about a mailbox
REMEMBERED: Final = 10_000  # tokens; some megabytes
_WORDS: Final = {
    "accepted": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "rejected": EventKind.REJECTED,
    "complained": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "opened": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
}


class MailgunReceiver(Receiver):
    """Reads Mailgun's webhooks. ``signing_key`` is the HTTP webhook signing key.

    The signature does not cover the event, so a token that was seen with one event is refused with another.
    """

    provider = "mailgun"

    def __init__(self, signing_key: Secret | str) -> None:
        self._key = Secret(signing_key)
        self._seen: OrderedDict[str, str] = OrderedDict()

    def check(self, webhook: Webhook, now: datetime) -> None:
        document = self._document(webhook)
        timestamp, token, signature = (text_in(document, "signature", name) for name in _SIGNATURE)
        expected = hmac.new(self._key.reveal().encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        if not token or not same(signature, expected):
            raise self.refused("the signature is missing or wrong")
        if not (timestamp.isdecimal() and fresh(float(timestamp), now, TOLERANCE)):
            raise self.refused("the webhook is too old, or this machine's clock is wrong")
        told = json.dumps(member(document, "event-data"), sort_keys=True)
        digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        if self._seen.setdefault(token, digest) != digest:
            raise self.refused("its token was used for another event")
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def read(self, webhook: Webhook) -> Iterable[ProviderEvent]:
        event = member(self._document(webhook), "event-data")
        if not isinstance(event, dict):
            raise self.refused("the webhook has no event-data")
        yield _event(event)

    def _document(self, webhook: Webhook) -> Mapping[str, Any]:
        try:
            document = json.loads(webhook.body)
        except (ValueError, RecursionError):
            raise self.refused("the webhook is no JSON") from None
        if not isinstance(document, dict):
            raise self.refused("the webhook is no event")
        return document


_SIGNATURE: Final = ("timestamp", "token", "signature")


def _event(event: Mapping[str, Any]) -> ProviderEvent:
    word = str(event.get("event", ""))
    kind, lasting = _meaning(word, event)
    status = member(event, "delivery-status")
    header_id = member(event, "message", "headers", "message-id")
    remote_id = None if not header_id else f"<{str(header_id).strip('<>')}>"
    return ProviderEvent(
        kind=kind,
        provider="mailgun",
        # An id is unique within a day, says Mailgun; with its time it is for ever.
        event_id=named_by("mailgun", event.get("id"), event.get("timestamp"), word, event.get("recipient")),
        word=word,
        recipient=text_or_none(event.get("recipient")),
        at=seconds_of(event.get("timestamp")),
        remote_id=remote_id,
        message_id=remote_id,
        lasting=lasting,
        reply=text_in(status, "message"),
        status=text_or_none(member(status, "enhanced-code")),
        description=text_in(status, "description") or text_in(event, "reject", "reason") or text_in(event, "reason"),
        url=text_or_none(event.get("url")),
        user_agent=text_or_none(member(event, "client-info", "user-agent")),
        tags=texts(event.get("tags")),
        metadata=mapping(event.get("user-variables")),
        raw=event,
    )


def _meaning(word: str, event: Mapping[str, Any]) -> tuple[EventKind, Lasting | None]:
    if word != "failed":
        return _WORDS.get(word, EventKind.UNKNOWN), None
    if event.get("severity") == "temporary":
        return EventKind.DELAYED, None
    reason = str(event.get("reason", ""))
    if reason.startswith("suppress"):  # it was not tried: the address is on Mailgun's list
        return EventKind.REJECTED, Lasting.PERMANENT if reason == "suppress-bounce" else None
    return EventKind.BOUNCED, _lasting(reason, member(event, "delivery-status"))


def _lasting(reason: str, status: Any) -> Lasting:
    """Severity "permanent" says that Mailgun tries no more; only some reasons are about the address."""
    if reason == "old":  # it was tried for too long
        return Lasting.TEMPORARY
    if reason not in ("bounce", "generic"):  # "espblock", "spam" and the like are of the sender or of the message
        return Lasting.UNDETERMINED
    code = member(status, "code")
    if code == _TOO_OLD:
        return Lasting.TEMPORARY
    hard = reason == "bounce" and code in _REFUSED and text_in(status, "bounce-type") != "soft"
    otherwise = Lasting.PERMANENT if hard else Lasting.UNDETERMINED
    words = text_in(status, "message") or text_in(status, "description")
    return lasting_of(text_in(status, "enhanced-code"), f"{code} {words}", otherwise)
