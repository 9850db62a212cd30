"""Amazon SES's side of its API: SendEmail (Raw and Simple) and GetAccount, with the check of the signature.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message.envelope import Envelope, MailObject
from postroad.message.mailboxes import each_once
from postroad.message.metadata import Metadata
from postroad.message.parse import arguments_of_bytes
from postroad.message.raw import RawMessage
from postroad.providers.contract import HttpReply, HttpRequest
from postroad.providers.emulator import Emulator, file_of, letter, said_in_json
from postroad.providers.event import same
from postroad.providers.pairs import unpaired
from postroad.providers.ses import sigv4

_MOST_RECIPIENTS: Final = 50
_SKEW: Final = 300.0  # seconds that a signature may be away from now


class _Refused(Exception):
    """An error of SES."""

    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


class SesEmulator(Emulator):
    """An account in a region; ``key`` is its secret access key, ``key_id`` names it. ``refuses`` are addresses that
    are not verified, in a sandbox.
    """

    provider = "ses"

    def __init__(self, key: str = "test-key", *, key_id: str = "AKIDEXAMPLE", region: str = "eu-west-1") -> None:
        super().__init__(key)
        self.key_id = key_id
        self.region = region

    def respond(self, request: HttpRequest, now: datetime) -> HttpReply:
        try:
            self._check(request, now)
            if (request.method, request.path) == ("GET", "/v2/email/account"):
                quota = {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": float(len(self.received))}
                return said_in_json(200, {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": False})
            if (request.method, request.path) != ("POST", "/v2/email/outbound-emails"):
                raise _Refused("NotFoundException", "not found", 404)
            return said_in_json(200, {"MessageId": self.keep(self._mail(_document(request.body)))})
        except _Refused as fault:
            return said_in_json(fault.status, {"message": str(fault)}, x_amzn_errortype=fault.kind)

    def misshapen(self, words: str) -> HttpReply:
        return said_in_json(400, {"message": words}, x_amzn_errortype="SerializationException")

    def _check(self, request: HttpRequest, now: datetime) -> None:
        signed = sigv4.Signed.read(request.headers.get("authorization", ""))
        if signed is None:
            raise _Refused("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        if signed.key_id != self.key_id or signed.scope != sigv4.Scope(self.region, "ses"):
            raise _Refused("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        if not {"host", "x-amz-date"} <= set(signed.names) or not set(signed.names) <= request.headers.keys():
            raise _Refused("InvalidSignatureException", "The signed headers are incomplete.", 403)
        if not _is_now(request.headers["x-amz-date"], now):
            raise _Refused("InvalidSignatureException", "Signature expired", 403)
        headers = {name: request.headers[name] for name in signed.names}
        expected = sigv4.signature_of(
            request.method, request.path, headers, request.body, scope=signed.scope, secret_key=self.key.reveal()
        )
        if not same(expected, signed.signature):
            raise _Refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method.",
                403,
            )

    def _mail(self, document: Mapping[str, Any]) -> MailObject:
        content = document.get("Content")
        if not isinstance(content, dict) or len(content) != 1 or not content.keys() <= {"Raw", "Simple"}:
            raise _Refused("BadRequestException", "Content has exactly one of Raw, Simple and Template.")
        tags, metadata = unpaired((one["Name"], one["Value"]) for one in document.get("EmailTags") or ())
        try:
            if "Raw" in content:
                mail = _raw(document, content["Raw"], tags, metadata)
            else:
                mail = _simple(document, content["Simple"], tags, metadata)
        except (MessageError, AddressError) as fault:
            raise _Refused("BadRequestException", fault.message) from None
        if not 1 <= len(mail.envelope.recipients) <= _MOST_RECIPIENTS:
            raise _Refused("MessageRejected", f"Recipient count must be from 1 to {_MOST_RECIPIENTS}.")
        if bad := [one.addr_spec for one in mail.envelope.recipients if one.addr_spec in self.refuses]:
            raise _Refused(
                "MessageRejected",
                "Email address is not verified. The following identities failed the check in region "
                f"{self.region.upper()}: {', '.join(bad)}",
            )
        return mail


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _Refused("SerializationException", "The request is no JSON object.")
    return document


def _is_now(moment: str, now: datetime) -> bool:
    try:
        signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=now.tzinfo)
    except ValueError:
        return False
    return abs((now - signed_at).total_seconds()) <= _SKEW


def _people(document: Mapping[str, Any]) -> dict[str, tuple[Address, ...]]:
    destination = document.get("Destination") or {}
    return {
        name: tuple(Address.parse(one) for one in destination.get(f"{name.title()}Addresses") or ())
        for name in ("to", "cc", "bcc")
    }


def _raw(document: Mapping[str, Any], raw: Any, tags: tuple[str, ...], metadata: Mapping[str, str]) -> MailObject:
    try:
        octets = base64.b64decode(raw.get("Data"), validate=True)
    except (binascii.Error, ValueError, TypeError, AttributeError):
        raise _Refused("SerializationException", "Raw.Data is not base64.") from None
    if not octets.isascii():
        raise _Refused("BadRequestException", "Raw messages must be 7-bit.")
    arguments = arguments_of_bytes(octets)
    people = [one for group in _people(document).values() for one in group]
    recipients = people or [*arguments["to"], *arguments["cc"], *arguments["bcc"]]
    if not recipients:
        raise _Refused("MessageRejected", "Missing destination.")
    if not arguments["from_"]:
        raise _Refused("BadRequestException", "Missing 'From' header.")
    sender = document.get("FeedbackForwardingEmailAddress") or document.get("FromEmailAddress")
    mail_from = Address.parse(sender) if sender else arguments["sender"] or arguments["from_"][0]
    message = RawMessage(octets, envelope_from=mail_from, recipients=recipients)
    return MailObject(message.envelope, message.content, message.message_id, tags=tags, metadata=Metadata(metadata))


def _simple(document: Mapping[str, Any], simple: Any, tags: tuple[str, ...], metadata: Mapping[str, str]) -> MailObject:
    subject, body = simple.get("Subject"), simple.get("Body") or {}
    if not document.get("FromEmailAddress") or not subject or not body.keys() & {"Text", "Html"}:
        raise _Refused("BadRequestException", "FromEmailAddress, Subject and a Body of Text or Html are needed.")
    people = _people(document)
    mail = letter(
        from_=document["FromEmailAddress"],
        **people,
        reply_to=document.get("ReplyToAddresses") or (),
        subject=subject["Data"],
        text=(body.get("Text") or {}).get("Data"),
        html=(body.get("Html") or {}).get("Data"),
        attachments=[
            file_of(
                one.get("RawContent"),
                one.get("FileName"),
                one.get("ContentType"),
                one.get("ContentId") if one.get("ContentDisposition") == "INLINE" else None,
            )
            for one in simple.get("Attachments") or ()
        ],
        headers=[(one["Name"], one["Value"]) for one in simple.get("Headers") or ()],
        tags=tags,
        metadata=metadata,
    )
    sender = document.get("FeedbackForwardingEmailAddress")
    if not sender:
        return mail
    recipients = each_once([one for group in people.values() for one in group])
    envelope = Envelope(Address.parse(sender).bare, recipients)
    return MailObject(envelope, mail.content, mail.message_id, tags=tags, metadata=Metadata(metadata))
