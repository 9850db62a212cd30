"""What a notice says in words: whom it speaks of, and what happened to each.

Servers write their notices in a thousand forms, and nearly all have this in common: the address stands first in its
line, or behind a word such as "recipient", and what happened stands in the same line or below, until the next address
or the copy of the message. That is all that is relied upon here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from postroad.reports.words import Beginnings, folded, notice_words

MAX_LINES: Final = 2_000  # of a notice that are read; a hundred recipients with ten lines each
MAX_BLOCK: Final = 2_000  # characters of what is said of one recipient; twenty lines or more

# Neither side of an address has punctuation of East Asia: the words around it there have no spaces.
_WIDE: Final = r"\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_DOMAIN: Final = rf"[^\s<>()\[\]\",;:@'{_WIDE}/|?]{{1,253}}"
_ADDRESS: Final = re.compile(rf"(?:\"[^\"\n]{{1,64}}\"|[^\s<>()\[\]\",;:@\\{_WIDE}]{{1,128}})@{_DOMAIN}")
# Whom the message was from, and the fields of its header, where a notice shows them.
_NOT_ABOUT_RECIPIENTS: Final = re.compile(
    r"(?i)^\W{0,6}(?:from|sender|return-path|reply-to|errors-to|message-id|message id|references|in-reply-to|"
    r"subject|date|x-[a-z-]+|received|dkim-signature|mime-version|content-[a-z-]+|envelope-from|"
    r"a message sent by|mail from|reporting-mta|received-from-mta|remote-mta|arrival-date|last-attempt-date|"
    r"by|mailto|contact|kontakt|contacto|contatto|questions\??|help|support|info|連絡先|联系|聯絡|문의)\s*[:=：]"
)
_TO: Final = re.compile(r"(?i)^\W{0,6}(?:to|cc|an|à|a|para|кому|収件者|宛先)\s?[:：]")
_BESIDE_TO: Final = re.compile(r"(?i)^\W{0,6}(?:subject|sent|betreff|gesendet|objet|asunto|oggetto|тема|件名)\s?[:：]")
_SAYS_SENDER: Final = re.compile(
    r"(?i)mail from:?\s*<?|envelope-from\s*<?|(?<!expanded )(?<!generated )from:?\s*<?$|"
    r"sender\W{1,3}<?|message sent by\W{0,3}<?"
)
_HELPERS: Final = frozenset(
    {"postmaster", "mailer-daemon", "abuse", "support", "helpdesk", "noreply", "no-reply", "webmaster"}
)
# What may stand before the address in a line of its own: "Recipient: <", "Failed to deliver to '", "---> "
_APART: Final = re.compile(r"(?i)\W*+(?:[^\W\d][\w' ./()-]{0,48}[:：;=\[(<'\"「（]|\w{1,20}\t)?\W*+(?:smtp:)?\W*+")
_AFTER_TYPE: Final = re.compile(r"(?i)^(?:mailto:|rfc822;|.*\bsmtp=|to=|rcpt=)")  # dda:SMTP=ann@example.com is X.400
# "Original message headers:", "The first 50 lines of your original message follow:"
_COPY: Final = re.compile(
    r"\W*(?:\w+ ){0,7}original (?:message|mail|e-?mail|text)(?: \w+)? ?(?:headers?|details|follows?|below|:)"
)
_LENGTH_OF_START: Final = 80  # characters of a line that may begin the copy of the message
# Exim's words, then Postfix's and Sendmail's, for the address that an alias or a .forward led away from.
_EXPANDED: Final = re.compile(
    rf"\((?:(?:ultimately )?generated|expanded) from:?\s*<?([^\s<>()]{{1,128}}@{_DOMAIN})>?\)"
)
_DIALOGUE: Final = re.compile(r"^\s*(?:<<<|>>>|->|<-)\s?")


@dataclass(frozen=True, slots=True)
class Block:
    """What a notice says of one recipient. ``apart`` is an address that begins its line, or stands behind a label."""

    recipient: str
    text: str
    apart: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice without the copy of the message: ``head`` stands before the first recipient."""

    head: str
    blocks: tuple[Block, ...]
    copy: str


def read_notice(text: str, senders: Iterable[str] = ()) -> Notice:
    """Take a notice apart. ``senders`` are the addresses of who sent the message: never those of its recipients."""
    lines, copy = _without_copy(text.splitlines()[:MAX_LINES])
    excluded = {sender.lower() for sender in senders}
    excerpt = _header_excerpt(lines)
    head, blocks = _blocks(lines, excerpt, excluded, _HELPERS)
    if not blocks:
        head, blocks = _blocks(lines, frozenset(), excluded, frozenset())
    return Notice(head, blocks, "\n".join(copy))


def _without_copy(lines: list[str]) -> tuple[list[str], list[str]]:
    for number, line in enumerate(lines):
        if number and _begins_copy(line):
            return lines[:number], lines[number:]
    return lines, []


def _begins_copy(line: str) -> bool:
    if _copies().begin(folded(line.lstrip(" \t>|-*_=~#[")[:_LENGTH_OF_START])):
        return True
    lower = line.lower()
    return "original" in lower and _COPY.match(lower) is not None


@cache
def _copies() -> Beginnings:
    return Beginnings(notice_words()["copies"])


def _header_excerpt(lines: list[str]) -> frozenset[int]:
    """The lines of a header that some servers show first: "Your message / To: … / Subject: … / Sent: …"."""
    found: set[int] = set()
    for number, line in enumerate(lines):
        if _TO.match(line) and any(_BESIDE_TO.match(other) for other in lines[number + 1 : number + 6]):
            found.add(number)
    return frozenset(found)


def _blocks(
    lines: list[str], skipped: frozenset[int], excluded: set[str], helpers: frozenset[str]
) -> tuple[str, tuple[Block, ...]]:
    named = [
        (number, *found)
        for number, line in enumerate(lines)
        if "@" in line
        and not (number in skipped or _NOT_ABOUT_RECIPIENTS.match(line))
        and (found := _recipient(line, excluded, helpers)) is not None
    ]
    # Where some stand apart, one within a sentence is of somebody to ask.
    apart = any(is_apart for _, _, is_apart in named)
    named = _of_their_own(lines, [one for one in named if one[2] or not apart])
    head = lines[: named[0][0]] if named else lines
    said: dict[str, tuple[str, list[str]]] = {}
    ends = [*[number for number, *_ in named], len(lines)][1:]
    for (number, address, _), end in zip(named, ends, strict=True):
        said.setdefault(address.lower(), (address, []))[1].extend(lines[number:end])
    return "\n".join(head), tuple(Block(address, _joined(told), apart) for address, told in said.values())


def _of_their_own(lines: list[str], named: list[tuple[int, str, bool]]) -> list[tuple[int, str, bool]]:
    """Those without a second address that is told of the same recipient: "(expanded from: <ann@example.com>)"."""
    kept = []
    waiting = False
    for one in named:
        second = _EXPANDED.match(lines[one[0]].strip()) is not None
        if not (second and waiting):
            kept.append(one)
        waiting = not second
    return kept


def _recipient(line: str, excluded: set[str], helpers: frozenset[str]) -> tuple[str, bool] | None:
    """The address that a line is about, and whether it stands apart."""
    for found in _ADDRESS.finditer(line[:1000]):
        address = found[0].strip("'*`“”„‚‘’.!?#|=")
        local, _, domain = address.rpartition("@")
        before = line[: found.start()]
        if not local or not domain or address.lower() in excluded or _SAYS_SENDER.search(before[-40:]):
            continue
        if (
            local.lower() in helpers
            or domain[0] in ".-"
            or before.rstrip(" <").lower().endswith(("message-id:", "id", "/"))
        ):
            continue
        if "." not in domain and not domain.isalnum():
            continue
        return _AFTER_TYPE.sub("", address), _APART.fullmatch(before) is not None
    return None


def _joined(lines: list[str]) -> str:
    return "\n".join(lines)[:MAX_BLOCK]


def expanded_from(text: str) -> str:
    """The address that the mail was sent to, where what is said of a recipient names it besides."""
    found = _EXPANDED.search(text)
    return found[1] if found else ""


def refusal_in_dialogue(text: str) -> str:
    """What the server refused in a conversation that a notice shows: the command, and all lines of the answer."""
    refusals: list[list[str]] = []
    command = ""
    for line in text.splitlines():
        said = _DIALOGUE.sub("", line).strip()
        if line.lstrip().startswith((">>>", "->")):
            command = said
            refusals.append([f"{command}\n"])
        elif line.lstrip().startswith(("<<<", "<-")) and said[:1] in ("4", "5"):
            refusals = refusals or [[""]]
            refusals[-1].append(said)
    told = [" ".join(lines) for lines in refusals if len(lines) > 1]
    # What was refused for good comes first, and last that a command then stood alone.
    told.sort(key=lambda one: (one.partition("\n")[2].strip()[:3] == "503", one.partition("\n")[2].strip()[:1] != "5"))
    return told[0] if told else ""


def addresses_in(value: str) -> list[str]:
    """The addresses of a header field, in their order."""
    return [found[0].strip("'*").rstrip(".") for found in _ADDRESS.finditer(value[:10_000])]
