"""SPF-04: the names in the policy exist."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.evaluation import worst_cases
from postroad.doctor.checks.spf.still_sending import without_terms
from postroad.lint.finding import Level
from postroad.lookup import Answer, RecordType, Status
from postroad.mailauth.spf.questions import Limits
from postroad.mailauth.spf.verdict import Outcome, Step

_MOST: Final = Limits().void_lookups
_NOT_COUNTED: Final = (RecordType.TXT, RecordType.PTR)
_VOID: Final = (Status.NO_DATA, Status.NO_NAME)


async def _look(examination: Examination) -> Sight:
    async for policy, verdict in worst_cases(examination):
        found = [(step, answer) for step in verdict.trace for answer in _void(step)]
        questions = excerpt(", ".join(f"{answer.kind} {answer.name} ({step.term})" for step, answer in found))
        sentence = f"{policy.domain}: {len(found)} of {_MOST} questions find nothing"
        if len(found) <= _MOST:
            yield Seen(
                Level.PASS, f"{sentence}: {questions}" if found else f"{policy.domain}: every question is answered"
            )
            continue
        publish = await without_terms(policy, _barren(policy.domain, found), examination)
        yield Seen(Level.FAIL, f"{sentence}: {questions}", publish)


def _barren(domain: str, found: list[tuple[Step, Answer]]) -> set[str]:
    """The terms of the own record that find nothing, if it is enough to take them away."""
    own = [step.term for step, _ in found if step.depth == 0 and step.domain == domain]
    return set(own) if len(found) - len(own) <= _MOST else set()


def _void(step: Step) -> list[Answer]:
    """Whether there is a policy that a term leads to is not counted: that is an error of its own. And what is asked
    about a client, its name or by a macro, is nothing that the policy could mend."""
    if step.outcome is Outcome.RECORD or "%{" in step.term:
        return []
    return [one for one in step.answers if one.status in _VOID and one.kind not in _NOT_COUNTED]


CHECK: Final = Check(
    "SPF-04",
    Area.SPF,
    "At most 2 questions that the policy asks find nothing; more is an error to every receiver.",
    "RFC 7208 §4.6.4",
    _look,
)
