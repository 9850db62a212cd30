"""DK-02: the key records can be read."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dkim.published import Published, single
from postroad.doctor.remedy import DnsRecord
from postroad.doctor.tag_text import retagged
from postroad.lint.finding import Level
from postroad.mailauth.dkim.keys import KeyKind
from postroad.mailauth.tag_list import MalformedTagList, read_tags


async def _look(examination: Examination) -> Sight:
    for one in await single(examination):
        if one.fault and not one.mangled and not is_odd_ed25519(one.texts[0]):
            sentence = f"{one.name}: {one.fault}: {excerpt(one.texts[0])}"
            yield Seen(Level.FAIL, sentence, one.remedy or _mended(one))
        elif one.record is not None:
            yield Seen(Level.PASS, f"{one.name} can be read")


def is_odd_ed25519(text: bytes) -> bool:
    """Whether all is well but the key itself, which DK-05 is about."""
    try:
        tags = read_tags(text)
    except MalformedTagList:
        return False
    return tags.get("k") == KeyKind.ED25519 and bool(tags.get("p")) and tags.get("v", "DKIM1") == "DKIM1"


def _mended(one: Published) -> tuple[DnsRecord, ...]:
    """The record with its version first and said right, if that is all that is wrong."""
    text = retagged(f"v=DKIM1; {retagged(one.text, {'v': None}) or ''}", {}) if "=" in one.text else ""
    return one.rewritten(text)


CHECK: Final = Check(
    "DK-02",
    Area.DKIM,
    "A key record is a list of tags; v=DKIM1 is the first, if it is there, k= is rsa or ed25519, and p= holds a key.",
    "RFC 6376 §3.2, §3.6.1",
    _look,
)
