"""DANE-02: TLSA records can be used, and match the certificate that the host shows."""

from hashlib import sha256
from typing import Final

from postroad.clock import as_datetime
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.remedy import DnsRecord
from postroad.doctor.transport_policy import exchangers
from postroad.lint.finding import Level
from postroad.lookup import RecordType, Tlsa
from postroad.routing.dane import Usage, is_usable, match, public_key

_PKIX: Final = {0: Usage.DANE_TA, 1: Usage.DANE_EE}  # RFC 7672 §3.1.3: what PKIX-TA and PKIX-EE become for SMTP
_AT_ROLL_OVER: Final = 2  # records: one for the key in use, one for the next (RFC 7671 §8.1)


async def _look(examination: Examination) -> Sight:
    looked = False
    for host in await exchangers(examination):
        records = (await examination.ask(f"_25._tcp.{host}", RecordType.TLSA)).associations
        if records:
            looked = True
            yield await _host(host, records, examination)
    if not looked:
        raise NotApplicable("no mail exchanger has TLSA records (DANE-01)")


async def _host(host: str, records: tuple[Tlsa, ...], examination: Examination) -> Seen:
    usable = [one for one in records if is_usable(one)]
    unusable = [one for one in records if not is_usable(one)]
    chain = await _chain(host, examination)
    if chain and usable:
        names = (host, examination.subject.domain)
        found = match(usable, chain, names, as_datetime(examination.now))
        if found.record is None:
            seen = f"{host}: {found.reason}; senders that know DANE deliver nothing"
            return Seen(Level.FAIL, seen, _of_key(host, chain))
    if unusable:
        told = ", ".join(f"{one.usage} {one.selector} {one.matching}" for one in unusable)
        level = Level.WARN if usable or all(one.usage in _PKIX for one in unusable) else Level.FAIL
        seen = f"{host} has records that no sender can use: {told}"
        return Seen(level, seen, _of_key(host, chain) if chain else _turned(host, records))
    if len(usable) < _AT_ROLL_OVER:
        return Seen(Level.INFO, f"{host} has one record; publish a second one before its key changes")
    return Seen(Level.PASS, f"{host} has {len(usable)} records{', one of which matches' if chain else ''}")


async def _chain(host: str, examination: Examination) -> tuple[bytes, ...]:
    visitor = examination.beyond.visitor
    return () if visitor is None else (await visitor(host)).furthest.chain


def _of_key(host: str, chain: tuple[bytes, ...]) -> tuple[DnsRecord, ...]:
    """``3 1 1`` for the key that the host shows (RFC 7672 §3.1.1)."""
    key = public_key(chain[0])
    if key is None:
        return ()
    return (DnsRecord(f"_25._tcp.{host}", RecordType.TLSA, f"3 1 1 {sha256(key).hexdigest()}"),)


def _turned(host: str, records: tuple[Tlsa, ...]) -> tuple[DnsRecord, ...]:
    """The same associations with the usages that SMTP knows; those beyond help are left out."""
    name = f"_25._tcp.{host}"
    turned = [Tlsa(_PKIX.get(one.usage, one.usage), one.selector, one.matching, one.data) for one in records]
    return tuple(
        DnsRecord(name, RecordType.TLSA, f"{int(one.usage)} {one.selector} {one.matching} {one.data.hex()}")
        for one in turned
        if is_usable(one)
    )


CHECK: Final = Check(
    "DANE-02",
    Area.TRANSPORT,
    "TLSA records have the usage 2 or 3, one matches the certificate, and there are two before a key changes.",
    "RFC 7672 §3.1, RFC 7671 §8",
    _look,
)
