"""DK-11: nothing of the way it was typed in became part of the record."""

import re
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dkim.published import Published, single
from postroad.doctor.remedy import DnsRecord
from postroad.lint.finding import Level

_KEY: Final = re.compile(r"((?:^|;)\s*p\s*=)([^;]*)")


async def _look(examination: Examination) -> Sight:
    for one in await single(examination):
        publish = one.remedy or _cleaned(one)
        if one.mangled:
            sentence = f"{one.name} has quotes or backslashes in its text: {excerpt(one.texts[0])}"
            yield Seen(Level.FAIL, sentence, publish)
        elif (key := _KEY.search(one.text)) and len(key[2].split()) > 1:
            sentence = f"{one.name} has white space inside p=; its strings were joined with it, and not every reader "
            # RFC 6376 §3.6.1 lets it stand there; but where it came from (§3.6.2.2), and that tools trip over it, is
            # why it is to be mended at once.
            yield Seen(Level.FAIL, f"{sentence}passes over it", publish)


def _cleaned(one: Published) -> tuple[DnsRecord, ...]:
    bare = " ".join(one.text.translate({ord('"'): None, ord("\\"): None}).split())
    text = _KEY.sub(lambda key: key[1] + "".join(key[2].split()), bare)
    return one.rewritten(text)


CHECK: Final = Check(
    "DK-11",
    Area.DKIM,
    "The strings of a record are joined without anything between them; no quote and no backslash is part of the text.",
    "RFC 6376 §3.6.2.2",
    _look,
)
