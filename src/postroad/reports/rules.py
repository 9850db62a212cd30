"""The rules of classification: read once from ``bounce_rules.toml``, when the first refusal is classified.

A rule applies when one of its phrases is found (and one of ``also``, where it has that, and none of ``unless``), its
codes fit, and its step does. Rules stand in the order in which they are tried: those of a provider, then those of
everybody by their words, then bare codes. ``bounce_languages.toml`` has more phrases of some rules, in other languages
than English.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, Final

from postroad.reply import EnhancedCode, Phase
from postroad.reports.classes import BounceClass
from postroad.reports.evidence import Evidence
from postroad.reports.phrases import Phrase, PhraseIndex

_ANY_FAILURE: Final = 599  # a code that only a rule for all of 5xx has
_GIVING_UP: Final = frozenset({BounceClass.HARD_RECIPIENT, BounceClass.HARD_DOMAIN})
_STEPS: Final[Mapping[str, frozenset[Phase]]] = {
    "connect": frozenset({Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS}),
    "mail": frozenset({Phase.MAIL}),
    "rcpt": frozenset({Phase.RCPT}),
    "data": frozenset({Phase.DATA, Phase.DOT}),
}


class Confirm(Enum):
    """Whether it must be sure that it was the recipient who was refused, before a rule gives up somebody."""

    NEVER = "never"
    ANSWER = "answer"  # where another server's answer is told, and not an own finding
    ALWAYS = "always"


class Basis(Enum):
    """What a rule goes by."""

    PROVIDER = "provider"
    TEXT = "text"
    STEP = "step"
    STATUS = "status"
    CODE = "code"


_Status = tuple[int | None, int, int | None]  # None: whichever


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``example`` is a refusal that it is the first to fit."""

    id: str
    bounce_class: BounceClass
    reason: str
    example: str
    basis: Basis
    provider: str = ""
    says: tuple[Phrase, ...] = ()
    also: tuple[Phrase, ...] = ()
    unless: tuple[Phrase, ...] = ()
    codes: frozenset[int] = frozenset()
    statuses: frozenset[_Status] = frozenset()
    steps: frozenset[Phase] = frozenset()
    confirm: Confirm = Confirm.NEVER
    advice: str = ""

    def fits(self, evidence: Evidence, statuses: frozenset[_Status]) -> bool:
        """Whether the rule applies to a refusal that holds one of its phrases, where it has some.

        ``statuses`` are those under which rules may stand that speak of the refusal's status code.
        """
        if self.steps:
            if evidence.phase not in self.steps:
                return False
        elif self.bounce_class in _GIVING_UP and evidence.before_recipients:
            return False
        if (self.codes or self.statuses) and not self._has_code(evidence, statuses):
            return False
        return not self.also or _any(self.also, evidence.words)

    def _has_code(self, evidence: Evidence, statuses: frozenset[_Status]) -> bool:
        if evidence.code is None and evidence.enhanced is None:
            return _ANY_FAILURE in self.codes and bool(self.says)  # words for people, in a notice that tells no code
        return evidence.code in self.codes or not statuses.isdisjoint(self.statuses)


def _statuses(code: EnhancedCode | None) -> frozenset[_Status]:
    if code is None:
        return frozenset()
    klass, subject, detail = code
    return frozenset(((klass, subject, detail), (None, subject, detail), (klass, subject, None), (None, subject, None)))


def _unless(rule: Rule) -> str:
    """The name under which the phrases are looked for that speak against a rule: hundreds, some of them."""
    return f"unless {rule.id}"


def _any(phrases: Sequence[Phrase], words: str) -> bool:
    return any(phrase.stands_in(words) for phrase in phrases)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who is recognised by the names of their servers, or by words that nobody else uses."""

    name: str
    domains: tuple[str, ...]
    says: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class _Order:
    """The rules for what one provider says. Most go by words, and of those only the few that are said are tried."""

    rules: tuple[Rule, ...]
    places: Mapping[str, int]  # of the rules that go by words, by their ids
    wordless: frozenset[int]  # the places of the others

    @classmethod
    def of(cls, rules: tuple[Rule, ...]) -> "_Order":
        places = {rule.id: place for place, rule in enumerate(rules) if rule.says}
        return cls(rules, places, frozenset(range(len(rules))).difference(places.values()))

    def to_try(self, said: frozenset[str]) -> list[Rule]:
        """The rules that may apply, as they stand: those one of whose phrases was said, and those that have none."""
        places = self.wordless.union([self.places[name] for name in said & self.places.keys()])
        return [self.rules[place] for place in sorted(places)]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules, in the order in which they are tried."""

    rules: tuple[Rule, ...]
    providers: tuple[Provider, ...]
    reasons: Mapping[str, Mapping[str, str]]
    _orders: Mapping[str, _Order]
    _domains: Mapping[str, str]
    _phrases: PhraseIndex
    _advice: Mapping[str, str]

    def decide(self, evidence: Evidence) -> tuple[str, Rule | None]:
        """The name of who spoke, empty where they are not known; and the first rule that applies."""
        said = self._phrases.said_in(evidence.words)
        provider = self._of_host(evidence.host) or next((one.name for one in self.providers if one.name in said), "")
        statuses = _statuses(evidence.enhanced)
        for rule in self._orders[provider].to_try(said):
            if rule.fits(evidence, statuses) and not (rule.unless and _unless(rule) in said):
                return provider, rule
        return provider, None

    def _of_host(self, host: str) -> str:
        domain = host
        while domain:
            if (name := self._domains.get(domain)) is not None:
                return name
            domain = domain.partition(".")[2]
        return ""

    def meaning(self, reason: str) -> str:
        """What a reason means, in a sentence."""
        return self.reasons[reason]["meaning"]

    def advice(self, reason: str, rule_id: str = "") -> str:
        """What to do about a reason, in a sentence; a rule may know better."""
        return self._advice.get(rule_id) or self.reasons[reason]["advice"]


@cache
def rule_book() -> RuleBook:
    """The rules that come with the package."""
    return read_rules(_document("bounce_rules.toml"), _document("bounce_languages.toml"))


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads((files("postroad.reports") / name).read_text(encoding="utf-8"))


def read_rules(document: Mapping[str, Any], languages: Mapping[str, Mapping[str, Sequence[str]]]) -> RuleBook:
    """The rules of a document as ``bounce_rules.toml`` is one; ``languages`` has more phrases of each, by language.

    Raises:
        ValueError, KeyError, TypeError: the document is no such one.
    """
    rules = tuple(_rule(given, languages.get(given["id"], {})) for given in document["rule"])
    if unknown := languages.keys() - {rule.id for rule in rules}:
        raise ValueError(f"{', '.join(sorted(unknown))}: no rule has this id")
    providers = tuple(
        Provider(given["name"], tuple(given.get("domains", ())), _phrases(given.get("says", ())))
        for given in document["provider"]
    )
    names = ("", *(provider.name for provider in providers))
    orders = {name: _Order.of(_in_order(rules, name)) for name in names}
    advice = {rule.id: rule.advice for rule in rules if rule.advice}
    domains = {domain: provider.name for provider in providers for domain in provider.domains}
    speaking = [(rule.id, rule.says) for rule in rules] + [(provider.name, provider.says) for provider in providers]
    speaking += [(_unless(rule), rule.unless) for rule in rules]
    index = PhraseIndex((name, phrase) for name, says in speaking for phrase in says)
    return RuleBook(rules, providers, document["reason"], orders, domains, index, advice)


def _in_order(rules: Sequence[Rule], provider: str) -> tuple[Rule, ...]:
    own = tuple(rule for rule in rules if provider and rule.provider == provider)
    return (*own, *(rule for rule in rules if not rule.provider))


def _rule(given: Mapping[str, Any], languages: Mapping[str, Sequence[str]]) -> Rule:
    codes, statuses = _codes(given.get("codes", ()))
    says = _phrases((*given.get("says", ()), *chain.from_iterable(languages.values())))
    provider = given.get("provider", "")
    known = {
        "id",
        "class",
        "reason",
        "example",
        "provider",
        "says",
        "also",
        "unless",
        "codes",
        "step",
        "confirm",
        "advice",
        "host",
    }
    if unknown := set(given) - known:
        raise ValueError(f"rule {given.get('id')}: {', '.join(sorted(unknown))} is no part of a rule")
    return Rule(
        id=given["id"],
        bounce_class=BounceClass(given["class"]),
        reason=given["reason"],
        example=given["example"],
        basis=_basis(given),
        provider=provider,
        says=says,
        also=_phrases(given.get("also", ())),
        unless=_phrases(given.get("unless", ())),
        codes=codes,
        statuses=statuses,
        steps=frozenset().union(*(_STEPS[step] for step in given.get("step", ()))),
        confirm=Confirm(given.get("confirm", "never")),
        advice=given.get("advice", ""),
    )


def _basis(given: Mapping[str, Any]) -> Basis:
    if given.get("provider"):
        return Basis.PROVIDER
    if given.get("says"):
        return Basis.TEXT
    if given.get("step"):
        return Basis.STEP
    return Basis.STATUS if any("." in code for code in given["codes"]) else Basis.CODE


def _phrases(texts: Iterable[str]) -> tuple[Phrase, ...]:
    return tuple(phrase for text in texts for phrase in Phrase.of(text))


def _codes(given: Iterable[str]) -> tuple[frozenset[int], frozenset[_Status]]:
    """``550`` and ``5xx`` are reply codes; ``5.7.1``, ``x.7.1`` and ``5.7.x`` status codes."""
    codes: set[int] = set()
    statuses = []
    for one in given:
        if "." in one:
            klass, subject, detail = one.split(".")
            statuses.append((_number(klass), int(subject), _number(detail)))
        elif one.endswith("xx"):
            codes.update(range(int(one[0]) * 100, int(one[0]) * 100 + 100))
        else:
            codes.add(int(one))
    return frozenset(codes), frozenset(statuses)


def _number(text: str) -> int | None:
    return None if text == "x" else int(text)
