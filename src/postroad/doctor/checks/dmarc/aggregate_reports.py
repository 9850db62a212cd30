"""DM-08: somebody hears what receivers see."""

import re
from collections.abc import Sequence
from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import Published, mailbox, published
from postroad.doctor.remedy import DnsRecord
from postroad.doctor.sample_domains import reply_domains
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.dmarc.record import Oddity
from postroad.mailauth.dmarc.reporting_uri import ReportingUri, reporting_uri
from postroad.mailauth.domain_name import domain_name

_TAG: Final = re.compile(r"\A\s*ru[af]\s*=", re.IGNORECASE)  # a value that no tag may have is noted with its tag
_PARTING: Final = re.compile(r"[\s,]+")


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    record = found.record
    if record.p is None and not record.rua and not record.misstated:
        raise NotApplicable("DMARC does not apply, as DM-04 says")
    if examination.subject.parked and not record.rua and not found.odd(Oddity.INVALID):
        raise NotApplicable("nobody need hear of the mail of a domain that sends none")
    for tag, text in found.odd(Oddity.INVALID, Oddity.SIZE_LIMIT):
        if tag == "rua":
            meaning = "is an obsolete size limit" if text.startswith("!") else "is no place that reports can go to"
            yield Seen(Level.WARN, f"{found.name}: {excerpt(text)} in rua= {meaning}", mended(found, "rua"))
    for uri in filter(_is_slip, record.rua):
        sentence = f"{found.name}: {excerpt(uri.uri)} in rua= has slashes, which become part of the mailbox's name"
        yield Seen(Level.WARN, sentence, mended(found, "rua"))
    mailboxes = [uri for uri in record.rua if uri.address]
    if not record.rua and not found.odd(Oddity.INVALID):
        yield Seen(Level.WARN, f"{found.name} has no rua=: nobody hears who sends in your name", _with(found))
    elif record.rua and not mailboxes:
        yield Seen(Level.WARN, f"{found.name} has no mailto: in rua=, and receivers send mail only", _with(found))
    hosts = dict.fromkeys(uri.host for uri in mailboxes)
    silent = [host for host in hosts if not await _takes_mail(host, examination)]
    dead = [host for host in silent if examination.is_written_down(host, found.domain)]
    for host in silent:
        if host in dead:
            sentence = f"reports go to {host}, which has neither MX nor address records"
            yield Seen(Level.WARN, sentence, _with(found, without=dead))
        else:
            yield Seen(Level.INFO, f"reports go to {host}, of which the file says nothing")


def mended(found: Published, tag: str) -> tuple[DnsRecord, ...]:
    """The record with the places of a tag as they can be read; addresses become ``mailto:``."""
    written = {"rua": found.record.rua, "ruf": found.record.ruf}[tag]
    invalid = [text for tag_, text in found.odd(Oddity.INVALID) if tag_ == tag]
    pieces = [piece for text in invalid for piece in _PARTING.split(_TAG.sub("", text, count=1))]
    meant = [uri for piece in pieces if (uri := _address(piece)) is not None]
    right = [(_address(uri.uri) or uri) if _is_slip(uri) else uri for uri in written]
    uris = ",".join(dict.fromkeys(uri.uri for uri in (*right, *meant)))
    return found.with_tags({tag: uris or (f"mailto:{mailbox(found.domain)}" if tag == "rua" else None)})


def _is_slip(uri: ReportingUri) -> bool:
    """``mailto://``, as if it were ``https://``; RFC 6068 §2 reads the slashes as the start of the address."""
    return uri.address is not None and uri.address.startswith("//")


def _address(text: str) -> ReportingUri | None:
    bare = text.strip("<> /")
    without = bare[len("mailto") :].lstrip(":/= ") if bare.lower().startswith("mailto") else bare
    local, at, host = without.rpartition("@")
    return reporting_uri(f"mailto:{local}@{domain_name(host) or host}") if at else None


def _with(found: Published, without: Sequence[str] = ()) -> tuple[DnsRecord, ...]:
    """The record with the places that are good; if no mailbox is among them, with one of the domain's own."""
    good = [uri for uri in found.record.rua if uri.host not in without]
    own = [] if any(uri.address for uri in good) else [f"mailto:{mailbox(found.domain)}"]
    return found.with_tags({"rua": ",".join([*(uri.uri for uri in good), *own])})


async def _takes_mail(host: str, examination: Examination) -> bool:
    """RFC 5321 §5.1; a null MX takes none (RFC 7505). Of the domains that MX-01 is about, it tells itself."""
    subject = examination.subject
    if host in (subject.domain, subject.mail_from, *reply_domains(subject)):
        return True
    exchanges = (await examination.ask(host, RecordType.MX)).exchanges
    if exchanges:
        return any(one.host for one in exchanges)
    return bool(await examination.addresses(host))


CHECK: Final = Check(
    "DM-08",
    Area.DMARC,
    "rua= names a mailbox (mailto:) that exists, so that reports of receivers arrive; no size limit stands behind it.",
    "RFC 9989 §4.7, §4.8",
    _look,
)
