"""SPF-03: how many questions the policy costs."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.evaluation import worst_cases
from postroad.lint.finding import Level
from postroad.mailauth.spf.questions import Limits
from postroad.mailauth.spf.record import RecordError, read_record
from postroad.mailauth.spf.verdict import Outcome, SpfVerdict, Step

_MOST: Final = Limits().lookups
_NEAR: Final = 9  # one include of somebody else grows by one or two without telling


async def _look(examination: Examination) -> Sight:
    async for policy, verdict in worst_cases(examination):
        sentence = f"{policy.domain}: {verdict.lookups} of {_MOST} terms ask the DNS"
        if not verdict.lookups:
            yield Seen(Level.PASS, f"{policy.domain}: no term asks the DNS")
        elif verdict.lookups > _MOST:
            yield Seen(Level.FAIL, f"{sentence}: {_tree(verdict)}")
        elif verdict.lookups >= _NEAR:
            yield Seen(Level.WARN, f"{sentence}: {_tree(verdict)}")
        else:
            yield Seen(Level.PASS, f"{sentence}: {_tree(verdict)}")


def _tree(verdict: SpfVerdict) -> str:
    """The terms that ask, those of an included policy in parentheses behind what includes it."""
    open_: dict[int, list[str]] = {}
    # A step is told when it has ended, so what an include leads to stands before it in the trace.
    for step in filter(_asks, verdict.trace):
        below = open_.pop(step.depth + 1, [])
        entry = f"{step.term} ({', '.join(below)})" if below else step.term
        open_.setdefault(step.depth, []).append(entry)
    return excerpt(", ".join(open_.get(0, ())))


def _asks(step: Step) -> bool:
    if step.outcome is Outcome.RECORD:
        return False
    if step.outcome is Outcome.FOLLOWED:
        return True
    try:
        return any(one.kind.asks for one in read_record(f"v=spf1 {step.term}".encode("latin-1")).mechanisms)
    except RecordError:
        return False


CHECK: Final = Check(
    "SPF-03",
    Area.SPF,
    "At most 10 terms of the policy, with all that it includes, ask the DNS; more is an error to every receiver.",
    "RFC 7208 §4.6.4",
    _look,
)
