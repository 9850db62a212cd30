"""SPF-01: there is one policy, and only one."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import own_policy
from postroad.doctor.checks.spf.wording import VERSION, address_term, is_read, record_of, terms_of
from postroad.doctor.remedy import DnsRecord, txt
from postroad.lint.finding import Level
from postroad.lookup import RecordType

_PARKED: Final = f"{VERSION} -all"  # RFC 7208 §10.1.2


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    for domain in subject.spf_domains:
        policy = await own_policy(domain, examination)
        if len(policy.texts) == 1:
            yield Seen(Level.PASS, f"{domain}: {excerpt(policy.texts[0])}")
        elif policy.texts:
            records = [text.decode("latin-1") for text in policy.texts]
            yield Seen(
                Level.FAIL, f"{domain} has {len(records)} SPF records, which is an error to every receiver: "
                f"{' / '.join(map(excerpt, records))}; publish one in their place", (txt(domain, _merged(records)),),
            )  # fmt: skip
        elif domain == subject.mail_from:
            yield await _missing(domain, examination)


async def _missing(domain: str, examination: Examination) -> Seen:
    near = await _near_misses(domain, examination)
    if near:
        meant = " ".join(near[0].strip(" \"'").split())
        publish = (txt(domain, meant),) if is_read(meant) else ()
        return Seen(Level.FAIL, f"{domain} has no SPF record, but a text that does not begin as one: "
                    f"{excerpt(near[0])!a}", publish)  # fmt: skip
    if examination.subject.parked:
        sentence = f"{domain} has no SPF record, and sends no mail: it can say so"
        return Seen(Level.INFO, sentence, (txt(domain, _PARKED),))
    return Seen(Level.FAIL, f"{domain} has no SPF record", await _suggested(domain, examination))


async def _near_misses(domain: str, examination: Examination) -> list[str]:
    texts = [text.decode("latin-1") for text in (await examination.ask(domain, RecordType.TXT)).texts]
    return [text for text in texts if text.strip(" \"'").lower().startswith((f"{VERSION} ", f"{VERSION}\t"))]


async def _suggested(domain: str, examination: Examination) -> tuple[DnsRecord, ...]:
    """The addresses that are known to send, else the hosts that receive; without either, nobody knows."""
    addresses = [address_term(ip) for ip in examination.subject.ips]
    if addresses:
        return (txt(domain, record_of([*addresses, "~all"])),)
    for kind, term in ((RecordType.MX, "mx"), (RecordType.A, "a")):
        if (await examination.ask(domain, kind)).records:
            return (txt(domain, record_of([term, "~all"])),)
    return ()


def _merged(records: list[str]) -> str:
    """What any of them allows; the last word of the one that ends most mildly, so that nothing is refused anew."""
    terms = [term for record in records for term in terms_of(record) if is_read(f"{VERSION} {term}")]
    ends = [term for term in terms if term.lower() in ("~all", "-all")]
    others = [term for term in terms if not term.lower().endswith("all") and not term.lower().startswith("redirect=")]
    return record_of([*others, min(ends, key=lambda one: one.lower() != "~all", default="~all")])


CHECK: Final = Check(
    "SPF-01",
    Area.SPF,
    "The domain of MAIL FROM has one TXT record that begins with v=spf1, and no second.",
    "RFC 7208 §3.2, §4.5",
    _look,
)
