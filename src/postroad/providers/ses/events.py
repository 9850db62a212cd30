"""What Amazon SES reports, by SNS, in both of its forms: events of a configuration set, notifications of an identity.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html,
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from postroad.events import EventKind
from postroad.providers.answers import member
from postroad.providers.event import (
    Lasting,
    ProviderEvent,
    Receiver,
    Webhook,
    fresh,
    named_by,
    seconds_of,
    text_or_none,
)
from postroad.providers.pairs import unpaired
from postroad.providers.ses import sns

# Seconds; SNS tries again for an hour where an address of ours does not answer.
TOLERANCE: Final = 3600.0 + 300.0
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


class SesReceiver(Receiver):
    """Reads what SNS posts. ``topics`` are the ARNs of our own: anybody can have Amazon sign messages of his.

    The certificate that a message names is fetched by whoever calls: ``wants`` says which, ``learn`` takes it.
    """

    provider = "ses"

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = frozenset([topics] if isinstance(topics, str) else topics)
        self._certificates: dict[str, bytes] = {}

    def wants(self, webhook: Webhook) -> str | None:
        url = self._certificate_url(self._message(webhook))
        return None if url in self._certificates else url

    def learn(self, url: str, content: bytes) -> None:
        self._certificates[url] = content

    def check(self, webhook: Webhook, now: datetime) -> None:
        message = self._message(webhook)
        certificate = self._certificates.get(self._certificate_url(message))
        if certificate is None:
            raise self.refused("the certificate of the message has not been fetched")
        if not sns.is_signed(message, certificate, now):
            raise self.refused("the message is not signed by Amazon, or was altered")
        signed_at = seconds_of(message.get("Timestamp"))
        if signed_at is None or not fresh(signed_at, now, TOLERANCE):
            raise self.refused("the message is too old, or this machine's clock is wrong")

    def confirmation(self, webhook: Webhook, now: datetime) -> str | None:
        """The address to fetch, once, to confirm a subscription to one of our topics; ``None`` for other messages.

        Raises:
            WebhookRefused: see ``events``.
        """
        self.check(webhook, now)
        message = self._message(webhook)
        return sns.confirmation_url(message) if message["Type"] == "SubscriptionConfirmation" else None

    def read(self, webhook: Webhook) -> Iterable[ProviderEvent]:
        message = self._message(webhook)
        if message["Type"] != "Notification":
            return ()
        try:
            event = json.loads(str(message.get("Message")))
        except (ValueError, RecursionError):
            return ()  # "Successfully validated SNS topic for Amazon SES event publishing."
        return _events(event) if isinstance(event, dict) else ()

    def _message(self, webhook: Webhook) -> Mapping[str, Any]:
        try:
            message = json.loads(webhook.body)
        except (ValueError, RecursionError):
            raise self.refused("the webhook is no JSON") from None
        if not isinstance(message, dict) or message.get("Type") not in sns.KINDS:
            raise self.refused("the webhook is no message of SNS")
        if message.get("TopicArn") not in self._topics:
            raise self.refused("the message is of a topic that is not ours")
        return message

    def _certificate_url(self, message: Mapping[str, Any]) -> str:
        url = sns.certificate_url(message)
        if url is None:
            raise self.refused("the message names a certificate that is not at Amazon's")
        return url


# ── the event ─────────────────────────────────────────────────────────────────────────────────────────────────────


_LASTING: Final = {"Permanent": Lasting.PERMANENT, "Transient": Lasting.TEMPORARY}

_Details = Iterable[Mapping[str, Any]]


# What SES did not try, because the address is on a list of the account's, of Amazon's, or has left.
_NOT_TRIED: Final = frozenset({"Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient"})


def _bounced(about: Mapping[str, Any], _: list[Any]) -> _Details:
    listed, left = about.get("bounceSubType") in _NOT_TRIED, about.get("bounceSubType") == "UnsubscribedRecipient"
    lasting = _LASTING.get(str(about.get("bounceType")), Lasting.UNDETERMINED)
    for one in _objects(about.get("bouncedRecipients")):
        yield {
            "kind": EventKind.REJECTED if listed else EventKind.BOUNCED,
            "recipient": one.get("emailAddress"),
            "lasting": None if left else lasting,
            "reply": str(one.get("diagnosticCode") or ""),
            "status": text_or_none(one.get("status")),
            "description": f"{about.get('bounceType')}: {about.get('bounceSubType')}",
        }


def _complained(about: Mapping[str, Any], _: list[Any]) -> _Details:
    feedback, kind = text_or_none(about.get("complaintFeedbackType")), EventKind.COMPLAINED
    if feedback == "not-spam":  # RFC 5965 §7.3: the reverse of a complaint
        kind = EventKind.UNKNOWN
    elif about.get("complaintSubType") == "OnAccountSuppressionList":  # an old one: SES did not try the address
        kind = EventKind.REJECTED
    people = [one.get("emailAddress") for one in _objects(about.get("complainedRecipients"))]
    # With more than one they are those who may have complained, says SES: one of them has.
    for recipient in people if len(people) < 2 or kind is EventKind.REJECTED else [None]:
        yield {
            "kind": kind,
            "recipient": recipient,
            "feedback_type": feedback,
            "user_agent": text_or_none(about.get("userAgent")),
        }


def _delivered(about: Mapping[str, Any], _: list[Any]) -> _Details:
    reply = str(about.get("smtpResponse") or "")
    recipients = about.get("recipients")
    for one in recipients if isinstance(recipients, list) else ():
        yield {"kind": EventKind.DELIVERED, "recipient": str(one), "reply": reply}


def _delayed(about: Mapping[str, Any], _: list[Any]) -> _Details:
    for one in _objects(about.get("delayedRecipients")):
        yield {
            "kind": EventKind.DELAYED,
            "recipient": one.get("emailAddress"),
            "reply": str(one.get("diagnosticCode") or ""),
            "status": text_or_none(one.get("status")),
            "description": str(about.get("delayType") or ""),
        }


def _subscribed(about: Mapping[str, Any], destination: list[Any]) -> _Details:
    """A change of somebody's preferences: of one topic, or of all mail."""
    before, after = _wanted(about.get("oldTopicPreferences")), _wanted(about.get("newTopicPreferences"))
    more = bool(after - before) and not before - after
    kind = EventKind.SUBSCRIBED if more else EventKind.UNSUBSCRIBED
    return _all_of(kind, "source")(about, destination)


def _wanted(preferences: Any) -> frozenset[str]:
    """The topics whose mail is wanted, and the mail of no topic, which is an empty name."""
    told = preferences if isinstance(preferences, dict) else {}
    if told.get("unsubscribeAll") is not False:
        return frozenset()
    # Both names occur, in the description of the event and in its examples.
    topics = told.get("topicSubscriptionStatus") or told.get("topicDefaultSubscriptionStatus")
    wanted = (one for one in _objects(topics) if str(one.get("subscriptionStatus")).casefold() == "optin")
    return frozenset({"", *(str(one.get("topicName")) for one in wanted)})


def _all_of(kind: EventKind, *words: str) -> Callable[[Mapping[str, Any], list[Any]], _Details]:
    """SES does not say which recipient, so it is said of every one that it was sent to."""

    def details(about: Mapping[str, Any], destination: list[Any]) -> _Details:
        for one in destination:
            yield {
                "kind": kind,
                "recipient": one,
                "description": next((str(about[word]) for word in words if word in about), ""),
                "url": text_or_none(about.get("link")),
                "user_agent": text_or_none(about.get("userAgent")),
            }

    return details


# The event's word: under which name it is described, and what it means.
_KINDS: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any], list[Any]], _Details]]]] = {
    "Send": ("send", _all_of(EventKind.SENT)),
    "Delivery": ("delivery", _delivered),
    "DeliveryDelay": ("deliveryDelay", _delayed),
    "Bounce": ("bounce", _bounced),
    "Complaint": ("complaint", _complained),
    "Reject": ("reject", _all_of(EventKind.REJECTED, "reason")),
    "Rendering Failure": ("failure", _all_of(EventKind.FAILED, "errorMessage")),
    "Open": ("open", _all_of(EventKind.OPENED)),
    "Click": ("click", _all_of(EventKind.CLICKED)),
    "Subscription": ("subscription", _subscribed),
}


def _events(event: Mapping[str, Any]) -> Iterable[ProviderEvent]:
    word = str(event.get("eventType") or event.get("notificationType") or "")
    name, details = _KINDS.get(word, ("", _all_of(EventKind.UNKNOWN)))
    about, mail = member(event, name), member(event, "mail")
    about, mail = about if isinstance(about, dict) else {}, mail if isinstance(mail, dict) else {}
    destination = mail.get("destination")
    moment = about.get("timestamp") or mail.get("timestamp")
    told = member(mail, "tags")
    tags, metadata = unpaired(
        (str(key), str(value[0]))
        for key, value in (told.items() if isinstance(told, dict) else ())
        if isinstance(value, list) and value and not str(key).startswith("ses:")
    )
    for found in details(about, destination if isinstance(destination, list) and destination else [None]):
        recipient = text_or_none(found["recipient"])
        parts = (word, mail.get("messageId"), recipient, about.get("feedbackId"), moment, about.get("link"))
        yield ProviderEvent(
            **{
                **found,
                "recipient": recipient,
                "status": found.get("status") or _status_in(str(found.get("reply", ""))),
                "provider": "ses",
                "event_id": named_by("ses", *parts),
                "word": word,
                "at": seconds_of(moment),
                "remote_id": text_or_none(mail.get("messageId")),
                "message_id": text_or_none(member(mail, "commonHeaders", "messageId")),
                "tags": tags,
                "metadata": metadata,
                "raw": event,
            }
        )


def _objects(values: Any) -> list[Mapping[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _status_in(reply: str) -> str | None:
    found = _STATUS.search(reply)
    return found[0] if found else None
