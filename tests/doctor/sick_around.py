"""Domains with one fault each around their authentication: hosts, lists, TLS between servers, a logo."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from postroad.errors import ConnectError, TlsError
from postroad.lookup import FetchFailed
from postroad.reply import Phase
from postroad.smtp.extensions import Extensions
from tests.doctor import zones
from tests.doctor.reached import (
    HOST,
    IPS,
    LOGO,
    LOGO_URL,
    MARK_URL,
    POLICY,
    POLICY_URL,
    Hosts,
    Web,
    around,
    before,
    examine,
    mailboxes,
    mark,
    page,
    pages,
    seen,
    sound,
    tlsa,
    usual_subject,
)
from tests.doctor.zones import DOMAIN

_PLAIN = seen(plain=Extensions(), secured=None, version="", chain=())
UNREACHED = seen(
    peer="",
    greeting=None,
    hello=None,
    plain=None,
    secured=None,
    version="",
    chain=(),
    fault=ConnectError("nobody is there", phase=Phase.CONNECT),
)
_OLD = Hosts(seen(fault=TlsError("too old", phase=Phase.TLS), version="", chain=()), seen(version="TLSv1.1"))


def changed(*changes: tuple[str, str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The sound zone with other records of a type at a name."""
    return zones.changed(*changes, of=sound())


def without(*names: str) -> dict[str, list[Any]]:
    return {name: entries for name, entries in sound().items() if name not in names}


def listed(name: str, code: str) -> dict[str, list[Any]]:
    return {**sound(), name: [{"A": code}, {"TXT": "seen sending spam"}]}


def unsigned() -> dict[str, list[Any]]:
    return changed((DOMAIN, "DS", []))


@dataclass(frozen=True, slots=True)
class Sick:
    """One fault. ``too``: which other checks find something, because they depend on the same; ``after``: what the level
    is when what is to be published is."""

    id: str
    level: str
    zone: dict[str, list[Any]]
    given: dict[str, Any] = field(default_factory=dict)
    web: dict[str, Any] = field(default_factory=dict)
    beyond: dict[str, Any] = field(default_factory=dict)
    too: dict[str, str] = field(default_factory=dict)
    remedy: bool = True
    after: tuple[str, ...] = ("pass", "info")

    def examined(self, zone: dict[str, list[Any]] | None = None, web: Web | None = None) -> Any:
        of, beyond = usual_subject(**self.given), around(**self.beyond)
        return examine(zone or self.zone, of=of, web=web or pages(**self.web), beyond=beyond)


_ANY_HOST = page(POLICY_URL, POLICY.replace(HOST, "*.acme.example\nmx: 192.0.2.1"))
_BOUNCE = {"mail_from": "bounce.acme.example"}
PTR = IPS[0].reverse_pointer
STS = f"_mta-sts.{DOMAIN}"
BIMI = f"default._bimi.{DOMAIN}"
TLS_REPORTS = f"_smtp._tls.{DOMAIN}"

SICK = {
    "no exchanger": Sick("MX-01", "fail", changed((DOMAIN, "MX", []))),
    "null mx": Sick("MX-01", "fail", changed((DOMAIN, "MX", [[0, ""]]))),
    "null mx beside others": Sick("MX-01", "fail", changed((DOMAIN, "MX", [[0, ""], [10, HOST]]))),
    "bounces come nowhere": Sick(
        "MX-01", "fail", {**sound(), "bounce.acme.example": [{"TXT": "v=spf1 a -all"}]}, _BOUNCE
    ),
    "exchanger is alias": Sick(
        "MX-02", "fail", changed((HOST, "A", []), (HOST, "CNAME", ["mail.acme.example"])), {"ips": IPS[:1]}
    ),
    "exchanger is address": Sick(
        "MX-02",
        "fail",
        changed((DOMAIN, "MX", [[10, "192.0.2.1"]])),
        web={"policy": _ANY_HOST},
        beyond={"policy_before": None},
        too={"MX-03": "fail", "STS-04": "fail"},  # the certificate is for a name
    ),
    "exchanger is alias and host": Sick(
        "MX-02", "fail", changed((HOST, "CNAME", ["mail.acme.example"])), {"ips": IPS[:1]}, remedy=False
    ),
    "two exchangers are addresses": Sick(
        "MX-02",
        "fail",
        changed((DOMAIN, "MX", [[10, "192.0.2.1"], [20, "192.0.2.2"]])),
        web={"policy": page(POLICY_URL, POLICY.replace(HOST, "*.acme.example\nmx: 192.0.2.1\nmx: 192.0.2.2"))},
        beyond={"policy_before": None},
        too={"MX-03": "fail", "STS-04": "fail"},
    ),
    "exchanger has no address": Sick("MX-02", "fail", changed((HOST, "A", []), (HOST, "TXT", ["x"])), remedy=False),
    "exchanger is no name": Sick(
        "MX-02",
        "fail",
        changed((DOMAIN, "MX", [[10, HOST], [20, "-mx.acme.example"]])),
        remedy=False,
    ),
    "exchanger is inside": Sick("MX-02", "warn", changed((HOST, "A", ["10.0.0.1"])), remedy=False),
    "no starttls": Sick(
        "MX-03",
        "fail",
        without(f"_25._tcp.{HOST}"),
        beyond={"visitor": Hosts(_PLAIN)},
        too={"STS-04": "fail"},
        remedy=False,
    ),
    "no starttls, no promise": Sick(
        "MX-03", "warn", without(f"_25._tcp.{HOST}", STS), beyond={"visitor": Hosts(_PLAIN)}, remedy=False
    ),
    "old tls": Sick("MX-03", "warn", without(f"_25._tcp.{HOST}", STS), beyond={"visitor": _OLD}, remedy=False),
    "nobody reads abuse": Sick("MX-04", "warn", sound(), beyond={"mailboxes": mailboxes(abuse=550)}, remedy=False),
    "no pointer": Sick("IP-01", "fail", without(PTR)),
    "two pointers": Sick("IP-01", "warn", changed((PTR, "PTR", ["mail.acme.example", "www.acme.example"]))),
    "name leads elsewhere": Sick("IP-02", "fail", changed(("mail.acme.example", "A", ["192.0.2.99"]))),
    "name of somebody else": Sick(
        "IP-02", "fail", changed((PTR, "PTR", ["host.provider.example"])), too={"IP-04": "warn"}
    ),
    "generic name": Sick(
        "IP-03",
        "warn",
        changed((PTR, "PTR", ["192-0-2-1.provider.example"]), ("192-0-2-1.provider.example", "A", ["192.0.2.1"])),
        too={"IP-04": "warn"},
    ),
    "dynamic name": Sick(
        "IP-03",
        "warn",
        changed((PTR, "PTR", ["dyn77.provider.example"]), ("dyn77.provider.example", "A", ["192.0.2.1"])),
        too={"IP-04": "warn"},
    ),
    "helo localhost": Sick("IP-04", "fail", sound(), {"helo": "localhost"}, remedy=False),
    "helo literal": Sick("IP-04", "fail", sound(), {"helo": "[192.0.2.1]"}, remedy=False),
    "helo leads nowhere": Sick(
        "IP-04", "fail", {**sound(), "out.acme.example": [{"TXT": "v=spf1 a -all"}]}, {"helo": "out.acme.example"}
    ),
    "helo without policy": Sick("IP-04", "warn", changed(("mail.acme.example", "TXT", []))),
    "ipv6 without pointer": Sick("IP-05", "fail", without(IPS[1].reverse_pointer), too={"IP-01": "fail"}),
    "ipv6 unauthenticated": Sick(
        "IP-05", "fail", changed((DOMAIN, "TXT", ["v=spf1 ip4:192.0.2.1 -all"])), {"selectors": ()}
    ),
    "on a major list": Sick("BL-01", "fail", listed("1.2.0.192.zen.spamhaus.org", "127.0.0.4"), remedy=False),
    "on a minor list": Sick("BL-01", "warn", listed("1.2.0.192.psbl.surriel.com", "127.0.0.2"), remedy=False),
    "name on a major list": Sick("BL-03", "fail", listed(f"{DOMAIN}.dbl.spamhaus.org", "127.0.1.2"), remedy=False),
    "name on a minor list": Sick("BL-03", "warn", listed(f"{DOMAIN}.multi.uribl.com", "127.0.0.2"), remedy=False),
    "two sts records": Sick("STS-01", "fail", changed((STS, "TXT", ["v=STSv1; id=1", "v=STSv1; id=2"]))),
    "sts without id": Sick("STS-01", "fail", changed((STS, "TXT", ["v=STSv1;"]))),
    "sts id too long": Sick("STS-01", "fail", changed((STS, "TXT", [f"v=STSv1; id={33 * 'a'}"]))),
    "sts not spelt so": Sick("STS-01", "fail", changed((STS, "TXT", ["v=stsv1; id=1"]))),
    "policy not there": Sick("STS-02", "fail", sound(), web={"policy": page(POLICY_URL, "", 404)}, remedy=False),
    "policy elsewhere": Sick("STS-02", "fail", sound(), web={"policy": page(POLICY_URL, "", 301)}, remedy=False),
    "policy as html": Sick(
        "STS-02", "fail", sound(), web={"policy": page(POLICY_URL, POLICY, content_type="text/html")}, remedy=False
    ),
    "no web server": Sick("STS-02", "fail", sound(), web={"policy": FetchFailed(POLICY_URL, "refused")}, remedy=False),
    "policy without mode": Sick(
        "STS-03",
        "fail",
        sound(),
        web={"policy": page(POLICY_URL, "version: STSv1\nmx: *")},
        after=("warn",),  # what is new is tested first
    ),
    "policy is tested": Sick(
        "STS-03",
        "warn",
        sound(),
        web={"policy": page(POLICY_URL, POLICY.replace("enforce", "testing"))},
        beyond={"policy_before": None},
    ),
    "policy is forgotten": Sick(
        "STS-03",
        "warn",
        sound(),
        web={"policy": page(POLICY_URL, POLICY.replace("604800", "600"))},
        beyond={"policy_before": None},
    ),
    "host is not named": Sick(
        "STS-04",
        "fail",
        sound(),
        web={"policy": page(POLICY_URL, POLICY.replace(HOST, "mx2.acme.example"))},
        beyond={"policy_before": None},
    ),
    "host without certificate": Sick(
        "STS-04",
        "fail",
        without(f"_25._tcp.{HOST}"),
        beyond={"visitor": Hosts(_PLAIN)},
        too={"MX-03": "fail"},
        remedy=False,
    ),
    "id not changed": Sick(
        "STS-05", "warn", sound(), beyond={"policy_before": before(POLICY + "mx: old.acme.example")}
    ),
    "sts without version": Sick("STS-01", "fail", changed((STS, "TXT", ["id=20260101"]))),
    "tls reports without version": Sick(
        "TR-01", "fail", changed((TLS_REPORTS, "TXT", ["rua=mailto:tls@acme.example"]))
    ),
    "bimi without version": Sick("BIMI-01", "fail", changed((BIMI, "TXT", [f"l={LOGO_URL}; a={MARK_URL}"]))),
    "two tls report records": Sick(
        "TR-01", "fail", changed((TLS_REPORTS, "TXT", ["v=TLSRPTv1; rua=mailto:a@b.example"] * 2))
    ),
    "tls reports to http": Sick("TR-01", "fail", changed((TLS_REPORTS, "TXT", ["v=TLSRPTv1; rua=http://a.example/"]))),
    "tls reports with slashes": Sick(
        "TR-01", "fail", changed((TLS_REPORTS, "TXT", ["v=TLSRPTv1; rua=mailto://tls@acme.example"]))
    ),
    "tls reports to nobody": Sick("TR-01", "fail", changed((TLS_REPORTS, "TXT", ["v=TLSRPTv1"]))),
    "tlsa unsigned": Sick("DANE-01", "fail", unsigned(), remedy=False),
    "tlsa of another key": Sick("DANE-02", "fail", changed((f"_25._tcp.{HOST}", "TLSA", [f"3 1 1 {64 * 'a'}"] * 2))),
    "tlsa for the web": Sick("DANE-02", "warn", changed((f"_25._tcp.{HOST}", "TLSA", [tlsa(1)]))),
    "route in plain text": Sick(
        "OUT-TLS", "fail", sound(), beyond={"route": "smtp+insecure://relay.example"}, remedy=False
    ),
    "route unverified": Sick(
        "OUT-TLS", "warn", sound(), beyond={"route": "smtp+opportunistic://relay.example:25"}, remedy=False
    ),
    "two bimi records": Sick("BIMI-01", "fail", changed((BIMI, "TXT", [f"v=BIMI1; l={LOGO_URL}; a=", "v=BIMI1; l="]))),
    "logo by http": Sick(
        "BIMI-01",
        "fail",
        changed((BIMI, "TXT", [f"v=BIMI1; l={LOGO_URL.replace('https', 'http')}; a={MARK_URL}"])),
    ),
    "bimi with an odd preference": Sick(
        "BIMI-01", "fail", changed((BIMI, "TXT", [f"v=BIMI1; l={LOGO_URL}; a={MARK_URL}; avp=foo"]))
    ),
    "bimi in quotes": Sick("BIMI-01", "fail", changed((BIMI, "TXT", [f'"v=BIMI1; l={LOGO_URL}; a={MARK_URL}"']))),
    "bimi without https": Sick(
        "BIMI-01", "fail", changed((BIMI, "TXT", [f"v=BIMI1; l={LOGO_URL.removeprefix('https://')}; a={MARK_URL}"]))
    ),
    "bimi without a host": Sick(
        "BIMI-01",
        "fail",
        changed((BIMI, "TXT", ["v=BIMI1; l=https:///logo.svg; a="])),
        too={"BIMI-03": "fail"},
        remedy=False,
    ),
    "bimi without l": Sick("BIMI-01", "fail", changed((BIMI, "TXT", [f"v=BIMI1; a={MARK_URL}"])), remedy=False),
    "dmarc only watches": Sick(
        "BIMI-02", "fail", changed((f"_dmarc.{DOMAIN}", "TXT", ["v=DMARC1; p=none; rua=mailto:a@acme.example"]))
    ),
    "dmarc spares subdomains": Sick(
        "BIMI-02", "fail", changed((f"_dmarc.{DOMAIN}", "TXT", ["v=DMARC1; p=reject; sp=none"]))
    ),
    "dmarc is a test": Sick("BIMI-02", "fail", changed((f"_dmarc.{DOMAIN}", "TXT", ["v=DMARC1; p=reject; t=y"]))),
    "dmarc for some": Sick("BIMI-02", "fail", changed((f"_dmarc.{DOMAIN}", "TXT", ["v=DMARC1; p=reject; pct=50"]))),
    "no dmarc": Sick("BIMI-02", "fail", without(f"_dmarc.{DOMAIN}")),
    "logo runs something": Sick(
        "BIMI-03",
        "fail",
        sound(),
        web={"logo": page(LOGO_URL, LOGO.replace("<defs>", "<script/><defs>"))},
        too={"BIMI-04": "fail"},
        remedy=False,
    ),
    "logo is not there": Sick("BIMI-03", "fail", sound(), web={"logo": page(LOGO_URL, "", 404)}, remedy=False),
    "mark for others": Sick(
        "BIMI-04", "fail", sound(), web={"mark": page(MARK_URL, mark(names=["other.example"]))}, remedy=False
    ),
    "mark for servers": Sick(
        "BIMI-04", "fail", sound(), web={"mark": page(MARK_URL, mark(purpose="1.3.6.1.5.5.7.3.1"))}, remedy=False
    ),
    "mark expired": Sick("BIMI-04", "fail", sound(), web={"mark": page(MARK_URL, mark(days=-1))}, remedy=False),
    "mark of another logo": Sick(
        "BIMI-04", "fail", sound(), web={"mark": page(MARK_URL, mark(logo=LOGO.replace("c00", "00c")))}, remedy=False
    ),
    "mark without logo": Sick("BIMI-04", "fail", sound(), web={"mark": page(MARK_URL, mark(logo=None))}, remedy=False),
    "mark is none": Sick("BIMI-04", "fail", sound(), web={"mark": page(MARK_URL, "nothing")}, remedy=False),
}
