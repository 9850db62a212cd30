"""Reads one ``[[reply]]`` table of a rules file: which replies it is about, and what follows."""

import re
from typing import Final

from postroad.outbox.shaping.limits import Scope
from postroad.outbox.shaping.reply_pattern import ReplyPattern
from postroad.outbox.shaping.rules import ReplyRule, Slowdown
from postroad.outbox.shaping.rules_table import Table
from postroad.reply import Phase
from postroad.smtp.replies import from_text

SCOPES: Final = (Scope.SITE, Scope.ACCOUNT, Scope.SOURCE)
MOST_REPLIES: Final = 1000  # before a slowdown begins; who answers so often is not listened to
DEFAULT_WITHIN: Final = 3600.0  # seconds
PATTERN_ADVICE: Final = (
    "Write a simple regular expression, in single quotes, which leave backslashes alone: text = '…'."
)
_PHASES: Final = {phase.value: phase for phase in Phase}
_ENHANCED: Final = re.compile(r"[45]\.(\*|[0-9]{1,3})\.(\*|[0-9]{1,3})")


def reply_rule(id_: str, table: Table) -> ReplyRule:
    """The rule of this id.

    Raises:
        ConfigurationError: something in it is not as it should be.
    """
    rule = ReplyRule(
        id_,
        _slowdown(table),
        site=table.text("site") or None,
        codes=_codes(table),
        enhanced=_enhanced(table),
        text=_pattern(table),
        phases=_phases(table),
        scope=_scope(table),
        reference=table.text("reference"),
        examples=_examples(table),
    )
    table.finish()
    if not (rule.codes or rule.enhanced or rule.text):
        raise table.fault("", "it is about every reply", 'Say which: code = 421, enhanced = "4.7.28" or text = "…".')
    return rule


def _codes(table: Table) -> frozenset[int]:
    codes = table.integers("code")
    if any(not 400 <= code <= 599 for code in codes):
        raise table.fault("code", "a reply that slows us down is 4yz or 5yz", "Write code = 421 or code = [421, 451].")
    return frozenset(codes)


def _enhanced(table: Table) -> tuple[str, ...]:
    patterns = table.texts("enhanced")
    for each in patterns:
        if not _ENHANCED.fullmatch(each):
            advice = 'Write enhanced = "4.7.28", or "4.7.*" for all that begin so.'
            raise table.fault("enhanced", f"{each[:40]!a} is no enhanced status code", advice)
    return patterns


def _pattern(table: Table) -> ReplyPattern | None:
    text = table.text("text")
    if not text:
        return None
    try:
        return ReplyPattern(text)
    except ValueError as fault:
        raise table.fault("text", f"{fault}", PATTERN_ADVICE) from fault


def _phases(table: Table) -> frozenset[Phase]:
    words = table.texts("phase")
    for word in words:
        if word not in _PHASES:
            raise table.fault("phase", f"{word[:40]!a} is no step", f"Known are {', '.join(_PHASES)}.")
    return frozenset(_PHASES[word] for word in words)


def _scope(table: Table) -> Scope | None:
    word = table.text("scope")
    if word and word not in SCOPES:
        raise table.fault("scope", f"{word[:40]!a} is not slowed down by replies", f"Write one of {', '.join(SCOPES)}.")
    return Scope(word) if word else None


def _examples(table: Table) -> tuple[str, ...]:
    examples = table.texts("example")
    for each in examples:
        try:
            from_text(each)
        except ValueError as fault:
            advice = 'Write it on one line as the server says it: example = "421 4.7.0 Too many connections".'
            raise table.fault("example", f"{each[:40]!a} does not begin with a reply code", advice) from fault
    return examples


def _slowdown(table: Table) -> Slowdown:
    seconds = table.duration("for")
    if seconds is None:
        raise table.fault("for", "it is missing", 'Say how long it shall last: for = "30min".')
    limits = table.limits()
    suspend, halve = table.flag("suspend"), table.flag("halve")
    if suspend + halve + bool(limits) != 1:
        advice = 'Write one of suspend = true, halve = true, or limits such as connections = 1 and rate = "1/min".'
        raise table.fault("", "it says not exactly one thing that shall follow", advice)
    after = table.integer("after", MOST_REPLIES, default=1)
    within = table.duration("within") or DEFAULT_WITHIN
    return Slowdown(seconds, limits, suspend=suspend, halve=halve, after=after, within=within)
