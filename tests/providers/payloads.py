"""Webhook payloads in the forms that the providers document, each with what it means."""

from typing import Any, Final

from postroad.events import EventKind
from postroad.providers.event import Lasting

Cases = dict[str, tuple[Any, dict[str, Any]]]

# https://postmarkapp.com/developer/webhooks
POSTMARK: Final[Cases] = {
    "delivery": (
        {
            "RecordType": "Delivery",
            "ServerID": 23,
            "MessageStream": "outbound",
            "MessageID": "00000000-0000-0000-0000-000000000000",
            "Recipient": "john@example.com",
            "Tag": "welcome-email",
            "DeliveredAt": "2021-02-21T16:34:52Z",
            "Details": "Test delivery webhook details",
            "Metadata": {"example": "value", "example_2": "value"},
        },
        {
            "kind": EventKind.DELIVERED,
            "recipient": "john@example.com",
            "remote_id": "00000000-0000-0000-0000-000000000000",
            "at": 1613925292.0,
            "tags": ("welcome-email",),
            "metadata": {"example": "value", "example_2": "value"},
        },
    ),
    "hard bounce": (
        {
            "RecordType": "Bounce",
            "ID": 42,
            "Type": "HardBounce",
            "TypeCode": 1,
            "Name": "Hard bounce",
            "Tag": "Test",
            "MessageID": "00000000-0000-0000-0000-000000000000",
            "ServerID": 1234,
            "MessageStream": "outbound",
            "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
            "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
            "Email": "john@example.com",
            "From": "sender@example.com",
            "BouncedAt": "2021-02-21T16:34:52.1234567-05:00",
            "DumpAvailable": True,
            "Inactive": True,
            "CanActivate": True,
            "Subject": "Test subject",
            "Metadata": {},
        },
        {
            "kind": EventKind.BOUNCED,
            "lasting": Lasting.PERMANENT,
            "event_id": "postmark:42",
            "recipient": "john@example.com",
            "word": "HardBounce",
        },
    ),
    "suppressed after its bounce": (
        {
            "RecordType": "SubscriptionChange",
            "MessageID": "00000000-0000-0000-0000-000000000000",
            "ChangedAt": "2021-02-21T21:34:52Z",
            "Recipient": "john@example.com",
            "Origin": "Recipient",
            "SuppressSending": True,
            "SuppressionReason": "HardBounce",
        },
        {"kind": EventKind.SUPPRESSED, "word": "HardBounce", "lasting": None},
    ),
    "transient": (
        {"RecordType": "Bounce", "ID": 43, "Type": "Transient", "Email": "john@example.com"},
        {"kind": EventKind.DELAYED, "lasting": None},
    ),
    "a type of bounce that is new": (
        {"RecordType": "Bounce", "ID": 44, "Type": "Novelty", "Email": "john@example.com"},
        {"kind": EventKind.BOUNCED, "lasting": Lasting.UNDETERMINED},
    ),
    "complaint": (
        {"RecordType": "SpamComplaint", "ID": 45, "Type": "SpamComplaint", "Email": "john@example.com"},
        {"kind": EventKind.COMPLAINED},
    ),
    "unsubscribed": (
        {
            "RecordType": "SubscriptionChange",
            "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
            "ChangedAt": "2020-02-01T10:53:34.416071Z",
            "Recipient": "john@example.com",
            "Origin": "Recipient",
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        },
        {"kind": EventKind.UNSUBSCRIBED, "word": "ManualSuppression"},
    ),
    "subscribed again": (
        {"RecordType": "SubscriptionChange", "Recipient": "john@example.com", "SuppressSending": False},
        {"kind": EventKind.SUBSCRIBED},
    ),
    "open": (
        {
            "RecordType": "Open",
            "FirstOpen": True,
            "UserAgent": "Mozilla/5.0",
            "MessageID": "00000000-0000-0000-0000-000000000000",
            "ReceivedAt": "2021-02-21T16:34:52Z",
            "Recipient": "john@example.com",
        },
        {"kind": EventKind.OPENED, "user_agent": "Mozilla/5.0"},
    ),
    "click": (
        {
            "RecordType": "Click",
            "OriginalLink": "https://example.com",
            "MessageID": "00000000-0000-0000-0000-000000000000",
            "ReceivedAt": "2021-02-21T16:34:52Z",
            "Recipient": "john@example.com",
        },
        {"kind": EventKind.CLICKED, "url": "https://example.com"},
    ),
}

_SENDGRID_BOUNCE: Final = {
    "email": "a@example.com", "timestamp": 1, "event": "bounce", "type": "bounce", "status": "5.0.0",
}  # fmt: skip

# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
SENDGRID: Final[Cases] = {
    "delivered": (
        {
            "email": "example@test.example.com",
            "timestamp": 1513299569,
            "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
            "event": "delivered",
            "category": "cat facts",
            "sg_event_id": "rWVYmVk90MjZJ9iohOBa3w==",
            "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "response": "250 OK",
        },
        {
            "kind": EventKind.DELIVERED,
            "event_id": "sendgrid:rWVYmVk90MjZJ9iohOBa3w==",
            "at": 1513299569.0,
            "message_id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
            "tags": ("cat facts",),
            "reply": "250 OK",
            "metadata": {},
        },
    ),
    "bounce": (
        {
            "email": "example@test.example.com",
            "timestamp": 1513299569,
            "event": "bounce",
            "category": ["cat facts"],
            "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==",
            "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "reason": "500 unknown recipient",
            "status": "5.0.0",
            "type": "bounce",
        },
        {
            "kind": EventKind.BOUNCED,
            "lasting": Lasting.PERMANENT,
            "status": "5.0.0",
            "reply": "500 unknown recipient",
        },
    ),
    "bounce of an address that is none": (
        {**_SENDGRID_BOUNCE, "bounce_classification": "Invalid Address"},
        {"kind": EventKind.BOUNCED, "lasting": Lasting.PERMANENT},
    ),
    "bounce of a full mailbox": (
        {**_SENDGRID_BOUNCE, "reason": "552 mailbox is full", "status": "5.2.2"},
        {"kind": EventKind.BOUNCED, "lasting": Lasting.TEMPORARY},
    ),
    "bounce of a full mailbox without a status": (
        {**_SENDGRID_BOUNCE, "reason": "552 over quota"},
        {"kind": EventKind.BOUNCED, "lasting": Lasting.TEMPORARY},
    ),
    "bounce of its content": (
        {**_SENDGRID_BOUNCE, "bounce_classification": "Content", "reason": "550 looks like spam"},
        {"kind": EventKind.BOUNCED, "lasting": Lasting.UNDETERMINED},
    ),
    "bounce of a policy": (
        {**_SENDGRID_BOUNCE, "reason": "550 5.7.1 rejected by policy", "status": "5.7.1"},
        {"kind": EventKind.BOUNCED, "lasting": Lasting.UNDETERMINED},
    ),
    "bounce of a message that was too old": (
        {**_SENDGRID_BOUNCE, "type": "expired", "reason": "unable to get mx info", "status": ""},
        {"kind": EventKind.BOUNCED, "lasting": Lasting.TEMPORARY},
    ),
    "deferred": (
        {"email": "a@example.com", "timestamp": 1, "event": "deferred", "response": "400 try again later"},
        {"kind": EventKind.DELAYED, "reply": "400 try again later"},
    ),
    "processed": (
        {"email": "a@example.com", "timestamp": 1, "event": "processed", "order": "12345"},
        {"kind": EventKind.SENT, "metadata": {"order": "12345"}},
    ),
    "dropped": (
        {"email": "a@example.com", "timestamp": 1, "event": "dropped", "reason": "Bounced Address", "status": "5.0.0"},
        {"kind": EventKind.REJECTED, "description": "Bounced Address", "reply": ""},
    ),
    "open": (
        {"email": "a@example.com", "timestamp": 1, "event": "open", "useragent": "Mozilla/4.0", "sg_event_id": "o"},
        {"kind": EventKind.OPENED, "user_agent": "Mozilla/4.0"},
    ),
    "click": (
        {"email": "a@example.com", "timestamp": 1, "event": "click", "url": "http://www.sendgrid.com/"},
        {"kind": EventKind.CLICKED, "url": "http://www.sendgrid.com/"},
    ),
    "spamreport": (
        {"email": "a@example.com", "timestamp": 1, "event": "spamreport"},
        {"kind": EventKind.COMPLAINED},
    ),
    "group unsubscribe": (
        {"email": "a@example.com", "timestamp": 1, "event": "group_unsubscribe", "asm_group_id": 10},
        {"kind": EventKind.UNSUBSCRIBED, "metadata": {}},
    ),
}

_MAILGUN_MESSAGE: Final = {
    "headers": {
        "to": "Alice <alice@example.com>",
        "message-id": "20130503182626.18666.16540@a.example",
        "from": "Bob <bob@a.example>",
        "subject": "Test",
    },
    "attachments": [],
    "size": 111,
}


def _mailgun_failure(reason: str, code: int, message: str, **more: str) -> dict[str, Any]:
    return {
        "event": "failed", "id": "f", "timestamp": 1.5, "severity": "permanent", "reason": reason,
        "recipient": "alice@example.com", "delivery-status": {"code": code, "message": message, **more},
    }  # fmt: skip


# https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads
MAILGUN: Final[Cases] = {
    "delivered": (
        {
            "event": "delivered",
            "id": "CPgfbmQMTCKtHW6uIWtuVe",
            "timestamp": 1521472262.908181,
            "recipient": "alice@example.com",
            "recipient-domain": "example.com",
            "delivery-status": {
                "tls": True,
                "mx-host": "smtp-in.example.com",
                "code": 250,
                "description": "",
                "session-seconds": 0.43,
                "message": "OK",
            },
            "message": _MAILGUN_MESSAGE,
            "tags": ["my_tag_1", "my_tag_2"],
            "user-variables": {"my_var_1": "Mailgun Variable #1", "my-var-2": "awesome"},
        },
        {
            "kind": EventKind.DELIVERED,
            "recipient": "alice@example.com",
            "remote_id": "<20130503182626.18666.16540@a.example>",
            "message_id": "<20130503182626.18666.16540@a.example>",
            "at": 1521472262.908181,
            "reply": "OK",
            "tags": ("my_tag_1", "my_tag_2"),
            "metadata": {"my_var_1": "Mailgun Variable #1", "my-var-2": "awesome"},
        },
    ),
    "failed for good": (
        {
            "event": "failed",
            "id": "G9Bn5sl1TC6nu79C8C0bwg",
            "timestamp": 1521233195.375624,
            "severity": "permanent",
            "reason": "bounce",
            "recipient": "alice@example.com",
            "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": "No such user", "description": ""},
            "message": _MAILGUN_MESSAGE,
            "user-variables": [],
        },
        {
            "kind": EventKind.BOUNCED,
            "lasting": Lasting.PERMANENT,
            "status": "5.1.1",
            "reply": "No such user",
            "description": "bounce",
            "metadata": {},
        },
    ),
    "tried for too long": (
        _mailgun_failure("old", 602, "Too old"),
        {"kind": EventKind.BOUNCED, "lasting": Lasting.TEMPORARY},
    ),
    "too old, under another reason": (
        _mailgun_failure("generic", 602, "Too old"),
        {"lasting": Lasting.TEMPORARY},
    ),
    "blocked by the provider of the mailbox": (
        _mailgun_failure("espblock", 550, "Our system has detected an unusual rate of mail"),
        {"kind": EventKind.BOUNCED, "lasting": Lasting.UNDETERMINED},
    ),
    "refused as spam": (
        _mailgun_failure("bounce", 550, "5.7.1 message looks like spam"),
        {"kind": EventKind.BOUNCED, "lasting": Lasting.UNDETERMINED},
    ),
    "a full mailbox": (
        _mailgun_failure("bounce", 552, "mailbox full", **{"enhanced-code": "5.2.2"}),
        {"kind": EventKind.BOUNCED, "lasting": Lasting.TEMPORARY},
    ),
    "an unknown user without a status": (
        _mailgun_failure("bounce", 550, "No such user"),
        {"kind": EventKind.BOUNCED, "lasting": Lasting.PERMANENT},
    ),
    "not tried after an unsubscription": (
        {"event": "failed", "severity": "permanent", "reason": "suppress-unsubscribe", "recipient": "a@example.com"},
        {"kind": EventKind.REJECTED, "lasting": None},
    ),
    "not tried": (
        {"event": "failed", "severity": "permanent", "reason": "suppress-bounce", "recipient": "alice@example.com"},
        {"kind": EventKind.REJECTED, "lasting": Lasting.PERMANENT},
    ),
    "failed for now": (
        {
            "event": "failed",
            "id": "Fs7-5t81S2ajQSdYmMWeQg",
            "timestamp": 1521472262.9,
            "severity": "temporary",
            "reason": "generic",
            "recipient": "alice@example.com",
            "delivery-status": {"code": 452, "attempt-no": 1, "message": "4.2.2 over quota", "retry-seconds": 600},
        },
        {"kind": EventKind.DELAYED, "lasting": None, "reply": "4.2.2 over quota"},
    ),
    "rejected": (
        {"event": "rejected", "id": "r", "timestamp": 1.5, "reject": {"reason": "Sandbox subdomains are for test"}},
        {"kind": EventKind.REJECTED, "description": "Sandbox subdomains are for test"},
    ),
    "complained": (
        {"event": "complained", "id": "c", "timestamp": 1.5, "recipient": "alice@example.com"},
        {"kind": EventKind.COMPLAINED},
    ),
    "clicked": (
        {
            "event": "clicked",
            "id": "k",
            "timestamp": 1.5,
            "recipient": "alice@example.com",
            "url": "http://mailgun.com",
            "client-info": {"user-agent": "Mozilla/5.0", "client-type": "browser"},
        },
        {"kind": EventKind.CLICKED, "url": "http://mailgun.com", "user_agent": "Mozilla/5.0"},
    ),
    "unsubscribed": (
        {"event": "unsubscribed", "id": "u", "timestamp": 1.5, "recipient": "alice@example.com"},
        {"kind": EventKind.UNSUBSCRIBED},
    ),
}


def _resend(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "type": f"email.{kind}",
        "created_at": "2024-11-22T23:41:12.126Z",
        "data": {
            "created_at": "2024-11-22T23:41:11.894719+00:00",
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "from": "Acme <onboarding@a.example>",
            "to": ["delivered@example.com"],
            "subject": "Sending this example",
            "tags": {"category": "confirm_email", "tag_1": "welcome"},
            **more,
        },
    }


# https://resend.com/docs/dashboard/webhooks/event-types
RESEND: Final[Cases] = {
    "delivered": (
        _resend("delivered"),
        {
            "kind": EventKind.DELIVERED,
            "recipient": "delivered@example.com",
            "remote_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "tags": ("welcome",),
            "metadata": {"category": "confirm_email"},
        },
    ),
    "sent": (_resend("sent"), {"kind": EventKind.SENT}),
    "delayed": (_resend("delivery_delayed"), {"kind": EventKind.DELAYED}),
    "bounced": (
        _resend(
            "bounced",
            bounce={
                "message": "The recipient's email address is on the suppression list.",
                "subType": "Suppressed",
                "type": "Permanent",
            },
        ),
        {
            "kind": EventKind.REJECTED,
            "lasting": Lasting.PERMANENT,
            "description": "The recipient's email address is on the suppression list.",
        },
    ),
    "bounced, to one of several": (
        _resend("bounced", to=["a@example.com", "b@example.com"], bounce={"type": "Permanent", "subType": "General"}),
        {"kind": EventKind.BOUNCED, "recipient": None, "lasting": Lasting.PERMANENT},
    ),
    "bounced, to To or to Cc": (
        _resend("bounced", cc=["b@example.com"], bounce={"type": "Permanent", "subType": "General"}),
        {"kind": EventKind.BOUNCED, "recipient": None},
    ),
    "complained": (_resend("complained"), {"kind": EventKind.COMPLAINED}),
    "opened": (_resend("opened"), {"kind": EventKind.OPENED}),
    "clicked": (
        _resend("clicked", click={"link": "https://resend.com", "userAgent": "Mozilla/5.0"}),
        {"kind": EventKind.CLICKED, "url": "https://resend.com", "user_agent": "Mozilla/5.0"},
    ),
    "failed": (
        _resend("failed", failed={"reason": "reached_daily_quota"}),
        {"kind": EventKind.FAILED, "description": "reached_daily_quota"},
    ),
    "tags as a list, a mailbox with its name": (
        _resend("sent", tags=[{"name": "category", "value": "x"}], to=["Ann <ann@example.com>"]),
        {"metadata": {"category": "x"}, "recipient": "ann@example.com"},
    ),
}

_SES_MAIL: Final = {
    "timestamp": "2016-10-14T05:02:16.645Z",
    "source": "sender@a.example",
    "sendingAccountId": "123456789012",
    "messageId": "7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
    "destination": ["recipient@example.com"],
    "headersTruncated": False,
    "headers": [{"name": "From", "value": "sender@a.example"}],
    "commonHeaders": {
        "from": ["sender@a.example"],
        "to": ["recipient@example.com"],
        "messageId": "<one@a.example>",
        "subject": "Message sent from Amazon SES",
    },
    "tags": {"ses:configuration-set": ["ConfigSet"], "campaign": ["spring"], "tag_1": ["welcome"]},
}


def _ses_subscription(before: str, after: str, *, leaves: bool = False) -> dict[str, Any]:
    def preferences(status: str, unsubscribed: bool) -> dict[str, Any]:
        topics = [{"topicName": "spring", "subscriptionStatus": status}]
        return {"unsubscribeAll": unsubscribed, "topicSubscriptionStatus": topics}

    about = {
        "contactList": "letters", "timestamp": "2022-01-12T01:00:17.910Z", "source": "UnsubscribeHeader",
        "newTopicPreferences": preferences(after, leaves), "oldTopicPreferences": preferences(before, False),
    }  # fmt: skip
    return {"eventType": "Subscription", "mail": _SES_MAIL, "subscription": about}


_SES_ID: Final = _SES_MAIL["messageId"]

# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
SES: Final[Cases] = {
    "delivery": (
        {
            "eventType": "Delivery",
            "mail": _SES_MAIL,
            "delivery": {
                "timestamp": "2016-10-19T23:21:04.133Z",
                "processingTimeMillis": 11893,
                "recipients": ["recipient@example.com"],
                "smtpResponse": "250 2.6.0 Message received",
                "reportingMTA": "mta.example.com",
            },
        },
        {
            "kind": EventKind.DELIVERED,
            "recipient": "recipient@example.com",
            "remote_id": _SES_ID,
            "message_id": "<one@a.example>",
            "reply": "250 2.6.0 Message received",
            "status": "2.6.0",
            "at": 1476919264.133,
            "tags": ("welcome",),
            "metadata": {"campaign": "spring"},
        },
    ),
    "bounce": (
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [
                    {
                        "emailAddress": "jane@example.com",
                        "action": "failed",
                        "status": "5.1.1",
                        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                    }
                ],
                "timestamp": "2017-08-05T00:41:02.669Z",
                "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
                "reportingMTA": "dsn; mta.example.com",
            },
            "mail": _SES_MAIL,
        },
        {
            "kind": EventKind.BOUNCED,
            "lasting": Lasting.PERMANENT,
            "recipient": "jane@example.com",
            "status": "5.1.1",
            "reply": "smtp; 550 5.1.1 user unknown",
            "description": "Permanent: General",
        },
    ),
    "a notification instead of an event": (
        {
            "notificationType": "Bounce",
            "bounce": {"bounceType": "Transient", "bouncedRecipients": [{"emailAddress": "jane@example.com"}]},
            "mail": _SES_MAIL,
        },
        {"kind": EventKind.BOUNCED, "lasting": Lasting.TEMPORARY},
    ),
    "complaint": (
        {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": "recipient@example.com"}],
                "timestamp": "2017-08-05T00:41:02.669Z",
                "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
                "userAgent": "Mozilla/5.0",
                "complaintFeedbackType": "abuse",
            },
            "mail": _SES_MAIL,
        },
        {"kind": EventKind.COMPLAINED, "feedback_type": "abuse", "user_agent": "Mozilla/5.0"},
    ),
    "no complaint at all": (
        {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": "recipient@example.com"}],
                "complaintFeedbackType": "not-spam",
            },
            "mail": _SES_MAIL,
        },
        {"kind": EventKind.UNKNOWN, "feedback_type": "not-spam"},
    ),
    "not tried: on the list": (
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "OnAccountSuppressionList",
                "bouncedRecipients": [{"emailAddress": "jane@example.com"}],
            },
            "mail": _SES_MAIL,
        },
        {"kind": EventKind.REJECTED, "lasting": Lasting.PERMANENT, "recipient": "jane@example.com"},
    ),
    "not tried: it has left": (
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "UnsubscribedRecipient",
                "bouncedRecipients": [{"emailAddress": "jane@example.com"}],
            },
            "mail": _SES_MAIL,
        },
        {"kind": EventKind.REJECTED, "lasting": None},
    ),
    "no new complaint": (
        {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": "recipient@example.com"}],
                "complaintSubType": "OnAccountSuppressionList",
            },
            "mail": _SES_MAIL,
        },
        {"kind": EventKind.REJECTED, "recipient": "recipient@example.com"},
    ),
    "a complaint of one of two": (
        {
            "eventType": "Complaint",
            "complaint": {"complainedRecipients": [{"emailAddress": "a@example.com"}, {"emailAddress": "b@x.example"}]},
            "mail": _SES_MAIL,
        },
        {"kind": EventKind.COMPLAINED, "recipient": None},
    ),
    "subscribed": (_ses_subscription("OptOut", "OptIn"), {"kind": EventKind.SUBSCRIBED}),
    "unsubscribed from a topic": (_ses_subscription("OptIn", "OptOut"), {"kind": EventKind.UNSUBSCRIBED}),
    "unsubscribed from all": (
        _ses_subscription("OptIn", "OptIn", leaves=True),
        {"kind": EventKind.UNSUBSCRIBED, "recipient": "recipient@example.com", "description": "UnsubscribeHeader"},
    ),
    "send": ({"eventType": "Send", "mail": _SES_MAIL, "send": {}}, {"kind": EventKind.SENT}),
    "reject": (
        {"eventType": "Reject", "mail": _SES_MAIL, "reject": {"reason": "Bad content"}},
        {"kind": EventKind.REJECTED, "description": "Bad content"},
    ),
    "delay": (
        {
            "eventType": "DeliveryDelay",
            "mail": _SES_MAIL,
            "deliveryDelay": {
                "timestamp": "2020-06-16T00:25:40.095Z",
                "delayType": "TransientCommunicationFailure",
                "expirationTime": "2020-06-16T00:25:40.914Z",
                "delayedRecipients": [
                    {"emailAddress": "recipient@example.com", "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1"}
                ],
            },
        },
        {"kind": EventKind.DELAYED, "status": "4.4.1", "description": "TransientCommunicationFailure"},
    ),
    "open": (
        {
            "eventType": "Open",
            "mail": _SES_MAIL,
            "open": {"ipAddress": "192.0.2.1", "timestamp": "2017-08-09T22:00:19.652Z", "userAgent": "Mozilla/5.0"},
        },
        {"kind": EventKind.OPENED, "recipient": "recipient@example.com", "user_agent": "Mozilla/5.0"},
    ),
    "click": (
        {
            "eventType": "Click",
            "mail": _SES_MAIL,
            "click": {"link": "http://docs.aws.amazon.com/", "timestamp": "2017-08-09T23:51:25.570Z"},
        },
        {"kind": EventKind.CLICKED, "url": "http://docs.aws.amazon.com/"},
    ),
    "rendering failure": (
        {
            "eventType": "Rendering Failure",
            "mail": _SES_MAIL,
            "failure": {"errorMessage": "Attribute 'x' is not present.", "templateName": "MyTemplate"},
        },
        {"kind": EventKind.FAILED, "description": "Attribute 'x' is not present."},
    ),
}

ALL: Final = {"mailgun": MAILGUN, "postmark": POSTMARK, "resend": RESEND, "sendgrid": SENDGRID, "ses": SES}
