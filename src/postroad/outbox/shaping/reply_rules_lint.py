"""Finds reply rules that can never match, or not what they are meant for. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from postroad.outbox.shaping.finding import Case, Finding, Level
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.shaping.reply_rule_table import DEFAULT_WITHIN
from postroad.outbox.shaping.rules import ReplyRule, within
from postroad.reply import Phase
from postroad.smtp.replies import from_text

# Steps at which no server speaks, or nobody waits for what it says.
_SILENT: Final = frozenset(
    {Phase.MESSAGE, Phase.CONFIGURATION, Phase.POOL, Phase.DNS, Phase.CONNECT, Phase.TLS, Phase.STORE}
)
_UNHEARD: Final = frozenset({Phase.RSET, Phase.NOOP, Phase.QUIT})
# Codes that belong to one step alone (RFC 4954 §6).
_ONLY_AT: Final = {
    534: frozenset({Phase.AUTH}),
    535: frozenset({Phase.AUTH}),
    538: frozenset({Phase.AUTH}),
}
_LINE_BREAK: Final = re.compile(r"[\r\n]|(?<!\\)(?:\\\\)*\\[nr]")
_BEGINS_WITH_CODE: Final = re.compile(r"\^?[245]\d\d(?:[ -]|\\[ s-]|$)")
_BEGINS_WITH_ENHANCED: Final = re.compile(r"\^?[245]\\?\.\d{1,3}\\?\.\d")


def _sites_of_rules(case: Case) -> Iterator[Finding]:
    for rule in case.judged.replies:
        if rule.site is None or rule.site in case.in_force.sites:
            continue
        receiver = case.receiver(rule.site)
        if receiver:
            problem = f"mail for {rule.site} goes to the site {receiver}"
            yield Finding(Level.ERROR, _of(rule), problem, f'Write site = "{receiver}".')
        elif "." not in rule.site:
            advice = (
                f"Known are {', '.join(sorted(case.in_force.sites)) or 'none'}; [site.{rule.site}] would make it one."
            )
            yield Finding(Level.ERROR, _of(rule), f"there is no site {rule.site}", advice)


def _codes_of_rules(case: Case) -> Iterator[Finding]:
    for rule in case.judged.replies:
        lost = [
            one for one in rule.enhanced if rule.codes and not any(code // 100 == int(one[0]) for code in rule.codes)
        ]
        if lost:
            level = Level.ERROR if len(lost) == len(rule.enhanced) else Level.WARN
            codes = ", ".join(map(str, sorted(rule.codes)))
            problem = f"{', '.join(lost)} never comes with {codes}: both begin with the same digit"
            yield Finding(level, _of(rule), problem, "Correct one of code and enhanced (RFC 2034 §4).")


def _phases_of_rules(case: Case) -> Iterator[Finding]:
    for rule in case.judged.replies:
        mute = {phase for phase in rule.phases if phase in _SILENT | _UNHEARD or not _may_come(rule, phase)}
        if mute:
            level = Level.ERROR if mute == rule.phases else Level.WARN
            steps = ", ".join(sorted(f"{phase}" for phase in mute))
            advice = "Replies come at greeting, ehlo, starttls, auth, mail, rcpt, data, dot and, 421 alone, at idle."
            yield Finding(level, _of(rule), f"no such reply is heard at {steps}", advice)


def _may_come(rule: ReplyRule, phase: Phase) -> bool:
    if not rule.codes:
        return True
    if phase is Phase.IDLE:
        return 421 in rule.codes  # RFC 5321 §3.8: the only reply that nobody asked for
    return any(phase in _ONLY_AT.get(code, (phase,)) for code in rule.codes)


def _texts_of_rules(case: Case) -> Iterator[Finding]:
    for rule in case.judged.replies:
        source = rule.text.source if rule.text else ""
        if _LINE_BREAK.search(source):
            advice = "Write a space for it: the lines of a reply are joined by spaces."
            yield Finding(Level.ERROR, _of(rule), "the text asks for a line break, which it never has", advice)
        if _BEGINS_WITH_CODE.match(source):
            advice = f"Write code = {source.lstrip('^')[:3]} and begin the text behind it."
            yield Finding(Level.ERROR, _of(rule), "the reply code is not part of the text", advice)
        elif _BEGINS_WITH_ENHANCED.match(source):
            advice = 'Write enhanced = "4.7.0" for it and begin the text behind it.'
            yield Finding(Level.WARN, _of(rule), "the enhanced status code is not part of the text", advice)


def _examples_of_rules(case: Case) -> Iterator[Finding]:
    for rule in case.judged.replies:
        for example in rule.examples:
            reply, phase = from_text(example), next(iter(rule.phases), None)
            if not rule.matches(reply, phase, rule.site):
                problem = f"its example is not what it is about: {example}"
                yield Finding(Level.ERROR, _of(rule), problem, "Correct the conditions or the example.")
                continue
            first = case.in_force.reply_rule(reply, phase, rule.site)
            if first is not None and first.id != rule.id:
                problem = f"its example is taken by {first.id}, which comes before it: {example}"
                yield Finding(Level.ERROR, _of(rule), problem, f"Put it before {first.id}, or make that one narrower.")


def _shadowed_rules(case: Case) -> Iterator[Finding]:
    for number, rule in enumerate(case.judged.replies):
        earlier = next((one for one in case.judged.replies[:number] if _covers(one, rule)), None)
        if earlier is not None:
            problem = f"{earlier.id}, which comes before it, matches whenever it does"
            yield Finding(Level.ERROR, _of(rule), problem, f"Put it before {earlier.id}, or remove it.")


def _covers(earlier: ReplyRule, rule: ReplyRule) -> bool:
    return (
        earlier.site in (None, rule.site)
        and (not earlier.codes or (bool(rule.codes) and rule.codes <= earlier.codes))
        and (not earlier.phases or (bool(rule.phases) and rule.phases <= earlier.phases))
        and (not earlier.enhanced or _all_within(rule.enhanced, earlier.enhanced))
        and (earlier.text is None or (rule.text is not None and earlier.text.covers(rule.text)))
    )


def _all_within(codes: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return bool(codes) and all(any(within(code, pattern) for pattern in patterns) for code in codes)


def _idle_actions(case: Case) -> Iterator[Finding]:
    for rule in case.judged.replies:
        site = case.in_force.sites.get(rule.site or "")
        if site is None or rule.scope not in (None, Scope.SITE) or not rule.action.limits:
            continue
        before = case.in_force.of_site(site.name, direct=True)
        if before.and_also(rule.action.limits) == before:
            problem = f"it slows nothing down: {site.name} has {before} already"
            yield Finding(Level.WARN, _of(rule), problem, "Give limits that are lower, or suspend = true.")


def _idle_counts(case: Case) -> Iterator[Finding]:
    for rule in case.judged.replies:
        if rule.action.after == 1 and rule.action.within != DEFAULT_WITHIN:
            yield Finding(Level.WARN, _of(rule), "within counts nothing: the first reply is enough", "Add after = 3.")


def _ids_switched_off(case: Case) -> Iterator[Finding]:
    known = {rule.id for rule in case.shipped.replies}
    for id_ in sorted(case.judged.without - known):
        problem = "there is no shipped rule of this id to switch off"
        yield Finding(Level.ERROR, f"[[reply]] {id_}", problem, "`postroad outbox limits show` lists them.")


def _of(rule: ReplyRule) -> str:
    return f"[[reply]] {rule.id}"


CHECKS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    _sites_of_rules,
    _codes_of_rules,
    _phases_of_rules,
    _texts_of_rules,
    _examples_of_rules,
    _shadowed_rules,
    _idle_actions,
    _idle_counts,
    _ids_switched_off,
)
