"""BIMI-01: one well-formed record, with addresses that begin with https."""

import re
from collections.abc import Iterator
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.bimi.published import BimiRecord, bimi_record
from postroad.doctor.remedy import DnsRecord, txt
from postroad.lint.finding import Level

_URL: Final = re.compile(r"https://[^\s;,/]+/\S+", re.IGNORECASE)
# The addresses of a record that cannot be read: also by http, or without a scheme, and between quotes.
_ANY_URL: Final = re.compile(
    rb"""(?:^|[\s;"'])([la])[ \t]*=[ \t]*(?:https?://)?((?=[^\s;,/"':]{1,253}\.)[^\s;,/"':]{1,255}"""
    rb"""(?::\d{1,5})?/[^\s;,"']+)""",
    re.IGNORECASE,
)
_PREFERENCES: Final = ("brand", "personal")
_VECTOR: Final = (".svg", ".svgz")


async def _look(examination: Examination) -> Sight:
    record = await bimi_record(examination)
    if not record.texts:
        yield Seen(Level.INFO, f"{record.name} has no record: no logo is shown")
        return
    faults = list(_faults(record))
    for fault in faults:
        said = ", ".join(excerpt(text) for text in record.texts)
        yield Seen(Level.FAIL, f"{record.name}: {fault}: {said}", _mended(record))
    if not faults and not record.logo:
        yield Seen(Level.INFO, f"{record.name} says that no logo is to be shown")
    elif not faults and not record.evidence:
        yield Seen(Level.INFO, f"{record.name} has no certificate (a=): Gmail and Apple show no logo without one")
    elif not faults:
        yield Seen(Level.PASS, f"{record.name} names a logo and a certificate")


def _faults(record: BimiRecord) -> Iterator[str]:
    if record.fault:
        yield record.fault
        return
    if next(iter(record.tags)) != "v" or record.tags["v"] != "BIMI1":
        yield "it does not begin with v=BIMI1"
    if "l" not in record.tags:
        yield "it has no l="
    for tag in ("l", "a"):
        value = record.tags.get(tag, "")
        if value and value != "self" and not _URL.fullmatch(value):
            yield f"{tag}= is no https:// address"
    if (preference := record.tags.get("avp", "brand")) not in _PREFERENCES:
        yield f"avp={excerpt(preference)} is neither brand nor personal"
    if record.logo and not record.logo.partition("?")[0].lower().endswith(_VECTOR):
        yield "the logo is no .svg file"


def _mended(record: BimiRecord) -> tuple[DnsRecord, ...]:
    """One record with the addresses that stand there."""
    urls = {tag.decode().lower(): rest.decode("latin-1") for tag, rest in _ANY_URL.findall(b"; ".join(record.texts))}
    if "l" not in urls or not urls["l"].partition("?")[0].lower().endswith(_VECTOR):
        return ()
    evidence = f" a=https://{urls['a']};" if "a" in urls else " a=;"
    return (txt(record.name, f"v=BIMI1; l=https://{urls['l']};{evidence}"),)


CHECK: Final = Check(
    "BIMI-01",
    Area.BIMI,
    "There is one record at default._bimi, v=BIMI1; l=https://….svg; a=https://….pem.",
    "draft-brand-indicators-for-message-identification §4",
    _look,
)
