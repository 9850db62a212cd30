"""What a server said when it did not take a message, taken apart: reply code, status code, words, step, provider."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from postroad.reply import EnhancedCode, Phase, Reply
from postroad.reports.words import folded

MAX_TEXT: Final = 4_000  # characters that are looked at; a reply line has 512 octets (RFC 5321 §4.5.3.1.5)

# A search is three times as fast where a pattern begins with letters or digits, so what may not stand before them is
# looked at behind the first.
_CODE: Final = re.compile(
    r"([2-5](?<![^\s(\[<'\":;,].)(?:[0-5]|(?<=(?<!\S)5)7)\d)(?=[ \-:,]|$)(?!\s*(?:bytes|kb|mb|seconds|hours|days)\b)",
    re.IGNORECASE,
)
_ENHANCED: Final = re.compile(r"([245](?<![\d.].)\.\d{1,3}\.\d{1,3})(?![\d.]*\.\d)(?!\d)")
_ADDRESS: Final = re.compile(r"<?[\w!#$%&'*+/=?^`{|}~.-]{1,120}@(?:[\w-]+\.)*[\w-]+>?")
_PREFIX: Final = re.compile(r"[245](?<![\w.].)\d\d[- ](?:#?[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)\s)?")
# Cisco's appliances put words of their own before another's: 5.1.0 - Unknown address error 550-'…'
_WRAPPED: Final = re.compile(r"^\W*[245]\.\d\.\d - [A-Za-z() ]{3,60}(?=[45]\d\d-')")
# Postfix's words around what another server said: its "host" is none that is unknown.
_FRAME: Final = re.compile(
    r"host (?<=\bhost )\S{1,255} said:|\(in reply to [a-z ]{1,40}\)|remote (?<=\bremote )host said:"
)
_BEFORE_RECIPIENTS: Final = frozenset(
    {Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.AUTH, Phase.MAIL}
)  # fmt: skip


class Source(StrEnum):
    """Where the words come from: a server said them to us, or a notice tells of them."""

    REPLY = "reply"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about one refusal.

    ``words`` are normalised for looking rules up: lower case, single spaces around and between, each address as ``@``.
    ``enhanced`` is the status code that stands in the text, else the one of the Status field. ``host`` is the server
    that spoke, where it is known.
    """

    code: int | None = None
    enhanced: EnhancedCode | None = None
    words: str = " "
    phase: Phase | None = None
    host: str = ""
    source: Source = Source.NOTICE

    @property
    def before_recipients(self) -> bool:
        """Whether a server refused before it was told of any recipient, so that it can speak of none."""
        return self.code is not None and self.phase in _BEFORE_RECIPIENTS


def evidence_of(
    text: str,
    *,
    status: str = "",
    host: str = "",
    phase: Phase | None = None,
    source: Source = Source.NOTICE,
) -> Evidence:
    """Take a reply, or what a notice tells of one, apart. ``status`` is that of RFC 3464 §2.3.4; where ``phase`` is not
    given, the text is searched for it."""
    text = _WRAPPED.sub("", text[:MAX_TEXT])
    code = _code(text)
    return Evidence(
        code, _enhanced(text, status, code), normalised(text), phase or phase_of(text), host.lower(), source
    )  # fmt: skip


def evidence_of_reply(reply: Reply, *, host: str = "", phase: Phase | None = None) -> Evidence:
    """What a server said to us in an SMTP session."""
    text = " ".join(reply.lines)[:MAX_TEXT]
    enhanced = reply.enhanced or _enhanced(text, "", int(reply.code))
    return Evidence(int(reply.code), enhanced, normalised(text), phase, host.lower(), Source.REPLY)


@lru_cache(maxsize=64)
def normalised(text: str) -> str:
    """The words for looking rules up."""
    plain = _PREFIX.sub(" ", folded(text))
    if "@" in plain:
        plain = _ADDRESS.sub("@", plain)
    return f" {' '.join(_FRAME.sub(' ', plain).split())} "


def _code(text: str) -> int | None:
    codes = [int(found[1]) for found in _CODE.finditer(text[:1000])]
    failures = [code for code in codes if code >= 400]
    return failures[0] if failures else next((code for code in codes if code < 300), None)


def _enhanced(text: str, status: str, code: int | None) -> EnhancedCode | None:
    """The status code with most to say: one in the text (the server's own) before that of the Status field."""
    said = [found for one in _ENHANCED.findall(text[:1000]) if (found := EnhancedCode.parse(one))]
    said.sort(key=lambda one: not one.detail)  # <mx.acme.example #5.5.0 smtp;550 5.1.1 …>: the other server's says more
    in_field = [found for one in _ENHANCED.findall(status[:100]) if (found := EnhancedCode.parse(one))]
    # RFC 3463 §3.1: x.0.0 says nothing but the class. 5.0.9xx are inventions of a bounce parser.
    telling = [one for one in (*said, *in_field) if one.subject or one.detail]
    agreeing = [one for one in telling if code is None or one.klass == code // 100]
    return next(iter((*agreeing, *telling, *said, *in_field)), None)


# ── the step of the conversation ──────────────────────────────────────────────────────────────────────────────────────

_STEPS: Final = (
    ("after the end of", Phase.DOT),
    ("after end of", Phase.DOT),
    ("in reply to end of", Phase.DOT),
    ("in reply to the end of", Phase.DOT),
    ("after message content", Phase.DOT),
    ("in reply to message content", Phase.DOT),
    ("end of data", Phase.DOT),
    ("after i sent the message", Phase.DOT),
    ("final dot", Phase.DOT),
    ("refused to talk to me", Phase.GREETING),
    ("initial connection", Phase.GREETING),
    ("initial greeting", Phase.GREETING),
    ("initial server greeting", Phase.GREETING),
    ("does not like recipient", Phase.RCPT),
    ("rcpt to generated", Phase.RCPT),
    ("does not like sender", Phase.MAIL),
    ("mail from generated", Phase.MAIL),
)
_COMMAND: Final = re.compile(r"\b(rcpt|mail|data|ehlo|helo|starttls|auth)\b([ _](?:to|from)\b)?(?=[:\s\"')\].<]|$)")
_BEFORE: Final = re.compile(
    r"(?:in reply to|after|response to|answer to|failed on|\bat|during|\bin|\bfor|\bsent:?|\bissued:?|command:?|"
    r"state:?|phase:?|stage:?|->|>>>|<<<|like our|smtp:|\bc:|\(|\[)\s*(?:the |our |pipelined |sending )?[\"'(\[]?$"
)
_LENGTH_BEFORE: Final = 32  # characters that _BEFORE may need
_BY_NAME: Final = {
    "rcpt": Phase.RCPT, "mail": Phase.MAIL, "data": Phase.DATA, "ehlo": Phase.EHLO, "helo": Phase.EHLO,
    "starttls": Phase.STARTTLS, "auth": Phase.AUTH,
}  # fmt: skip


@lru_cache(maxsize=64)  # the recipients of one notice share their text
def phase_of(text: str) -> Phase | None:
    """The command that was answered, as the words of mail servers name it; ``None`` where they do not."""
    text = text.replace("\u0130", "I")  # the one letter that is two characters in lower case
    lower = text.lower()
    for words, phase in _STEPS:
        if words in lower:
            return phase
    named = None
    for found in _COMMAND.finditer(lower):
        written = found[2] or text[found.start() : found.end()].isupper()  # and no word of a sentence
        if written and _BEFORE.search(lower, max(0, found.start() - _LENGTH_BEFORE), found.start()):
            named = found[1]
    return _BY_NAME[named] if named else None
