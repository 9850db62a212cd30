"""A domain that is sound beyond its authentication, too: hosts, lists, promises about TLS, a logo; and what answers for
the world around it."""

import asyncio
import base64
import gzip
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from postroad.clock import as_datetime
from postroad.doctor.beyond import Beyond
from postroad.doctor.check import Check
from postroad.doctor.checks.bimi.checks import BIMI_CHECKS
from postroad.doctor.checks.blocklists.checks import BLOCKLIST_CHECKS
from postroad.doctor.checks.hosts.checks import HOST_CHECKS
from postroad.doctor.checks.reception.checks import RECEPTION_CHECKS
from postroad.doctor.checks.transport.checks import TRANSPORT_CHECKS
from postroad.doctor.checkup import check_domain
from postroad.doctor.mark_certificate import PURPOSE
from postroad.doctor.probe.server import Probed
from postroad.doctor.probe.visit import Visit
from postroad.doctor.subject import Subject
from postroad.lint.finding import Finding
from postroad.lookup import Fetched, FetchFailed
from postroad.net.dns.zone import Zone
from postroad.net.self_signed import self_signed
from postroad.net.tls import Tls
from postroad.reply import Code, Reply
from postroad.routing.mta_sts import Kept, read_policy
from postroad.smtp.extensions import Extensions
from postroad.transport.smtp.settings import Smtp
from tests.doctor.zones import DOMAIN, healthy
from tests.fakes import FakeClock

AROUND: Final = (*RECEPTION_CHECKS, *HOST_CHECKS, *BLOCKLIST_CHECKS, *TRANSPORT_CHECKS, *BIMI_CHECKS)
HOST: Final = "mx.acme.example"
IPS: Final = (ip_address("192.0.2.1"), ip_address("2001:db8::1"))
POLICY_URL: Final = f"https://mta-sts.{DOMAIN}/.well-known/mta-sts.txt"
POLICY: Final = f"version: STSv1\nmode: enforce\nmx: {HOST}\nmax_age: 604800\n"
LOGO_URL: Final = f"https://{DOMAIN}/logo.svg"
MARK_URL: Final = f"https://{DOMAIN}/mark.pem"
LOGO: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 64 64">'
    '<title>Acme</title><defs><path id="p" d="M0 0h64v64z"/></defs><use href="#p" fill="#c00"/></svg>'
)
LOGOTYPE: Final = ObjectIdentifier("1.3.6.1.5.5.7.1.12")


@cache
def host_certificate() -> bytes:
    """What the mail exchanger shows, in DER."""
    return ssl.PEM_cert_to_DER_cert(self_signed((HOST,), clock=FakeClock()).pem)


def tlsa(usage: int = 3, selector: int = 1) -> str:
    """The record for what the mail exchanger shows."""
    certificate = x509.load_der_x509_certificate(host_certificate())
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"{usage} {selector} 1 {sha256(key if selector else host_certificate()).hexdigest()}"


def mark(
    *, logo: str | None = LOGO, names: Sequence[str] = (DOMAIN,), purpose: str = PURPOSE, days: int = 300
) -> bytes:
    """A mark certificate in PEM; it vouches for itself."""
    now = as_datetime(FakeClock().now())
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ObjectIdentifier(purpose)]), critical=False)
    )
    if logo is not None:
        uri = b"data:image/svg+xml;base64," + base64.b64encode(gzip.compress(logo.encode()))
        string = b"\x16\x82" + len(uri).to_bytes(2, "big") + uri  # of a LogotypeDetails only the URI is looked for
        around = b"\x30\x82" + len(string).to_bytes(2, "big") + string
        builder = builder.add_extension(x509.UnrecognizedExtension(LOGOTYPE, around), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def sound() -> dict[str, list[Any]]:
    """The healthy zone, and what else there can be."""
    zone = healthy()
    spf = next(entry for entry in zone[DOMAIN] if str(entry.get("TXT", "")).startswith("v=spf1"))
    spf["TXT"] = spf["TXT"].replace("ip4:192.0.2.1", "ip4:192.0.2.1 ip6:2001:db8::1")
    zone["mail.acme.example"].append({"AAAA": "2001:db8::1"})
    return {
        **zone,
        IPS[1].reverse_pointer: [{"PTR": "mail.acme.example"}],
        f"_mta-sts.{DOMAIN}": [{"TXT": "v=STSv1; id=20260101"}],
        f"_smtp._tls.{DOMAIN}": [{"TXT": f"v=TLSRPTv1; rua=mailto:tls@{DOMAIN}"}],
        f"_25._tcp.{HOST}": [{"TLSA": tlsa()}, {"TLSA": "3 1 1 " + 64 * "0"}],
        f"default._bimi.{DOMAIN}": [{"TXT": f"v=BIMI1; l={LOGO_URL}; a={MARK_URL}"}],
        **{f"2.0.0.127.{zone_}": [{"A": "127.0.0.2"}] for zone_ in ADDRESS_LISTS},
        **{f"test.{zone_}": [{"A": "127.0.0.2"}] for zone_ in DOMAIN_LISTS},
    }


ADDRESS_LISTS: Final = (
    "zen.spamhaus.org",
    "b.barracudacentral.org",
    "bl.spamcop.net",
    "psbl.surriel.com",
    "dnsbl.dronebl.org",
)
DOMAIN_LISTS: Final = ("dbl.spamhaus.org", "multi.surbl.org", "multi.uribl.com")


# ── the world around it ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Web:
    """A ``Fetcher`` over a mapping; ``fetched`` are the addresses that were asked for."""

    pages: Mapping[str, Fetched | FetchFailed]
    fetched: list[str] = field(default_factory=list)

    async def get(self, url: str, *, limit: int, timeout: float) -> Fetched | FetchFailed:
        self.fetched.append(url)
        page = self.pages.get(url, FetchFailed(url, "no such host"))
        if isinstance(page, Fetched) and len(page.body) > limit:
            return FetchFailed(url, "too long")
        return page


@cache
def usual_mark() -> bytes:
    return mark()


def pages(**changes: Fetched | FetchFailed) -> Web:
    """The usual documents, some of them replaced: ``policy``, ``logo``, ``mark``."""
    usual = {"policy": page(POLICY_URL, POLICY), "logo": page(LOGO_URL, LOGO), "mark": page(MARK_URL, usual_mark())}
    chosen = {**usual, **changes}
    return Web({POLICY_URL: chosen["policy"], LOGO_URL: chosen["logo"], MARK_URL: chosen["mark"]})


def page(url: str, body: str | bytes, code: int = 200, content_type: str = "text/plain; charset=utf-8") -> Fetched:
    return Fetched(url, code, content_type, body.encode() if isinstance(body, str) else body)


def seen(**changes: Any) -> Visit:
    """A visit to a mail exchanger that offers all it should."""
    said = Reply(Code(250), (HOST,))
    offered = Extensions(MappingProxyType({"STARTTLS": "", "SIZE": "1000000"}))
    visit = Visit(
        f"{HOST}:25",
        Reply(Code(220), (f"{HOST} ESMTP",)),
        said,
        offered,
        offered,
        "TLSv1.3",
        "AES",
        (host_certificate(),),
    )
    return replace(visit, **changes)


@dataclass
class Hosts:
    """A ``Visitor`` that sees the same everywhere; ``visited`` are the hosts in order."""

    strict: Visit
    forgiving: Visit | None = None
    visited: list[str] = field(default_factory=list)

    async def __call__(self, host: str) -> Probed:
        self.visited.append(host)
        return Probed(Smtp(host, 25), Tls.REQUIRED, Tls.REQUIRED, self.strict, self.forgiving)


def mailboxes(**codes: int) -> Any:
    """Answers RCPT for local parts; 250 where none is given."""

    async def ask(host: str, addresses: Sequence[str]) -> Mapping[str, Reply]:
        assert host
        return {one: Reply(Code(codes.get(one.partition("@")[0], 250)), ("so",)) for one in addresses}

    return ask


def before(text: str = POLICY, id_: str = "20260101") -> Kept:
    """The policy as it was the last time."""
    return Kept(DOMAIN, id_, read_policy(text.encode()), 0.0)


def around(**changes: Any) -> Beyond:
    usual = {
        "visitor": Hosts(seen()),
        "mailboxes": mailboxes(),
        "policy_before": before(),
        "route": "smtp://relay.example",
    }
    return Beyond(**{**usual, **changes})


def usual_subject(**given: Any) -> Subject:
    usual = {"domain": DOMAIN, "ips": IPS, "selectors": ("s1",), "helo": "mail.acme.example"}
    return Subject(**{**usual, **given})


def examine(
    zone: Any,
    *,
    of: Subject | None = None,
    web: Web | None = None,
    beyond: Beyond | None = None,
    checks: Iterable[Check] = AROUND,
) -> dict[str, Finding]:
    """The findings by the id of their check; the usual world answers, unless another is given."""
    resolver = Zone(zone) if isinstance(zone, dict) else zone
    found = check_domain(
        of or usual_subject(),
        resolver,
        fetcher=web or pages(),
        beyond=beyond or around(),
        checks=checks,
        clock=FakeClock(),
    )
    return {one.id: one for one in asyncio.run(found)}
