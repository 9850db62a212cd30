"""From what a server said to what it means: one pure function, for live replies, for notices and for people.

The order of evidence: what the provider that wrote it is known to mean by it, then words that everybody uses, then the
status code (RFC 3463, and IANA's registry of them), then the reply code (RFC 5321 §4.2). The rules are data
(``bounce_rules.toml``); the worst mistake is to give up somebody wrongly, so what is in doubt is soft.
"""

from dataclasses import dataclass
from typing import Final

from postroad.reply import Phase, Reply
from postroad.reports.classes import Action, BounceClass
from postroad.reports.evidence import Evidence, Source, evidence_of, evidence_of_reply
from postroad.reports.rules import Basis, Confirm, Rule, rule_book

# How much a kind of evidence is worth, from 0 to 1; what could be a misunderstanding is worth half of it.
_CONFIDENCE: Final = {Basis.PROVIDER: 0.95, Basis.TEXT: 0.9, Basis.STEP: 0.8, Basis.STATUS: 0.75, Basis.CODE: 0.5}
_UNCONFIRMED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Classification:
    """What a refusal means. ``meaning`` and ``advice`` are sentences for people; ``confidence`` is from 0 to 1;
    ``rule`` is the id of the rule that decided, empty where none did; ``provider`` is who is known to have spoken."""

    bounce_class: BounceClass
    reason: str
    provider: str = ""
    confidence: float = 0.0
    rule: str = ""
    basis: Basis | None = None

    @property
    def by_words(self) -> bool:
        """Whether words decided, or the step at which it was refused; both say more than codes."""
        return self.basis in (Basis.TEXT, Basis.PROVIDER, Basis.STEP)

    @property
    def action(self) -> Action:
        """What it asks for."""
        return self.bounce_class.action

    @property
    def meaning(self) -> str:
        """What it means, in a sentence."""
        return rule_book().meaning(self.reason)

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        return rule_book().advice(self.reason, self.rule)


UNKNOWN: Final = Classification(BounceClass.UNKNOWN, "unknown")


def classify(evidence: Evidence) -> Classification:
    """What a piece of evidence means."""
    provider, rule = rule_book().decide(evidence)
    if evidence.source is Source.REPLY and evidence.code is not None and evidence.code < 300:
        return Classification(BounceClass.DELIVERED, "delivered", provider, 1.0)
    if rule is None:
        return Classification(BounceClass.UNKNOWN, "unknown", provider)
    if not _sure(rule.confirm, evidence):
        # RFC 5321 §3.3: a server that took the recipient and refuses the content speaks of the content, or filters
        # for the recipient; and a notice that does not tell the step may hide just that.
        return Classification(BounceClass.RECIPIENT_REFUSED, "filtered", provider, _UNCONFIRMED, rule.id, rule.basis)
    bounce_class, reason = _for_now(rule) if _temporary(evidence) else (rule.bounce_class, rule.reason)
    return Classification(bounce_class, reason, provider, _CONFIDENCE[rule.basis], rule.id, rule.basis)


def _temporary(evidence: Evidence) -> bool:
    """Whether the server says "not now" (4yz, RFC 5321 §4.2.1), and nothing else."""
    if evidence.code is not None:
        return 400 <= evidence.code < 500
    return evidence.enhanced is not None and evidence.enhanced.klass == 4


def _for_now(rule: Rule) -> tuple[BounceClass, str]:
    """Nobody is given up for a "not now"."""
    if rule.bounce_class is BounceClass.HARD_DOMAIN:
        return BounceClass.TRANSIENT, "dns_temporary"
    if rule.bounce_class is BounceClass.HARD_RECIPIENT:
        return BounceClass.RECIPIENT_REFUSED, "filtered"
    return rule.bounce_class, rule.reason


def classify_reply(reply: Reply, host: str = "", phase: Phase | None = None) -> Classification:
    """What the reply of an SMTP server means; ``host`` is its name, ``phase`` the command that it answers."""
    return classify(evidence_of_reply(reply, host=host, phase=phase))


def classify_text(text: str, host: str = "") -> Classification:
    """What a reply means that somebody copied from a log: ``550-5.7.26 …``; ``host`` is the server that said it."""
    return classify(evidence_of(text, host=host, source=Source.REPLY))


def _sure(confirm: Confirm, evidence: Evidence) -> bool:
    """Whether it is sure enough that the refusal is of the recipient, and for good."""
    if confirm is Confirm.NEVER or (confirm is Confirm.ANSWER and evidence.code is None):
        return True
    enhanced = evidence.enhanced
    if enhanced is not None and enhanced.klass == 4:
        return False
    if enhanced is not None and enhanced.subject == 1:
        return True
    if evidence.phase in (Phase.DATA, Phase.DOT):
        return False
    if evidence.code is not None and evidence.code < 500:
        return False
    return evidence.phase is Phase.RCPT or evidence.source is Source.REPLY
