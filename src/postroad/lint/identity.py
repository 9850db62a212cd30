"""MSG-01: who writes, when, and which message it is."""

import re
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule, excerpt
from postroad.message.received import read_date

_ID: Final = re.compile(r"<[^\s<>@]+@([^\s<>@]+)>")  # RFC 5322 §3.6.4, msg-id, as widely as receivers take it

MAX_COMMENT: Final = 200  # characters of the end of a date that are looked at: the zone, and a comment behind it
_ZONE: Final = re.compile(r"(?:[+-]\d{4}|\d\s*[A-Za-z]{1,5})\s*(?:\([^()]*\)\s*)*\Z")  # RFC 5322 §3.3, §4.3


def _faults(message: LintedMessage) -> Iterator[Fault]:
    yield from _of_from(message)
    yield from _of_date(message)
    yield from _of_message_id(message)


def _of_from(message: LintedMessage) -> Iterator[Fault]:
    if not message.named("from"):
        yield Fault(Level.FAIL, "there is no From")
        return
    addresses = message.addresses("from")
    if not addresses:
        yield Fault(Level.FAIL, f"From cannot be read: {excerpt(message.value('from') or '')}")
    elif len(addresses) > 1 and not message.addresses("sender"):  # RFC 5322 §3.6.2
        yield Fault(Level.FAIL, f"From has {len(addresses)} addresses, and there is no Sender")
    elif len(addresses) > 1:
        yield Fault(Level.WARN, f"From has {len(addresses)} addresses; Gmail takes one")


def _of_date(message: LintedMessage) -> Iterator[Fault]:
    date = message.value("date")
    if date is None:
        yield Fault(Level.FAIL, "there is no Date")
    elif read_date(date) is None:
        yield Fault(Level.FAIL, f"Date is no date: {excerpt(date)}")
    elif not _ZONE.search(date[-MAX_COMMENT:]):
        yield Fault(Level.WARN, f"Date does not say its zone, such as +0000: {excerpt(date)}")


def _of_message_id(message: LintedMessage) -> Iterator[Fault]:
    given = message.value("message-id")
    if given is None:
        yield Fault(Level.FAIL, "there is no Message-ID")
        return
    found = _ID.fullmatch(given)
    if found is None:
        yield Fault(Level.FAIL, f"Message-ID is not written <unique@domain>: {excerpt(given)}")
        return
    domain = found[1].lower()
    if "." not in domain or domain.endswith((".local", ".localdomain", ".localhost", ".internal", ".lan")):
        yield Fault(Level.WARN, f"Message-ID has the name of no domain of yours: {excerpt(found[1])}")


RULE: Final = Rule(
    "MSG-01",
    "One From with one address, a Date, and a Message-ID that is unique and has a domain of your own.",
    "RFC 5322 §3.6",
    "From, Date and Message-ID are as they should be",
    _faults,
)
