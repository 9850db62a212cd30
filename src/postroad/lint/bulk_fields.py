"""MSG-06: fields by which receivers and programs know mail to many, and mail from programs."""

import re
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule

_PROGRAM: Final = re.compile(r"(?i)(?:no|do-?not)-?_?reply|mailer-daemon|notifications?|alerts?|daemon|cron|root")


def _faults(message: LintedMessage) -> Iterator[Fault]:
    author = message.author
    if message.is_marketing and author is not None:
        if not message.named("list-id"):  # RFC 2919 §2
            yield Fault(Level.INFO, "there is no List-Id", add=f"List-Id: <news.{author.domain}>")
        if not message.named("feedback-id"):
            field = f"Feedback-ID: CAMPAIGN:CUSTOMER:news:{author.domain.replace('.', '-')}"
            yield Fault(Level.INFO, "there is no Feedback-ID, by which Gmail tells spam rates apart", add=field)
    elif author is not None and _PROGRAM.fullmatch(author.local) and not message.named("auto-submitted"):
        # RFC 3834 §5: with it, no machine answers a machine.
        yield Fault(
            Level.INFO, "a program writes, and there is no Auto-Submitted", add="Auto-Submitted: auto-generated"
        )


RULE: Final = Rule(
    "MSG-06",
    "Mail to many has List-Id and Feedback-ID; mail that a program writes by itself has Auto-Submitted.",
    "RFC 2919, RFC 3834 §5",
    "the fields that tell what kind of mail this is are there",
    _faults,
)
