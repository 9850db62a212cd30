"""From the notice of a server to events: who, what, why, and what to do."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from postroad.reports.classes import Action, BounceClass
from postroad.reports.classify import UNKNOWN, Classification, classify
from postroad.reports.delivery_status import RecipientStatus
from postroad.reports.evidence import Evidence, evidence_of, phase_of
from postroad.reports.mail import Part
from postroad.reports.notice import Returned, read_returned
from postroad.reports.notice_text import Notice, addresses_in, expanded_from, refusal_in_dialogue
from postroad.reports.report import ParsedReport, ReportEvent, ReportKind
from postroad.reports.words import folded, notice_words

_MAX_DIAGNOSTIC: Final = 1_000  # characters that an event keeps
_CLEAR: Final = 0.9  # the confidence of an event whose reason was told in words
_TAIL: Final = 400  # characters before the first address, where some servers say why
_HOST: Final = re.compile(
    r"\b(?:host|talking to|remote server|server|by|mx)\s+\[?([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z]{2,24})\b"
)
_DONE: Final = ("delivered", "relayed", "expanded")  # RFC 3464 §2.3.3
_KEPT: Final = 64  # of the recipients of one notice that are told the same


def read_bounce(mail: Part) -> ParsedReport | None:
    """The report of a mail that is a server's notice; ``None`` where it is none."""
    returned = read_returned(mail)
    if returned is None:
        return None
    told = bool(returned.statuses) and all(status.action for status in returned.statuses)
    delayed = not told and _is_delay(mail, returned)
    message_id = returned.original.first("message-id") if returned.original is not None else ""
    if returned.statuses:
        events = _told_of_each(returned, message_id, delayed=delayed)
    else:
        events = tuple(_read(mail, returned, message_id, delayed=delayed))
        if returned.doubtful and not all(event.confidence >= _CLEAR for event in events):
            return None
    return ParsedReport(_kind(returned, delayed=delayed), events)


def report_of(statuses: tuple[RecipientStatus, ...]) -> ParsedReport:
    """The report of what a program told of each recipient, without a notice for people."""
    returned = Returned(statuses, Notice("", (), ""), None)
    return ParsedReport(_kind(returned, delayed=False), _told_of_each(returned, "", delayed=False))


def _kind(returned: Returned, *, delayed: bool) -> ReportKind:
    actions = [_action(status, delayed=delayed) for status in returned.statuses]
    if not actions:
        return ReportKind.DELAYED if delayed else ReportKind.BOUNCE
    if all(action == "delivered" for action in actions):
        return ReportKind.DELIVERED
    return ReportKind.BOUNCE if "failed" in actions else ReportKind.DELAYED


def _is_delay(mail: Part, returned: Returned) -> bool:
    """Whether a notice without a machine-read action only warns."""
    about = f"{mail.first('subject')}\n{returned.notice.head[-1500:]}\n"
    said = " ".join(folded(about + "\n".join(block.text[:300] for block in returned.notice.blocks[:3])).split())
    if any(
        words in said for words in ("failed permanently", "permanent error", "permanent fatal", "giving up", "gave up")
    ):
        return False
    return any(words in said for words in notice_words()["delays"])


def _action(status: RecipientStatus, *, delayed: bool) -> str:
    if status.action.startswith(("delay", "defer")):
        return "delayed"
    if status.action in _DONE or (not status.action and status.status.startswith("2.")):
        return "delivered"
    if status.action.startswith("fail") or not delayed:
        return "failed"
    return "delayed"


# ── what a notice says for machines ───────────────────────────────────────────────────────────────────────────────────


def _told_of_each(returned: Returned, message_id: str, *, delayed: bool) -> tuple[ReportEvent, ...]:
    blocks = returned.notice.blocks
    about = {block.recipient.lower(): block.text for block in reversed(blocks)}
    statuses = returned.statuses
    if len(statuses) == 1:
        [only] = statuses = (_named(statuses[0], returned),)
        if not (about.get(only.recipient.lower()) or about.get(only.final_recipient.lower())):
            about[only.recipient.lower()] = "\n".join(block.text for block in blocks)
    return tuple(_told(status, about, message_id, delayed=delayed) for status in statuses)


def _named(only: RecipientStatus, returned: Returned) -> RecipientStatus:
    """Some servers leave out who it was, as the message had one recipient: the text says it, or the message."""
    if only.recipient:
        return only
    blocks = returned.notice.blocks
    return replace(only, recipient=blocks[0].recipient if len(blocks) == 1 else _only_addressee(returned.original))


def _only_addressee(original: Part | None) -> str:
    to = addresses_in(original.first("to")) if original is not None else []
    return to[0] if len(to) == 1 else ""


def _told(status: RecipientStatus, said: Mapping[str, str], message_id: str, *, delayed: bool) -> ReportEvent:
    action = _action(status, delayed=delayed)
    about = said.get(status.recipient.lower()) or said.get(status.final_recipient.lower(), "")
    evidence, meaning = _weighed(
        status.diagnostic, status.status, status.remote_mta, status.reporting_mta, about
    )  # fmt: skip
    if action == "delivered":
        meaning = Classification(BounceClass.DELIVERED, "delivered", meaning.provider, 1.0)
    elif action == "delayed":
        meaning = _only_delayed(meaning)
    diagnostic = status.diagnostic or " ".join(about.split())
    return _event(status.recipient, meaning, evidence, diagnostic, message_id, status.remote_mta)


@lru_cache(maxsize=_KEPT)
def _weighed(
    diagnostic: str, status: str, remote_mta: str, reporting_mta: str, about: str
) -> tuple[Evidence, Classification]:
    """What the diagnosis means; where it has no words that say more than a code, what stands in the text for people."""
    dialogue = refusal_in_dialogue(about)
    phase = phase_of(diagnostic) or phase_of(dialogue) or phase_of(about)
    host = remote_mta or _host_in(about) or reporting_mta
    evidence = evidence_of(diagnostic, status=status, host=host, phase=phase)
    meaning = classify(evidence) if diagnostic or status else UNKNOWN
    if meaning.by_words or not about:
        return evidence, meaning
    fuller = evidence_of(f"{diagnostic} {dialogue} {about}", status=status, host=host, phase=phase)
    second = classify(fuller)
    return (fuller, second) if second.by_words or meaning is UNKNOWN else (evidence, meaning)


def _only_delayed(meaning: Classification) -> Classification:
    """A delay never costs a recipient the address, and one that says no more than that is just a delay."""
    if meaning.bounce_class is BounceClass.UNKNOWN or meaning.action is Action.SUPPRESS or meaning.reason == "expired":
        return Classification(BounceClass.DELAYED, "delayed", meaning.provider, 1.0, meaning.rule)
    return meaning


# ── what a notice says for people ─────────────────────────────────────────────────────────────────────────────────────


def _read(mail: Part, returned: Returned, message_id: str, *, delayed: bool) -> list[ReportEvent]:
    notice = returned.notice
    failed = [address for value in mail.all("x-failed-recipients") for address in addresses_in(value)]
    found = {block.recipient: block.text for block in notice.blocks}
    if failed:
        known = {recipient.lower(): text for recipient, text in found.items()}
        found = {address: known.get(address.lower(), _all_said(returned)) for address in failed}
    if not found:
        found = {_only_addressee(returned.original): notice.head}
    known_of_all = (_reporting_host(mail), message_id)
    events = [_from_words(one, text, returned, known_of_all, delayed=delayed) for one, text in found.items()]
    sent_to = {block.recipient.lower(): expanded_from(block.text) for block in notice.blocks}
    return [replace(event, recipient=sent_to.get(event.recipient.lower()) or event.recipient) for event in events]


def _all_said(returned: Returned) -> str:
    return "\n".join(block.text for block in returned.notice.blocks) or returned.notice.head


def _from_words(recipient: str, text: str, returned: Returned, known: tuple[str, str], *, delayed: bool) -> ReportEvent:
    reporting, message_id = known
    dialogue = refusal_in_dialogue(text)
    host = _host_in(text)
    phase = phase_of(dialogue) or phase_of(text)
    evidence, meaning = UNKNOWN_EVIDENCE, UNKNOWN
    for words in (dialogue, text, f"{returned.notice.head[-_TAIL:]} {text}"):
        if not words.strip():
            continue
        second = evidence_of(_without(words, recipient), host=host or reporting, phase=phase)
        better = classify(second)
        if meaning is UNKNOWN or (better.by_words and not meaning.by_words):
            evidence, meaning = second, better
        if meaning.by_words:
            break
    return _event(
        recipient,
        _only_delayed(meaning) if delayed else meaning,
        evidence,
        " ".join(text.split()),
        message_id,
        host,
    )


UNKNOWN_EVIDENCE: Final = Evidence()


def _without(words: str, recipient: str) -> str:
    return words.replace(recipient, "@") if "@" in recipient else words


def _host_in(text: str) -> str:
    found = _HOST.search(text.lower())
    return found[1] if found else ""


def _reporting_host(mail: Part) -> str:
    return next((address.rpartition("@")[2].lower() for address in addresses_in(mail.first("from"))), "")


def _event(
    recipient: str, meaning: Classification, evidence: Evidence, diagnostic: str, message_id: str, remote_mta: str
) -> ReportEvent:
    return ReportEvent(
        recipient=recipient,
        bounce_class=meaning.bounce_class,
        reason=meaning.reason,
        action=meaning.action,
        status=str(evidence.enhanced) if evidence.enhanced else "",
        reply=str(evidence.code) if evidence.code else "",
        provider=meaning.provider,
        remote_mta=remote_mta,
        diagnostic=diagnostic[:_MAX_DIAGNOSTIC],
        message_id=message_id,
        confidence=meaning.confidence,
        rule=meaning.rule,
    )
