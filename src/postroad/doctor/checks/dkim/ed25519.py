"""DK-05: Ed25519 keys are well formed, and not the only ones."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dkim.published import single
from postroad.doctor.checks.dkim.syntax import is_odd_ed25519
from postroad.lint.finding import Level
from postroad.mailauth.dkim.keys import KeyKind


async def _look(examination: Examination) -> Sight:
    found = await single(examination)
    for one in found:
        if one.fault and is_odd_ed25519(one.texts[0]):
            sentence = f"{one.name}: p= is not the base64 of the 32 octets of an Ed25519 key: {excerpt(one.texts[0])}"
            yield Seen(Level.FAIL, sentence, one.remedy)
    kinds = [one.record.kind for one in found if one.record is not None and one.record.public is not None]
    if len(kinds) == len(examination.subject.selectors) and set(kinds) == {KeyKind.ED25519}:
        yield Seen(Level.WARN, "only Ed25519 keys are known; many receivers know RSA alone: sign with both")


CHECK: Final = Check(
    "DK-05",
    Area.DKIM,
    "An Ed25519 key has 32 octets, and mail that it signs is signed by RSA, too, for receivers that do not know it.",
    "RFC 8463 §4, §3",
    _look,
)
