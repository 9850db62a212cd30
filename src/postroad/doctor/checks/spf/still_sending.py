"""A policy written anew, with the domain's own hosts in it: what mends a record must not shut out who sends by it."""

from collections.abc import Collection

from postroad.doctor.check import Examination
from postroad.doctor.checks.spf.policy import Policy, is_ours
from postroad.doctor.checks.spf.wording import address_term, allows_some, record_of, with_addresses, without
from postroad.doctor.remedy import DnsRecord, txt
from postroad.doctor.subject import Address
from postroad.lookup import Answer, RecordType, Resolver, found
from postroad.mailauth.spf.check import check
from postroad.mailauth.spf.verdict import Result


async def still_sending(
    domain: str, text: str, examination: Examination, *, entry: str | None = None
) -> tuple[DnsRecord, ...]:
    """This record, with the known addresses in front that it refuses. One that lets nobody send any more, where no
    address is known, gives way to what a domain without a policy is told. ``entry`` is where receivers begin, if the
    record is one that they are led to.

    Raises:
        Unanswered: nothing was learnt.
    """
    subject = examination.subject
    if subject.parked:
        return (txt(domain, text),)  # nobody is to send
    if not subject.ips and not allows_some(text) and entry in (None, domain):
        return await suggested(domain, examination)
    trial = _Trial(domain, text, examination.aside)
    refused = [ip for ip in subject.ips if not await _passes(ip, entry or domain, trial, examination)]
    return (txt(domain, with_addresses(text, refused)),)


async def without_terms(policy: Policy, terms: Collection[str], examination: Examination) -> tuple[DnsRecord, ...]:
    """The policy without these terms, under which the known hosts may still send; nothing without any terms, or where
    the record is not ours to publish.

    Raises:
        Unanswered: nothing was learnt.
    """
    if policy.record is None or not terms or not is_ours(policy, examination):
        return ()
    return await still_sending(policy.domain, without(policy.record.text, terms), examination, entry=policy.entry)


async def suggested(domain: str, examination: Examination) -> tuple[DnsRecord, ...]:
    """A first policy: the addresses that are known to send, else the hosts that receive; without either, nobody knows.

    Raises:
        Unanswered: nothing was learnt.
    """
    addresses = [address_term(ip) for ip in examination.subject.ips]
    if addresses:
        return (txt(domain, record_of([*addresses, "~all"])),)
    for kind, term in ((RecordType.MX, "mx"), (RecordType.A, "a"), (RecordType.AAAA, "a")):
        answer = await examination.ask(domain, kind)
        if answer.addresses or any(one.host for one in answer.exchanges):
            return (txt(domain, record_of([term, "~all"])),)
    return ()


async def _passes(ip: Address, domain: str, trial: "_Trial", examination: Examination) -> bool:
    # Aside: this is about a record that nobody publishes yet, so a missing answer says nothing of the domain.
    helo = examination.subject.helo or domain
    verdict = await check(ip, helo, f"postmaster@{domain}", trial)
    return verdict.result is Result.PASS


class _Trial:
    """A ``Resolver`` in which the domain has this text alone."""

    def __init__(self, domain: str, text: str, resolver: Resolver) -> None:
        self._domain = domain
        self._text = text
        self._resolver = resolver

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        if kind is RecordType.TXT and name.lower() == self._domain:
            return found(name, kind, [self._text.encode("latin-1", "replace")])
        return await self._resolver.lookup(name, kind)
