"""Answers by machines: vacation notices, receipts of tickets, "thank you for writing" (RFC 3834)."""

import re
from typing import Final

from postroad.reports.mail import Part
from postroad.reports.words import begins_like, notice_words

# Fields that only programs set which answer by themselves.
_OWN_FIELDS: Final = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-auto-reply", "x-mail-autoreply",
    "x-vacation", "x-ms-exchange-inbox-rules-loop", "x-cron-env",
)  # fmt: skip
_COMMENT: Final = re.compile(r"[;(]")  # RFC 3834 §5: a parameter or a comment may follow
_LISTS: Final = ("list-id", "list-unsubscribe", "list-post", "list-help")


def is_auto_reply(mail: Part) -> bool:
    """Whether a machine answered. Notices of servers say so of themselves too, and are to be recognised before."""
    submitted = _COMMENT.split(mail.first("auto-submitted"))[0].strip().lower()
    if submitted in ("auto-replied", "auto-notified"):  # RFC 3834 §5, RFC 5436 §2.7.1
        return True
    if any(name in _OWN_FIELDS[:-1] for name, _ in mail.fields):
        return True
    if "auto_reply" in mail.first("precedence").lower() or "auto-reply" in mail.first("precedence").lower():
        return True
    if any(name in _LISTS for name, _ in mail.fields):
        return False
    return begins_like(mail.first("subject"), notice_words()["auto_reply_subjects"]) and _answers(mail, submitted)


def _answers(mail: Part, submitted: str) -> bool:
    """A subject alone may be anybody's; an answer also says what it answers, or that nobody should answer it."""
    if submitted and submitted != "no":
        return True
    names = {name for name, _ in mail.fields}
    if names & {"in-reply-to", "references", "x-auto-response-suppress"}:
        return True
    return mail.first("return-path") in ("<>", "< >") or "bulk" in mail.first("precedence").lower()
