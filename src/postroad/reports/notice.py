"""Is a mail the notice of a server, and what does it say? Structure first, then signs that together leave no doubt."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from postroad.message.plain_text import plain_text
from postroad.reports.auto_reply import is_auto_reply
from postroad.reports.delivery_status import RecipientStatus, read_delivery_status
from postroad.reports.feedback_report import header_of, own_parts, returned_message
from postroad.reports.mail import Part
from postroad.reports.notice_text import Notice, addresses_in, read_notice
from postroad.reports.words import begins_like, folded, is_reply, notice_words

_STATUS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_TOP: Final = 2_500  # characters of a notice in which it says what it is
# A letter's first line, in the languages whose people write about bounces most.
_GREETING: Final = re.compile(
    r"(?i)\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|day)|hallo|liebe[rs]?|moin|sehr geehrte[rs]?|guten tag|"
    r"bonjour|cher|chère|hola|estimad[oa]s?|ciao|gentile|salve|olá|prezad[oa]s?|beste|hej|witam|dzień dobry|ahoj|"
    r"здравствуйте|добрый день)\b[^.\n]{0,60},?[ \t]*\n"
)
_REFUSAL: Final = re.compile(r"(?m)^[45]\d\d[ -]\D")
_LISTS: Final = frozenset({"list-id", "list-unsubscribe", "list-post"})


class _Sign(Enum):
    NONE = "none"
    PERHAPS = "perhaps"  # only the sender says so; to be believed where the words name a recipient, and a reason
    FRIEND = "friend"  # the same, in a mail that anybody may have sent: the reason must be clear as well
    WORDS = "words"  # only words say so; to be believed where they also name a recipient, and not in a sentence
    SURE = "sure"


class _Sender(Enum):
    SOMEBODY = "somebody"
    NOBODY = "nobody"  # an empty return path
    HOST = "host"  # a name that servers use, and their postmasters
    DAEMON = "daemon"  # a name that nobody but servers uses


@dataclass(frozen=True, slots=True)
class Returned:
    """A notice taken apart: what it says for machines and for people, and what came back of the message.

    Where it is ``doubtful``, only a reason that is clear as well makes it one.
    """

    statuses: tuple[RecipientStatus, ...]
    notice: Notice
    original: Part | None
    doubtful: bool = False


def read_returned(mail: Part) -> Returned | None:
    """The notice that a mail is; ``None`` where it is none."""
    parts = list(own_parts(mail))
    status_parts = [part for part in parts if part.essence in _STATUS]
    text = _words_of(mail, parts)
    sign = _Sign.SURE if status_parts else _sign(mail, text)
    if sign is _Sign.NONE:
        return None
    inside = _passed_on(parts) if not status_parts else None
    if inside is not None:
        return read_returned(inside)
    original = returned_message(parts)
    notice = read_notice(text, _senders(mail, original))
    if sign is not _Sign.SURE and not any(block.apart or sign is _Sign.PERHAPS for block in notice.blocks):
        return None
    if original is None and notice.copy:
        original = header_of(_from_first_field(notice.copy))
    told = "\n\n".join(part.text() for part in status_parts)
    if not told and "final-recipient:" in text.lower():
        told = text  # the structure was lost on the way
    return Returned(read_delivery_status(told) if told else (), notice, original, sign in (_Sign.FRIEND, _Sign.PERHAPS))


def _passed_on(parts: list[Part]) -> Part | None:
    """The notice within a notice: some gateways wrap those of servers behind them."""
    for part in parts:
        for inside in part.parts if part.essence == "message/rfc822" else ():
            if any(one.essence in _STATUS for one in own_parts(inside)):
                return inside
    return None


def _words_of(mail: Part, parts: list[Part]) -> str:
    """What a notice says to people: its texts before the copy of the message."""
    texts: list[str] = []
    html = ""
    for part in parts:
        if part.essence.startswith("message/") and part is not mail and part.essence not in _STATUS:
            break
        if part.parts or part.essence == "text/rfc822-headers":
            continue
        if part.essence == "text/html":
            html = html or part.text()
        elif part.essence.startswith(("text/", "multipart/")) or (part is mail and part.essence not in _STATUS):
            texts.append(part.text())
    said = "\n".join(texts)
    return said if said.strip() or not html else plain_text(html.replace("\0", ""))


def _senders(mail: Part, original: Part | None) -> list[str]:
    """Who sent the message: to whom the notice goes, and from whom the message came."""
    fields = [mail.first("to"), mail.first("delivered-to"), mail.first("x-original-to")]
    if original is not None:
        fields += [
            original.first("from"),
            original.first("return-path"),
            original.first("sender"),
            original.first("reply-to"),
        ]
    senders = [address for field in fields for address in addresses_in(field)]
    if original is None:
        return senders
    # Who writes to themselves is a recipient as well.
    recipients = {address.lower() for address in addresses_in(original.first("to"))}
    return [address for address in senders if address.lower() not in recipients]


def _from_first_field(copy: str) -> str:
    lines = copy.splitlines()
    for number, line in enumerate(lines):
        name, colon, _ = line.strip().partition(":")
        if colon and name and " " not in name:
            return "\n".join(
                one.strip() if not one[:1].isspace() or one.strip().partition(":")[0].isalpha() else one
                for one in lines[number:]
            )
    return ""


def _sign(mail: Part, text: str) -> _Sign:
    if any(name == "x-failed-recipients" for name, _ in mail.fields):
        return _Sign.SURE
    if mail.essence == "multipart/report" and "delivery-status" in mail.first("content-type").lower():
        return _Sign.SURE
    subject = mail.first("subject")
    sender = _sender(mail)
    if is_reply(subject):  # a person's, but for few servers that answer so, and then tell what they were told
        told = sender is _Sender.HOST and _REFUSAL.search(text[:_TOP]) and _opened(text)
        return _Sign.WORDS if told else _Sign.NONE
    announced = begins_like(subject, notice_words()["notice_subjects"])
    if sender is _Sender.DAEMON:
        return _Sign.SURE if announced or _opened(text) else _Sign.PERHAPS
    if sender is _Sender.HOST and announced:
        return _Sign.SURE
    if not announced and (sender is _Sender.SOMEBODY or _is_digest(subject)):
        return _Sign.NONE
    of_list = _of_list(mail)
    if sender is _Sender.NOBODY and of_list:
        return _Sign.NONE  # what a list does with a message, as to hold it for the moderator, is told so as well
    return _by_words(sender, announced=announced, opened=_opened(text), letter=of_list or _is_letter(text))


def _is_digest(subject: str) -> bool:
    about = folded(subject[:500])
    return any(words in about for words in notice_words()["digests"])


def _by_words(sender: _Sender, *, announced: bool, opened: bool, letter: bool) -> _Sign:
    if sender is _Sender.NOBODY:
        return _Sign.SURE if announced and opened else _Sign.WORDS if announced or opened else _Sign.NONE
    if letter:
        return _Sign.NONE
    if sender is _Sender.HOST:
        return _Sign.WORDS if opened else _Sign.PERHAPS
    return _Sign.FRIEND if announced and opened else _Sign.NONE


def _opened(text: str) -> bool:
    """Whether it says near its top what notices say."""
    top = " ".join(folded(text[:_TOP]).split())
    return any(words in top for words in notice_words()["openings"])


def _of_list(mail: Part) -> bool:
    """Whether a list sent it; a newsletter may well write about bounces."""
    return any(name in _LISTS for name, _ in mail.fields)


def _is_letter(text: str) -> bool:
    """Whether it begins as people begin, who may write about bounces as well."""
    return _GREETING.match(text) is not None


def _sender(mail: Part) -> _Sender:
    words = notice_words()
    found = _Sender.SOMEBODY
    for field in ("from", "sender"):
        value = folded(mail.first(field))
        local = next((address.rpartition("@")[0] for address in addresses_in(value)), value).strip("<> \"'")
        if local.startswith(words["daemons"]):
            return _Sender.DAEMON
        if local.startswith(words["senders"]) or any(one in value for one in words["names"]):
            found = _Sender.HOST
    # RFC 5321 §4.5.5: a notice goes out with an empty return path, and nothing but notices and answers does.
    path = mail.first("return-path").replace(" ", "").lower()
    if path.startswith(("<mailer-daemon", "mailer-daemon")):
        return _Sender.DAEMON
    return _Sender.NOBODY if found is _Sender.SOMEBODY and path == "<>" and not is_auto_reply(mail) else found
