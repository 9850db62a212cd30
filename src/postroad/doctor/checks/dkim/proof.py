"""DK-08: a message that is signed now passes now."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.dkim.published import readable
from postroad.doctor.checks.dkim.sample import SAMPLE
from postroad.lint.finding import Level
from postroad.mailauth.dkim.sign import Signer, sign
from postroad.mailauth.dkim.verify import verify
from postroad.mailauth.header_section import read


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    if not subject.keys:
        raise NotApplicable("no private key is known (--key)")
    message = SAMPLE % subject.domain.encode("ascii")
    ours = [(one, one.key) for one, record in await readable(examination) if one.key and record.is_of(one.key)]
    if not ours:
        raise NotApplicable("no private key belongs to what is published, as DK-03 and DK-07 say")
    for one, key in ours:
        field = sign(read(message), [Signer(subject.domain, one.selector, key)], at=examination.now)
        verdict = (await verify(field + message, examination.resolver, at=examination.now))[0]
        level = Level.PASS if verdict.passed else Level.FAIL
        text = f"a message signed with {one.name} gives {verdict.result}"
        yield Seen(level, f"{text}: {excerpt(verdict.reason)}" if verdict.reason else text)


CHECK: Final = Check(
    "DK-08",
    Area.DKIM,
    "A message that is signed with the key passes by what is published.",
    "RFC 6376 §6",
    _look,
)
