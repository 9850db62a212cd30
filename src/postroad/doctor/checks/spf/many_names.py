"""SPF-05: no term has more names behind it than receivers look at."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.evaluation import worst_cases
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.spf.questions import Limits
from postroad.mailauth.spf.record import Kind

_LIMITS: Final = Limits()


async def _look(examination: Examination) -> Sight:
    async for policy, verdict in worst_cases(examination):
        for step in verdict.trace:
            for answer in step.answers:
                if answer.kind is RecordType.MX and len(answer.exchanges) > _LIMITS.mx_names:
                    sentence = f"{step.domain}: {excerpt(step.term)} leads to {len(answer.exchanges)} MX records"
                    yield Seen(Level.FAIL, f"{sentence}, and more than {_LIMITS.mx_names} are an error")
        assert policy.record is not None
        if any(one.kind is Kind.PTR for one in policy.record.mechanisms):
            async for seen in _of_clients(examination):
                yield seen


async def _of_clients(examination: Examination) -> Sight:
    for ip in examination.subject.ips:
        names = (await examination.ask(ip.reverse_pointer, RecordType.PTR)).names
        if len(names) > _LIMITS.ptr_names:
            # RFC 7208 §4.6.4: the names behind the tenth are passed over, and their order differs with each answer, so
            # whether the client matches is left to chance.
            sentence = f"{ip} has {len(names)} names; receivers look at {_LIMITS.ptr_names} of them for ptr"
            yield Seen(Level.FAIL, sentence)


CHECK: Final = Check(
    "SPF-05",
    Area.SPF,
    "An mx term leads to at most 10 MX records, and a client that is found by ptr has at most 10 names.",
    "RFC 7208 §4.6.4",
    _look,
)
