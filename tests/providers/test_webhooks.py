"""Webhooks as the providers document them: signed by independent libraries and by published vectors, then altered."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
import resend
from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from sendgrid.helpers.eventwebhook import EventWebhook

from postroad.errors import ConfigurationError, WebhookRefused
from postroad.events import EventKind
from postroad.lookup import Fetched, FetchFailed
from postroad.providers.event import Lasting, ProviderEvent, Receiver, Webhook, received
from postroad.providers.mailgun.events import MailgunReceiver
from postroad.providers.postmark.events import PostmarkReceiver
from postroad.providers.registry import PROVIDERS, receiver_class
from postroad.providers.resend.events import ResendReceiver
from postroad.providers.sendgrid.events import SendGridReceiver
from postroad.providers.ses.events import SesReceiver
from tests.providers import payloads

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
SVIX_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MAILGUN_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


@cache
def certificate(key: rsa.RSAPrivateKey = RSA_KEY, until: datetime = NOW + timedelta(days=30)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(until - timedelta(days=60)).not_valid_after(until).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


@cache
def public_key() -> str:
    der = EC_KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


# ── how each provider signs, done without postroad ────────────────────────────────────────────────────────────────────


def by_postmark(document: Any, at: datetime = NOW) -> Webhook:
    credentials = base64.b64encode(b"hook:s3cret").decode()
    return Webhook(json.dumps(document).encode(), {"authorization": f"Basic {credentials}"})


def by_sendgrid(document: Any, at: datetime = NOW) -> Webhook:
    body, timestamp = json.dumps(document).encode(), str(int(at.timestamp()))
    signature = base64.b64encode(EC_KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    assert EventWebhook(public_key()).verify_signature(body.decode(), signature, timestamp)
    return Webhook(
        body,
        {
            "x-twilio-email-event-webhook-signature": signature,
            "x-twilio-email-event-webhook-timestamp": timestamp,
        },
    )


def by_mailgun(document: Any, at: datetime = NOW, token: str = "t0ken") -> Webhook:
    timestamp = str(int(at.timestamp()))
    digest = hmac.HMAC(MAILGUN_KEY.encode(), hashes.SHA256())
    digest.update(f"{timestamp}{token}".encode())
    signature = {"timestamp": timestamp, "token": token, "signature": digest.finalize().hex()}
    return Webhook(json.dumps({"signature": signature, "event-data": document}).encode())


def by_resend(document: Any, at: datetime = NOW) -> Webhook:
    body, timestamp = json.dumps(document).encode(), str(int(at.timestamp()))
    digest = hmac.HMAC(base64.b64decode(SVIX_SECRET.removeprefix("whsec_")), hashes.SHA256())
    digest.update(f"msg_1.{timestamp}.".encode() + body)
    signature = f"v1,{base64.b64encode(digest.finalize()).decode()}"
    return Webhook(body, {"svix-id": "msg_1", "svix-timestamp": timestamp, "svix-signature": f"v1,AAAA {signature}"})


def by_sns(document: Any, at: datetime = NOW, version: str = "2", **changes: Any) -> Webhook:
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": json.dumps(document),
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        **changes,
    }
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if message["Type"] != "Notification":
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()
    message["Signature"] = base64.b64encode(RSA_KEY.sign(text.encode(), padding.PKCS1v15(), digest)).decode()
    return Webhook(json.dumps(message).encode())


def ses_receiver() -> SesReceiver:
    receiver = SesReceiver([TOPIC])
    receiver.learn(CERTIFICATE_URL, certificate())
    return receiver


@dataclass(frozen=True)
class Way:
    """How a provider's webhooks are made and read, and one that it documents."""

    receiver: Callable[[], Receiver]
    signed: Callable[..., Webhook]
    example: Any
    alter: Callable[[Webhook], Webhook]


def altered_body(webhook: Webhook) -> Webhook:
    return replace(webhook, body=webhook.body.replace(b"example.com", b"example.org"))


def altered_token(webhook: Webhook) -> Webhook:  # the body is not signed there
    return replace(webhook, body=webhook.body.replace(b"t0ken", b"t1ken"))


def altered_password(webhook: Webhook) -> Webhook:  # nothing is signed there
    return replace(webhook, headers={"authorization": "Basic aG9vazpvdGhlcg=="})


WAYS = {
    "mailgun": Way(lambda: MailgunReceiver(MAILGUN_KEY), by_mailgun, payloads.MAILGUN["delivered"][0], altered_token),
    "postmark": Way(
        lambda: PostmarkReceiver("hook", "s3cret"), by_postmark, payloads.POSTMARK["delivery"][0], altered_password
    ),
    "resend": Way(lambda: ResendReceiver(SVIX_SECRET), by_resend, payloads.RESEND["delivered"][0], altered_body),
    "sendgrid": Way(
        lambda: SendGridReceiver(public_key()), by_sendgrid, [payloads.SENDGRID["delivered"][0]], altered_body
    ),
    "ses": Way(ses_receiver, by_sns, payloads.SES["delivery"][0], altered_body),
}


RECEIVERS = {name: way.receiver() for name, way in WAYS.items() if name != "mailgun"}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[str(request.param)]


def test_every_provider_is_here() -> None:
    assert set(WAYS) == set(PROVIDERS)
    assert all(type(way.receiver()) is receiver_class(name) for name, way in WAYS.items())


def test_a_signed_webhook_is_read(way: Way) -> None:
    (event,) = way.receiver().events(way.signed(way.example), NOW)
    assert event.kind is EventKind.DELIVERED


def test_an_altered_one_is_refused(way: Way) -> None:
    webhook = way.signed(way.example)
    assert way.alter(webhook) != webhook
    with pytest.raises(WebhookRefused):
        way.receiver().events(way.alter(webhook), NOW)


def test_one_that_is_not_signed_is_refused(way: Way) -> None:
    body = json.loads(way.signed(way.example).body)
    for name in ("signature", "Signature"):
        if isinstance(body, dict):
            body.pop(name, None)
    with pytest.raises(WebhookRefused):
        way.receiver().events(Webhook(json.dumps(body).encode()), NOW)


@pytest.mark.parametrize("name", [name for name in WAYS if name != "postmark"])  # which says no time
@pytest.mark.parametrize("days", [-2, 2])
def test_an_old_one_is_refused(name: str, days: int) -> None:
    way = WAYS[name]
    webhook = way.signed(way.example, NOW + timedelta(days=days))
    with pytest.raises(WebhookRefused, match="old"):
        way.receiver().events(webhook, NOW)


def test_told_twice_it_has_the_same_id(way: Way) -> None:
    receiver = way.receiver()
    first = receiver.events(way.signed(way.example), NOW)
    again = receiver.events(way.signed(way.example), NOW)
    assert [one.event_id for one in first] == [one.event_id for one in again]
    assert first[0].event_id.startswith(first[0].provider)


def test_what_is_no_webhook_is_refused_and_nothing_else_is_raised(way: Way) -> None:
    for body in (b"", b"[]", b"{}", b"null", b"[[]]", b"\xff", b'{"event-data": 1}', b"[" * 100_000, b'"x"'):
        try:
            events = way.receiver().events(Webhook(body, way.signed(way.example).headers), NOW)
        except WebhookRefused:
            continue
        assert all(one.kind is EventKind.UNKNOWN for one in events)


@given(document=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["RecordType", "Type", "event", "mail", "bounce", "data", "tags", "to", "type", "eventType",
                         "destination", "delivery", "recipients", "message", "headers", "timestamp", "x"]),
        inner, max_size=5)
), max_leaves=12))  # fmt: skip
def test_whatever_is_signed_is_read_or_refused(document: Any) -> None:
    for name, way in WAYS.items():
        try:
            events = RECEIVERS.get(name, way.receiver()).events(way.signed(document), NOW)
        except WebhookRefused:
            continue
        assert all(isinstance(one, ProviderEvent) for one in events)


# ── what the events say ───────────────────────────────────────────────────────────────────────────────────────────────


def _cases() -> list[Any]:
    return [
        pytest.param(WAYS[name], document, expected, id=f"{name}-{case}")
        for name, cases in payloads.ALL.items()
        for case, (document, expected) in cases.items()
    ]


@pytest.mark.parametrize(("way", "document", "expected"), _cases())
def test_a_documented_event_means(way: Way, document: Any, expected: dict[str, Any]) -> None:
    webhook = way.signed([document] if way is WAYS["sendgrid"] else document)
    events = way.receiver().events(webhook, NOW)
    event = events[0]
    assert {name: getattr(event, name) for name in expected} == expected
    assert event.raw == document
    assert len({one.event_id for one in events}) == len(events)


def test_an_unknown_word_is_kept_with_its_event() -> None:
    unknown = {
        "mailgun": {"event": "list_member_uploaded", "recipient": "bob@example.com", "id": "1", "timestamp": 1.0},
        "postmark": {"RecordType": "Novelty", "Recipient": "bob@example.com"},
        "resend": {"type": "email.novelty", "created_at": "2026-03-01T12:00:00Z", "data": {"to": ["bob@example.com"]}},
        "sendgrid": [{"event": "novelty", "email": "bob@example.com", "timestamp": 1}],
        "ses": {"eventType": "Novelty", "mail": {"messageId": "m", "destination": ["bob@example.com"]}},
    }
    for name, way in WAYS.items():
        (event,) = way.receiver().events(way.signed(unknown[name]), NOW)
        assert event.kind is EventKind.UNKNOWN, name
        assert event.recipient == "bob@example.com"
        assert event.raw == (unknown[name] if name != "sendgrid" else unknown[name][0])  # type: ignore[index]


def test_one_body_tells_each_event_once() -> None:
    way = WAYS["sendgrid"]
    events = way.receiver().events(way.signed([*way.example, *way.example, payloads.SENDGRID["open"][0]]), NOW)
    assert [one.kind for one in events] == [EventKind.DELIVERED, EventKind.OPENED]


def test_a_bounce_of_two_is_two_events() -> None:
    document = json.loads(json.dumps(payloads.SES["bounce"][0]))
    document["bounce"]["bouncedRecipients"].append({"emailAddress": "eve@example.com"})
    events = ses_receiver().events(by_sns(document), NOW)
    assert [one.recipient for one in events] == ["jane@example.com", "eve@example.com"]
    assert len({one.event_id for one in events}) == 2


def test_a_message_of_resend_that_went_to_two_was_sent_to_both() -> None:
    document = {"type": "email.sent", "data": {"to": ["a@example.com", "b@example.com"]}}
    events = WAYS["resend"].receiver().events(by_resend(document), NOW)
    assert [one.recipient for one in events] == ["a@example.com", "b@example.com"]


def test_a_bounce_of_postmark_and_the_suppression_behind_it_count_once() -> None:
    records = [payloads.POSTMARK[name][0] for name in ("hard bounce", "suppressed after its bounce")]
    kinds = [PostmarkReceiver("hook", "s3cret").events(by_postmark(one), NOW)[0].kind for one in records]
    assert kinds == [EventKind.BOUNCED, EventKind.SUPPRESSED]


@pytest.mark.parametrize("recipients", [5, "bob@example.com", {"a": 1}, None])
def test_recipients_that_are_no_list_are_none(recipients: Any) -> None:
    document = {"eventType": "Delivery", "mail": {"messageId": "m"}, "delivery": {"recipients": recipients}}
    assert ses_receiver().events(by_sns(document), NOW) == ()


@pytest.mark.parametrize("moment", [10**400, -(10**400), 1e300, float("nan"), "x"])
def test_a_moment_beyond_all_dates_is_none(moment: Any) -> None:
    document = {"RecordType": "Open", "Recipient": "bob@example.com", "ReceivedAt": moment}
    (event,) = PostmarkReceiver("hook", "s3cret").events(by_postmark(document), NOW)
    assert event.at is None


def test_a_header_field_that_cannot_be_encoded_is_a_wrong_signature() -> None:
    webhook = by_resend(payloads.RESEND["delivered"][0])
    broken = replace(webhook, headers={**webhook.headers, "svix-id": "msg_\udcff"})
    with pytest.raises(WebhookRefused, match="signature"):
        ResendReceiver(SVIX_SECRET).events(broken, NOW)


# ── published vectors ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_vector_of_sendgrids_library() -> None:
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8"
        "eNEc6wEA3F+g=="
    )
    event = {
        "email": "hello@world.com",
        "event": "dropped",
        "reason": "Bounced Address",
        "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
        "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
        "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
        "timestamp": 1600112492,
    }
    body = json.dumps([event], sort_keys=True, separators=(",", ":")).encode() + b"\r\n"
    headers = {
        "x-twilio-email-event-webhook-signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0J"
        "uG+luQAbPIqHh89M15TluLtEZtM=",
        "x-twilio-email-event-webhook-timestamp": "1600112502",
    }
    at = datetime.fromtimestamp(1600112502, UTC)
    (event_read,) = SendGridReceiver(key).events(Webhook(body, headers), at)
    assert (event_read.kind, event_read.recipient) == (EventKind.REJECTED, "hello@world.com")
    assert event_read.remote_id == "LRzXl_NHStOGhQ4kofSm_A"
    with pytest.raises(WebhookRefused):
        SendGridReceiver(key).events(Webhook(body.strip(), headers), at)  # the line end is signed, too


def test_the_vector_of_svix() -> None:
    headers = {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "svix-timestamp": "1614265330",
        "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    webhook = Webhook(b'{"test": 2432232314}', headers)
    (event,) = ResendReceiver(SVIX_SECRET).events(webhook, datetime.fromtimestamp(1614265330, UTC))
    assert event.kind is EventKind.UNKNOWN
    assert event.raw == {"test": 2432232314}


def test_resends_library_and_ours_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = by_resend(payloads.RESEND["delivered"][0])
    headers = {name: webhook.headers[f"svix-{name}"] for name in ("id", "timestamp", "signature")}
    options: Any = {"payload": webhook.body.decode(), "headers": headers, "webhook_secret": SVIX_SECRET}
    monkeypatch.setattr("time.time", NOW.timestamp)
    assert resend.Webhooks.verify(options)
    with pytest.raises(ValueError, match="signature"):
        resend.Webhooks.verify(options | {"payload": "{}"})


# ── Amazon SNS ────────────────────────────────────────────────────────────────────────────────────────────────────────


class NoFetcher:
    """Nobody may fetch anything; unless ``answer`` is given for everything."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def get(self, url: str, *, limit: int, timeout: float) -> Fetched | FetchFailed:
        self.asked.append(url)
        if self.answer is None:
            return FetchFailed(url, "no route to host")
        return Fetched(url, 200, "application/x-pem-file", self.answer)


def read_sns(webhook: Webhook, fetcher: NoFetcher, receiver: SesReceiver | None = None) -> tuple[ProviderEvent, ...]:
    return asyncio.run(received(receiver or SesReceiver([TOPIC]), webhook, NOW, fetcher))


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_certificate_is_fetched_once(version: str) -> None:
    fetcher, receiver = NoFetcher(certificate()), SesReceiver([TOPIC])
    for _ in range(2):
        assert read_sns(by_sns(payloads.SES["delivery"][0], version=version), fetcher, receiver)
    assert fetcher.asked == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    "url",
    [
        "https://attacker.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.attacker.example/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com@attacker.example/SimpleNotificationService-0.pem",
        "https://attacker.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem?x=https://a.example/",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem\n",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "file:///etc/passwd",
        None,
    ],
)
def test_a_certificate_elsewhere_is_refused_without_a_fetch(url: str | None) -> None:
    fetcher = NoFetcher(certificate())
    with pytest.raises(WebhookRefused, match="certificate"):
        read_sns(by_sns(payloads.SES["delivery"][0], SigningCertURL=url), fetcher)
    assert fetcher.asked == []


def test_a_topic_of_somebody_else_is_refused_without_a_fetch() -> None:
    fetcher = NoFetcher(certificate())
    other = by_sns(payloads.SES["delivery"][0], TopicArn="arn:aws:sns:eu-west-1:666666666666:mail")
    with pytest.raises(WebhookRefused, match="topic"):
        read_sns(other, fetcher)
    assert fetcher.asked == []


def test_another_key_an_expired_certificate_and_none_at_all_are_refused() -> None:
    webhook = by_sns(payloads.SES["delivery"][0])
    other = certificate(rsa.generate_private_key(65537, 2048))
    for content in (other, certificate(until=NOW - timedelta(days=1)), b"not a certificate", None):
        with pytest.raises(WebhookRefused):
            read_sns(webhook, NoFetcher(content))


def test_a_subscription_is_confirmed_at_amazons_only() -> None:
    url = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
    asked: dict[str, Any] = {"Type": "SubscriptionConfirmation", "Token": "2336", "SubscribeURL": url}
    receiver = ses_receiver()
    assert receiver.confirmation(by_sns({}, **asked), NOW) == url
    assert receiver.events(by_sns({}, **asked), NOW) == ()
    elsewhere = by_sns({}, **{**asked, "SubscribeURL": "https://attacker.example/?x"})
    assert receiver.confirmation(elsewhere, NOW) is None
    assert receiver.confirmation(by_sns(payloads.SES["delivery"][0]), NOW) is None


# ── the rest ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_mailguns_token_is_good_for_one_event_only() -> None:
    receiver = MailgunReceiver(MAILGUN_KEY)
    webhook = by_mailgun(payloads.MAILGUN["delivered"][0])
    assert receiver.events(webhook, NOW) == receiver.events(webhook, NOW)
    with pytest.raises(WebhookRefused, match="another event"):
        receiver.events(replace(webhook, body=webhook.body.replace(b"delivered", b"complained")), NOW)


def test_postmark_without_a_password_lets_everybody_in() -> None:
    assert PostmarkReceiver().events(Webhook(by_postmark(WAYS["postmark"].example).body), NOW)


@pytest.mark.parametrize("make", [lambda: SendGridReceiver("AAAA"), lambda: ResendReceiver("whsec_ü")])
def test_a_key_that_is_none_is_refused_at_once(make: Callable[[], Receiver]) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_a_bounce_says_how_long_it_lasts() -> None:
    assert Lasting.PERMANENT.value == "permanent"
    hard = {"type": "bounce"}
    soft = {"type": "blocked"}
    kinds = [
        WAYS["sendgrid"].receiver().events(by_sendgrid([{"event": "bounce", "email": "a@example.com", **one}]), NOW)[0]
        for one in (hard, soft)
    ]
    assert [one.lasting for one in kinds] == [Lasting.PERMANENT, Lasting.TEMPORARY]
