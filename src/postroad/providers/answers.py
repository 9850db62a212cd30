"""What an HTTP answer means for a message: the same for every provider, unless its own words say more.

A provider's answer is kept as the SMTP reply that means the same, because that is what everybody downstream reads:
outbox, retry, classification. The text has the provider's words and its own numbers.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from postroad.address import Address
from postroad.errors import (
    AuthenticationError,
    ConfigurationError,
    DataError,
    OutcomeUnknown,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    SenderRefused,
    SendError,
    Throttled,
)
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, Result, SendReport, failed, with_error
from postroad.providers.contract import HttpReply
from postroad.reply import Code, EnhancedCode, Phase, Reply

MAX_WORDS: Final = 500  # characters of a provider's answer that are kept
LONGEST_WAIT: Final = 7 * 86_400.0  # seconds; who asks for more does not mean it


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def json_of(reply: HttpReply) -> Any:
    """The JSON of an answer, ``None`` where it is none."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None


def member(document: Any, *names: str) -> Any:
    """What stands in an object under these names, one within the other; ``None`` where nothing does."""
    for name in names:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def text_in(document: Any, *names: str) -> str:
    """A text that stands in an object, bounded and printable; empty where there is none."""
    found = member(document, *names)
    text = "" if found is None else str(found)
    return "".join(one if one.isprintable() else " " for one in text[:MAX_WORDS]).strip()


def retry_after(reply: HttpReply, now: datetime) -> float | None:
    """Seconds that a provider asks us to wait (RFC 9110 §10.2.3): a number, or a date."""
    said = reply.headers.get("retry-after", "").strip()
    if said.replace(".", "", 1).isdecimal() and said.isascii():
        return min(float(said), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    if until.tzinfo is None:
        return None
    return min(max(0.0, (until - now).total_seconds()), LONGEST_WAIT)


# ── faults ────────────────────────────────────────────────────────────────────────────────────────────────────────


def said(code: int, words: str, enhanced: str = "") -> Reply:
    """The reply that means what the provider said."""
    return Reply(Code(code), (words,), EnhancedCode.parse(enhanced))


def fault_of(title: str, reply: HttpReply, words: str, now: datetime) -> PostroadError:
    """What went wrong, by the status alone (RFC 9110 §15)."""
    status = reply.status
    sentence = f"{title}: {words or 'no reason given'} (HTTP {status})"
    if 200 <= status < 300:  # it is no refusal, whatever it is: who sends again may send twice
        return in_doubt(sentence)
    if status in (401, 403):
        return AuthenticationError(
            sentence,
            phase=Phase.AUTH,
            reply=said(535, sentence, "5.7.8"),
            advice=f"Check the key or token of {title}, that it may send, and that it is for this account.",
        )
    if status in (404, 405, 410):  # nothing there has looked at the message
        advice = f"Check the endpoint: this is not where {title} takes mail."
        return ConfigurationError(sentence, setting="endpoint", advice=advice)
    if status == 429:  # RFC 6585 §4
        wait = retry_after(reply, now)
        return Throttled(sentence, phase=Phase.DATA, reply=said(451, sentence, "4.7.0"), retry_after=wait)
    if status == 503:
        wait = retry_after(reply, now)
        return SendError(sentence, phase=Phase.DATA, reply=said(421, sentence, "4.3.2"), retry_after=wait)
    if status == 413:
        return DataError(sentence, phase=Phase.DATA, reply=said(552, sentence, "5.3.4"))
    if status >= 500 or status == 408:
        return in_doubt(sentence)
    if status >= 400:
        return DataError(sentence, phase=Phase.DATA, reply=said(554, sentence, "5.0.0"))
    return ProtocolError(sentence, phase=Phase.DATA, advice=f"Check the endpoint: this is not how {title} answers.")


def in_doubt(sentence: str) -> OutcomeUnknown:
    """The provider took the request, and did not say what it made of it."""
    return OutcomeUnknown(sentence, phase=Phase.DOT)


def unreadable(title: str, reply: HttpReply) -> OutcomeUnknown:
    """The provider answered that all is well, in a form that says nothing of the mail."""
    return in_doubt(f"{title}: the answer cannot be read (HTTP {reply.status})")


def sender_refused(sentence: str) -> SenderRefused:
    """The account may not send as this address."""
    return SenderRefused(sentence, phase=Phase.MAIL, reply=said(550, sentence, "5.7.1"))


def content_refused(sentence: str) -> DataError:
    """The provider will not take this message."""
    return DataError(sentence, phase=Phase.DATA, reply=said(554, sentence, "5.6.0"))


def recipients_refused(sentence: str) -> RecipientsRefused:
    """The provider will not send to these recipients."""
    return RecipientsRefused(sentence, phase=Phase.RCPT, reply=said(550, sentence, "5.1.0"))


def may_not_send(sentence: str) -> AuthenticationError:
    """The account is let in, and may not send."""
    said_so = said(535, sentence, "5.7.0")
    advice = "Give the key the right to send, or set the account right at the provider."
    return AuthenticationError(sentence, phase=Phase.AUTH, reply=said_so, advice=advice)


def not_the_provider(title: str, reply: HttpReply) -> ProtocolError:
    """Whoever answered a harmless question is not this provider."""
    sentence = f"{title}: the answer cannot be read (HTTP {reply.status})"
    return ProtocolError(sentence, phase=Phase.AUTH, advice=f"Check the endpoint: this is not how {title} answers.")


# ── reports ───────────────────────────────────────────────────────────────────────────────────────────────────────


def stopped(mails: Iterable[MailObject], error: PostroadError) -> tuple[SendReport, ...]:
    """One error stopped all these messages; each has one of its own, which knows its report."""
    return tuple(failed(mail.envelope.recipients, copy.copy(error)) for mail in mails)


def taken(
    mail: MailObject, remote_id: str | None, words: str = "", refused: Mapping[str, Reply] | None = None
) -> SendReport:
    """The provider took the message; ``refused`` are those whom it will not send it to, by ``Address.key``."""
    refused = refused or {}
    answer = said(250, words or (f"accepted as {remote_id}" if remote_id else "accepted"), "2.0.0")
    outcomes = tuple(
        Outcome(one, Result.REFUSED, Phase.RCPT, refused[one.key])
        if one.key in refused
        else Outcome(one, Result.ACCEPTED, Phase.DOT, answer, remote_id=remote_id)
        for one in mail.envelope.recipients
    )
    report = SendReport(outcomes, message_id=mail.message_id, remote_id=remote_id)
    if report.accepted:
        return report
    return with_error(report, recipients_refused(outcomes[0].text))


def none_taken(mail: MailObject, refused: Mapping[str, Reply], why: str) -> SendReport:
    """The provider sent nothing, because of some recipients; the others are told why they got nothing either.

    ``refused`` are those, by ``Address.key``: where the provider does not say who, and there is more than one,
    nobody is held to be the one.
    """
    everybody = mail.envelope.recipients
    if len(everybody) == 1 and everybody[0].key not in refused:
        return failed(everybody, recipients_refused(why))
    outcomes = tuple(_not_sent(one, refused) for one in everybody)
    error = recipients_refused(why)
    if not {one.key for one in everybody} & refused.keys():
        error = RecipientsRefused(why, phase=Phase.DATA, reply=said(550, why, "5.0.0"))
    return with_error(SendReport(outcomes, message_id=mail.message_id), error)


def _not_sent(recipient: Address, refused: Mapping[str, Reply]) -> Outcome:
    if recipient.key in refused:
        return Outcome(recipient, Result.REFUSED, Phase.RCPT, refused[recipient.key])
    # Not the provider's words, which may be about an address that this one is not to know.
    reply = said(550, "not sent, because of another recipient", "5.0.0")
    error = RecipientsRefused(reply.text, phase=Phase.DATA, reply=reply)
    return Outcome(recipient, Result.REFUSED, Phase.DATA, reply, error)


# ── trying apart ──────────────────────────────────────────────────────────────────────────────────────────────────


def without_the_refused(mail: MailObject, report: SendReport) -> tuple[MailObject, ...]:
    """The message for those whom the provider has not judged: without the others, or in halves where it did not say
    who is refused. Only for a provider whose envelope is separate, and of a report that says that nothing was sent.
    """
    if not isinstance(report.error, RecipientsRefused):
        return ()
    rest = tuple([one.recipient for one in report.outcomes if one.refused and one.phase is Phase.DATA])
    if len(rest) < len(mail.envelope.recipients):
        return (_only(mail, rest),) if rest else ()
    half = len(rest) // 2
    return _only(mail, rest[:half]), _only(mail, rest[half:])


def _only(mail: MailObject, recipients: tuple[Address, ...]) -> MailObject:
    return replace(mail, envelope=replace(mail.envelope, recipients=recipients))


def judged_together(reports: tuple[SendReport, ...]) -> bool:
    """Whether several messages were refused for good by one word, which may be true of one of them only."""
    judgements = (DataError, RecipientsRefused, SenderRefused)
    errors = [one.error for one in reports]
    return (
        len(errors) > 1
        and len({str(one) for one in errors}) == 1
        and all(isinstance(one, judgements) and one.permanent for one in errors)
    )
