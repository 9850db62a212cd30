"""DM-08: somebody hears what receivers see."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import Published, mailbox, published
from postroad.doctor.remedy import DnsRecord
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.dmarc.record import Oddity
from postroad.mailauth.dmarc.reporting_uri import ReportingUri, reporting_uri


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    record = found.record
    if record.p is None and not record.rua and not record.misstated:
        raise NotApplicable("DMARC does not apply, as DM-04 says")
    for tag, text in found.odd(Oddity.INVALID, Oddity.SIZE_LIMIT):
        if tag == "rua":
            meaning = "is an obsolete size limit" if text.startswith("!") else "is no place that reports can go to"
            yield Seen(Level.WARN, f"{found.name}: {excerpt(text)} in rua= {meaning}", mended(found, "rua"))
    mailboxes = [uri for uri in record.rua if uri.address]
    if not record.rua and not found.odd(Oddity.INVALID):
        yield Seen(Level.WARN, f"{found.name} has no rua=: nobody hears who sends in your name", _with(found))
    elif record.rua and not mailboxes:
        yield Seen(Level.WARN, f"{found.name} has no mailto: in rua=, and receivers send mail only", _with(found))
    for host in dict.fromkeys(uri.host for uri in mailboxes):
        if not await _takes_mail(host, examination):
            yield Seen(Level.WARN, f"reports go to {host}, which has neither MX nor address records", _with(found))


def mended(found: Published, tag: str) -> tuple[DnsRecord, ...]:
    """The record with the places of a tag as they can be read; addresses become ``mailto:``."""
    written = {"rua": found.record.rua, "ruf": found.record.ruf}[tag]
    invalid = [text for tag_, text in found.odd(Oddity.INVALID) if tag_ == tag]
    meant = [uri for text in invalid if (uri := _address(text)) is not None]
    uris = ",".join(dict.fromkeys(uri.uri for uri in (*written, *meant)))
    return found.with_tags({tag: uris or (f"mailto:{mailbox(found.domain)}" if tag == "rua" else None)})


def _address(text: str) -> ReportingUri | None:
    bare = text.strip("<> /")
    without = bare[len("mailto") :].lstrip(":/= ") if bare.lower().startswith("mailto") else bare
    return reporting_uri(f"mailto:{without}") if "@" in without else None


def _with(found: Published) -> tuple[DnsRecord, ...]:
    return found.with_tags({"rua": f"mailto:{mailbox(found.domain)}"})


async def _takes_mail(host: str, examination: Examination) -> bool:
    """RFC 5321 §5.1; a null MX takes none (RFC 7505)."""
    exchanges = (await examination.ask(host, RecordType.MX)).exchanges
    if exchanges:
        return any(one.host for one in exchanges)
    return any([(await examination.ask(host, kind)).addresses for kind in (RecordType.A, RecordType.AAAA)])


CHECK: Final = Check(
    "DM-08",
    Area.DMARC,
    "rua= names a mailbox (mailto:) that exists, so that reports of receivers arrive; no size limit stands behind it.",
    "RFC 9989 §4.7, §4.8",
    _look,
)
