"""What a domain promises about TLS on its mail exchangers: its MTA-STS policy, and the TLSA records of its hosts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from postroad.clock import as_datetime
from postroad.doctor.check import Examination
from postroad.doctor.document import octets_of
from postroad.doctor.remedy import DnsRecord, WebDocument, txt
from postroad.lookup import RecordType
from postroad.mailauth.domain_name import domain_name
from postroad.routing.dane import Associations, Finding, associations
from postroad.routing.mta_sts import (
    FETCH_SECONDS,
    MAX_OCTETS,
    Mode,
    Policy,
    PolicyError,
    policy_url,
    read_policy,
    record_id,
)
from postroad.routing.mx import mail_hosts

MAX_AGE: Final = 604_800  # seconds that a policy is remembered: a week, as in the example of RFC 8461 §3.2
MAX_HOSTS: Final = 10  # mail exchangers that are looked at; the largest providers have five


@dataclass(frozen=True, slots=True)
class StsRecord:
    """The TXT records that begin as one of MTA-STS does; ``id`` where it is one and well-formed, else ``fault``."""

    texts: tuple[bytes, ...]
    id: str | None = None
    fault: str = ""


async def sts_record(examination: Examination) -> StsRecord:
    """The record of the domain.

    Raises:
        Unanswered: nothing was learnt.
    """
    answer = await examination.ask(f"_mta-sts.{examination.subject.domain}", RecordType.TXT)
    texts = meant_as(answer.texts, b"v=sts", b"id=")
    try:
        id_ = record_id(answer.texts)
    except PolicyError as fault:
        return StsRecord(texts, fault=str(fault))
    return StsRecord(texts, id_, "" if id_ or not texts else "the record does not begin with v=STSv1;")


def meant_as(texts: Sequence[bytes], version: bytes, tag: bytes) -> tuple[bytes, ...]:
    """The records that begin with this version, in whatever case; without one, those that have the tag and no version
    at all, for somebody forgot it. Others are there for another reason, such as a wildcard."""
    begun = tuple(text for text in texts if text.lstrip().lower().startswith(version))
    return begun or tuple(text for text in texts if tag in text and not text.lstrip().lower().startswith(b"v="))


async def sts_text(examination: Examination) -> bytes | None:
    """The policy's text, where there is a record, and the document comes as RFC 8461 §3.3 wants it."""
    if not (await sts_record(examination)).texts:
        return None
    url = policy_url(examination.subject.domain)
    return await octets_of(url, examination, limit=MAX_OCTETS, seconds=FETCH_SECONDS)


async def sts_policy(examination: Examination) -> Policy | None:
    """The policy that holds."""
    text = await sts_text(examination)
    if text is None or (await sts_record(examination)).id is None:
        return None
    try:
        policy = read_policy(text)
    except PolicyError:
        return None
    return policy if policy.mode is not Mode.NONE else None


def fresh_sts_record(examination: Examination) -> DnsRecord:
    """A record with an id that was never there: the moment, as RFC 8461 §3.1 has it in its example."""
    moment = as_datetime(examination.now)
    return txt(f"_mta-sts.{examination.subject.domain}", f"v=STSv1; id={moment:%Y%m%dT%H%M%S}")


async def policy_document(examination: Examination, mode: Mode) -> WebDocument:
    """A policy for the mail exchangers that there are (RFC 8461 §3.2).

    Raises:
        Unanswered: nothing was learnt.
    """
    hosts = await exchangers(examination)
    fields = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), f"max_age: {MAX_AGE}"]
    return WebDocument(policy_url(examination.subject.domain), "\n".join(fields))


async def exchangers(examination: Examination) -> tuple[str, ...]:
    """The hosts that receive for the domain, the preferred ones first.

    Raises:
        Unanswered: nothing was learnt.
    """
    hosts = await mail_hosts(examination.subject.domain, examination.resolver)
    ordered = sorted(hosts.hosts, key=lambda one: (one.preference, one.host))
    # What is no name of a host cannot be visited, and is a fault of its own (MX-02).
    names = [domain_name(one.host) for one in ordered]
    return tuple(dict.fromkeys(name for name in names if name is not None))[:MAX_HOSTS]


async def dane_of(host: str, examination: Examination) -> Associations | None:
    """The TLSA records of a mail exchanger, where they can be used."""
    if not (await mail_hosts(examination.subject.domain, examination.aside)).authentic:
        return None
    found = await associations(host, examination.aside)
    return found if found.finding is Finding.USABLE else None
