"""Answers by machines: vacation notices, receipts of tickets, "thank you for writing" (RFC 3834)."""

import re
from typing import Final

from postroad.reports.mail import Part
from postroad.reports.words import begins_like, folded, is_reply, labelled, notice_words

# Fields that only programs set which answer by themselves.
_OWN_FIELDS: Final = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-auto-reply", "x-mail-autoreply",
    "x-vacation",
)  # fmt: skip
_COMMENT: Final = re.compile(r"[;(]")  # RFC 3834 §5: a parameter or a comment may follow
_LISTS: Final = ("list-id", "list-unsubscribe", "list-post", "list-help")


def is_auto_reply(mail: Part) -> bool:
    """Whether a machine answered. Notices of servers say so of themselves too, and are to be recognised before."""
    submitted = _COMMENT.split(mail.first("auto-submitted"))[0].strip().lower()
    if submitted in ("auto-replied", "auto-notified"):  # RFC 3834 §5, RFC 5436 §2.7.1
        return True
    if any(name in _OWN_FIELDS for name, _ in mail.fields):
        return True
    if "auto_reply" in mail.first("precedence").lower() or "auto-reply" in mail.first("precedence").lower():
        return True
    if any(name in _LISTS for name, _ in mail.fields):
        return False
    if any(name in folded(mail.first("from")) for name in notice_words()["challengers"]):
        return True
    subject = mail.first("subject")
    return not is_reply(subject) and _says_so(subject, answers=_answers(mail), machine=_is_machine(mail, submitted))


def _says_so(subject: str, *, answers: bool, machine: bool) -> bool:
    """Whether a subject is that of a machine; the less its words say, the more must stand in the header."""
    words = notice_words()
    if labelled(subject, words["auto_reply_labels"]):
        return True
    weak = words["auto_reply_absences"]
    if machine and begins_like(subject, words["auto_reply_receipts"] + weak):
        return True
    if not machine and not answers:
        return False
    telling = words["auto_reply_subjects"] + words["auto_reply_labels"]
    return begins_like(subject, telling) or labelled(subject, weak)


def _is_machine(mail: Part, submitted: str) -> bool:
    """Whether the header says that no person wrote it, or that nobody should answer it by machine."""
    if submitted and submitted != "no":
        return True
    if any(name == "x-auto-response-suppress" for name, _ in mail.fields):
        return True
    return mail.first("return-path") in ("<>", "< >")


def _answers(mail: Part) -> bool:
    """A subject alone may be anybody's; an answer also says what it answers. Machines often send it as bulk."""
    if any(name in ("in-reply-to", "references") for name, _ in mail.fields):
        return True
    return "bulk" in mail.first("precedence").lower()
