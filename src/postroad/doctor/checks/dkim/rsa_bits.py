"""DK-04: RSA keys are long enough, and not too long."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.dkim.published import readable
from postroad.lint.finding import Level
from postroad.mailauth.dkim.keys import MAX_RSA_BITS, MIN_RSA_BITS, RSA_BITS


async def _look(examination: Examination) -> Sight:
    for one, record in await readable(examination):
        if not record.bits:
            continue
        level = _level(record.bits)
        # A key that is given may be the longer one that is to take its place.
        better = one.key is not None and _level(one.key.bits) is Level.PASS
        publish = one.remedy if level is not Level.PASS and better else ()
        yield Seen(level, f"{one.name} has an RSA key of {record.bits} bits", publish)


def _level(bits: int) -> Level:
    if bits < MIN_RSA_BITS:
        return Level.FAIL
    return Level.PASS if RSA_BITS <= bits <= MAX_RSA_BITS else Level.WARN


CHECK: Final = Check(
    "DK-04",
    Area.DKIM,
    "An RSA key has 2048 bits, or up to 4096; below 1024 it proves nothing, above 4096 not everybody checks it.",
    "RFC 8301 §3.2",
    _look,
)
