"""Notifications of Amazon SES that come by mail: JSON in the text of a message from Amazon SNS."""

import json
from collections.abc import Iterator
from typing import Any, Final

from postroad.reports.delivery_status import RecipientStatus

MAX_TEXT: Final = 200_000  # characters; SNS sends at most 256 KB
_KINDS: Final = {"bounce": "failed", "complaint": "complaint", "delivery": "delivered"}


def read_ses_notification(text: str) -> tuple[RecipientStatus, ...] | None:
    """The recipients of a notification; ``None`` where the text holds none."""
    start = text.find("{", 0, 200)
    if start < 0 or ('"notificationType"' not in text and '"eventType"' not in text):
        return None
    try:
        # SNS folds long lines of its mails with "!" and a space.
        document, _ = json.JSONDecoder(strict=False).raw_decode(
            text[start:MAX_TEXT].replace("!\n ", "").replace("\n", "")
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    kind = str(document.get("notificationType") or document.get("eventType") or "").lower()
    about = document.get(kind)
    if kind not in _KINDS or not isinstance(about, dict):
        return None
    return tuple(_recipients(about, _KINDS[kind]))


def _recipients(about: dict[str, Any], action: str) -> Iterator[RecipientStatus]:
    listed = about.get("bouncedRecipients") or about.get("complainedRecipients") or about.get("recipients")
    for one in listed if isinstance(listed, list) else ():
        given = one if isinstance(one, dict) else {"emailAddress": one}
        text = given.get("diagnosticCode") or about.get("smtpResponse") or about.get("complaintFeedbackType") or ""
        yield RecipientStatus(
            recipient=str(given.get("emailAddress") or ""),
            action=action,
            status=str(given.get("status") or ""),
            diagnostic=str(text).removeprefix("smtp; "),
            reporting_mta=str(about.get("reportingMTA") or "").removeprefix("dsn; ").removeprefix("dns; "),
            category=str(about.get("bounceType") or ""),
        )
