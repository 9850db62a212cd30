"""MSG-05: the way out is to be seen in the message itself, too."""

import re
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.links import Link
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule
from postroad.message.list_headers import listed

# What the link is called: English, German, French, Spanish, Portuguese, Italian, Dutch, the languages of Scandinavia,
# Polish, Czech, Russian, Ukrainian, Turkish, Japanese, Chinese, Korean. A link to one's settings is a way out as well.
_WORDS: Final = re.compile(
    r"(?i)unsubscri|opt.?out|remove me|manage.{0,20}(?:preferences|subscription|e-?mails)"
    r"|(?:e-?mail|communication).preferences|abmeld|abbestell|austragen|d[ée]sabonn|d[ée]sinscri|darse? de baja"
    r"|cancelar (?:la |a )?(?:suscri|inscri|subscri)|desuscri|descadastr|disiscriv|annulla.{0,5}iscrizione"
    r"|cancella.{0,5}iscrizione|afmeld|uitschrijv|avregistrer|avsluta prenum|avmeld|peruuta tilaus|wypis|zrezygnuj"
    r"|odhl[áa]s|отпис|відпис|aboneli[kğ]|配信停止|登録解除|退订|退訂|取消订阅|取消訂閱|수신거부|구독 취소"
)


def _faults(message: LintedMessage) -> Iterator[Fault]:
    if not message.is_marketing:
        return
    ways = set(listed(message.value("list-unsubscribe") or ""))
    if message.html is not None and not any(_leads_out(link, ways) for link in message.links if link.in_html):
        yield Fault(Level.WARN, "the HTML has no link to unsubscribe")
    if message.text is not None and not _text_leads_out(message, message.text, ways):
        yield Fault(Level.WARN, "the text has no link to unsubscribe")


def _text_leads_out(message: LintedMessage, text: str, ways: set[str]) -> bool:
    """In a text the link stands beside its word, not in it."""
    links = [link for link in message.links if not link.in_html]
    return any(_leads_out(link, ways) for link in links) or bool(links and _WORDS.search(text))


def _leads_out(link: Link, ways: set[str]) -> bool:
    return link.url in ways or bool(_WORDS.search(link.text) or _WORDS.search(link.url))


RULE: Final = Rule(
    "MSG-05",
    "Mail to many has a link to unsubscribe that a reader sees, in the HTML and in the text.",
    "Gmail and Yahoo, requirements for bulk senders",
    "a reader sees how to leave, or it is not to many",
    _faults,
)
