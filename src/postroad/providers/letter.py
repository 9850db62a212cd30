"""The message behind a mail object, for providers that want its fields instead of its bytes.

The content is the truth: what waits in an outbox has nothing else. Who stands in the envelope and not in the header
gets a blind copy. What a provider cannot do for a message is refused here, by the name of the field that asks for it.
"""

from dataclasses import replace
from typing import Final

from postroad.address import Address
from postroad.message.address_list import address_list
from postroad.message.email import Email
from postroad.message.envelope import MailObject
from postroad.message.header_fields import read_header
from postroad.message.parse import arguments_of_bytes
from postroad.message.raw import header_of
from postroad.message.seven_bit import seven_bit
from postroad.providers.contract import Ability, Provider, unsupported

_BESIDE: Final = "Send it over SMTP, or through a provider that takes raw messages (ses://, mailgun://)."


def letter_of(provider: Provider, mail: MailObject) -> Email:
    """The fields of the message, if the provider can send it to exactly those who stand in the envelope.

    Raises:
        Unsupported: it cannot, or cannot do what the message needs.
        MessageError: the content is not a message that could be taken apart.
    """
    check_envelope(provider, mail)
    arguments = arguments_of_bytes(mail.content)
    visible = {one.key for one in (*arguments["to"], *arguments["cc"])}
    meant = {one.key for one in mail.envelope.recipients}
    if left_out := visible - meant:
        raise unsupported(
            provider,
            f"sends to everybody in To and Cc; this mail is for {len(meant)} of them, and {len(left_out)} others "
            "would get it too",
            field="recipients",
            advice=_BESIDE,
        )
    blind = tuple([one for one in mail.envelope.recipients if one.key not in visible])
    email = Email(**{**arguments, "bcc": blind, "tags": mail.tags, "metadata": mail.metadata})
    _check_authors(provider, mail, email)
    _check_content(provider, email)
    return email


def check_envelope(provider: Provider, mail: MailObject) -> None:
    """Refuse what no provider can, and more recipients than this one takes.

    Raises:
        Unsupported: naming what.
    """
    envelope, abilities = mail.envelope, provider.abilities
    if envelope.dsn is not None:
        raise unsupported(provider, "takes no requests for notifications (RFC 3461)", field="dsn", advice=_WEBHOOKS)
    if envelope.require_tls:
        raise unsupported(provider, "cannot promise verified TLS on every hop (RFC 8689)", field="require_tls")
    if envelope.needs_smtputf8:
        raise unsupported(provider, "takes ASCII in front of the @ only", field="recipients")
    if mail.tags and Ability.TAGS not in abilities:
        raise unsupported(provider, "has no tags", field="tags")
    if len(mail.tags) > 1 and Ability.SEVERAL_TAGS not in abilities:
        raise unsupported(provider, f"takes one tag for a message, not {len(mail.tags)}", field="tags")
    if mail.send_at is not None and Ability.SEND_AT not in abilities:
        raise unsupported(provider, "holds no mail until a time", field="send_at")
    if mail.metadata and Ability.METADATA not in abilities:
        raise unsupported(provider, "has no metadata", field="metadata")
    if len(envelope.recipients) > provider.max_recipients and Ability.SEPARATE_ENVELOPE not in abilities:
        raise unsupported(
            provider,
            f"takes {provider.max_recipients} recipients for a message, not {len(envelope.recipients)}",
            field="recipients",
            advice="Send it as several messages.",
        )


def check_hold(provider: Provider, mail: MailObject, now: float) -> None:
    """Refuse a time for sending that is too far off for the provider; ``now`` is in seconds since the epoch.

    Raises:
        Unsupported: it is.
    """
    if mail.send_at is not None and Ability.SEND_AT in provider.abilities:
        hours = provider.longest_hold / 3600
        if mail.send_at - now > provider.longest_hold:
            raise unsupported(
                provider,
                f"holds mail for {hours:.0f} hours, not for {(mail.send_at - now) / 3600:.0f}",
                field="send_at",
                advice="Name an earlier time, or put the mail into an outbox, which holds it for as long as you like.",
            )


_WEBHOOKS: Final = "Leave dsn out: the provider's webhooks tell what became of the mail."


def check_return_path(provider: Provider, mail: MailObject, authors: tuple[Address, ...]) -> None:
    """Refuse a return path that was asked for and would not be used; ``authors`` are Sender, else From.

    Raises:
        Unsupported: the provider takes the bounces itself.
    """
    mail_from = mail.envelope.mail_from
    if mail_from is not None and mail_from.key in {one.key for one in authors}:
        return
    raise unsupported(
        provider,
        "receives the bounces itself",
        field="return_path",
        advice="Leave return_path out: the provider's webhooks tell of bounces.",
    )


def _check_authors(provider: Provider, mail: MailObject, email: Email) -> None:
    if Ability.SEVERAL_AUTHORS not in provider.abilities:
        if len(email.from_) > 1:
            raise unsupported(provider, "takes one From", field="from_")
        if email.sender is not None and email.sender.key != email.from_[0].key:
            raise unsupported(provider, "has no Sender beside From", field="sender")
    if any(one.needs_smtputf8 for one in (*email.from_, *email.reply_to)):
        raise unsupported(provider, "takes ASCII in front of the @ only", field="from_")
    check_return_path(provider, mail, (email.sender,) if email.sender else email.from_)


def _check_content(provider: Provider, email: Email) -> None:
    abilities = provider.abilities
    if not email.to and Ability.BCC_ALONE not in abilities:
        raise unsupported(provider, "needs somebody in To", field="to")
    if not email.text and not email.html and Ability.EMPTY_BODY not in abilities:
        raise unsupported(provider, "sends nothing without text or HTML", field="text")
    names = [name.lower() for name, _ in email.headers.fields]
    if len(names) != len(set(names)) and Ability.REPEATED_FIELDS not in abilities:
        twice = next(name for name, _ in email.headers.fields if names.count(name.lower()) > 1)
        raise unsupported(provider, "takes each header field once", field=f"headers[{twice!r}]")


def raw_of(provider: Provider, mail: MailObject) -> MailObject:
    """The message for a provider that takes its bytes, in ASCII: not all of them keep 8-bit content whole.

    Raises:
        Unsupported: the provider cannot do what the message needs.
    """
    check_envelope(provider, mail)
    return seven_bit(mail)


def authors_of(mail: MailObject) -> tuple[Address, ...]:
    """Sender, else From, of the content.

    Raises:
        AddressError: what stands there is no address.
    """
    fields = {field.name: field.value for field in reversed(read_header(header_of(mail.content))[0])}
    for name in ("sender", "from"):
        if name in fields:
            return tuple(address_list(fields[name], name))
    return ()


def header_fields(email: Email) -> list[tuple[str, str]]:
    """The fields that a provider is told as they are: what the caller added, and how to leave the list."""
    fields = list(email.headers.fields)
    if email.list_unsubscribe is not None:
        fields.append(("List-Unsubscribe", ", ".join(f"<{uri}>" for uri in email.list_unsubscribe.uris)))
        if email.list_unsubscribe.one_click:
            fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))  # RFC 8058 §3.1
    return fields


def in_parts(provider: Provider, mail: MailObject) -> tuple[MailObject, ...]:
    """The message for so many recipients at once as the provider takes, where it takes an envelope of its own."""
    recipients, most = mail.envelope.recipients, provider.max_recipients
    if len(recipients) <= most or Ability.SEPARATE_ENVELOPE not in provider.abilities:
        return (mail,)
    return tuple(
        replace(mail, envelope=replace(mail.envelope, recipients=recipients[start : start + most]))
        for start in range(0, len(recipients), most)
    )
