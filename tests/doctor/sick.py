"""Domains with one fault each: the check that finds it, its level, the zone, and who is examined if not the usual one.

Last in a case stand the checks that find something, too, because they depend on the same; whether a record mends it;
and what the level is then.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

from postroad.mailauth.dkim.record import record_text
from tests.doctor.examined import subject
from tests.doctor.sick_zones import (
    IP,
    alias_at,
    chain,
    elsewhere,
    exchanges,
    includes,
    led_to,
    pointers,
    reports_to,
    subdomain,
    without,
)
from tests.doctor.zones import (
    DMARC,
    DOMAIN,
    KEY_NAME,
    SELECTOR,
    SPF,
    changed,
    healthy,
    other_key,
    rsa_key,
    small_rsa_key,
    with_dmarc,
    with_key,
    with_spf,
)

BELOW: Final = f"news.{DOMAIN}"
_KEYS: Final = {SELECTOR: rsa_key()}
_DKIM: Final = record_text(rsa_key())
_P: Final = rsa_key().public_text


@dataclass(frozen=True, slots=True)
class Sick:
    """One case. ``remedy``: whether the finding comes with records that mend it."""

    id: str
    level: str
    zone: dict[str, list[Any]]
    given: dict[str, Any] = field(default_factory=dict)
    too: dict[str, str] = field(default_factory=dict)
    remedy: bool = True
    after: tuple[str, ...] = ("pass", "info")

    def subject(self) -> Any:
        return subject(**self.given)


_MARKETING: Final = (
    b"From: a@acme.example\r\nList-Unsubscribe: <https://acme.example/u>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nSubject: hi\r\n\r\nhi\r\n"
)


def signed(tags: str) -> bytes:
    """A message with a signature that has these tags; what it proves does not matter."""
    hash_ = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    return f"DKIM-Signature: v=1; a=rsa-sha256; s=s1; bh={hash_}; b=AAAA; {tags}\r\n".encode() + _MARKETING


_H: Final = "h=from:from:list-unsubscribe:list-unsubscribe-post"

SICK: Final[dict[str, Sick]] = {
    # ── the domain in the DNS
    "one name server": Sick("DNS-01", "warn", changed((DOMAIN, "NS", ["ns1.acme.example"])), remedy=False),
    "no name servers": Sick("DNS-01", "warn", changed((DOMAIN, "NS", [])), remedy=False),
    "a subdomain of a zone without SOA": Sick(
        "DNS-02", "warn", changed((DOMAIN, "SOA", []), (BELOW, "MX", [[10, "mx.acme.example"]]), (BELOW, "TXT", [SPF])),
        {"domain": BELOW, "selectors": (), "helo": ""}, remedy=False,
    ),
    "lame": Sick("DNS-01", "fail", without("ns1.acme.example", "ns2.acme.example"), remedy=False),
    "no SOA": Sick("DNS-02", "warn", changed((DOMAIN, "SOA", [])), remedy=False),
    "a return path that does not exist": Sick(
        "DNS-02", "fail", healthy(), {"mail_from": "bounce.esp.example"}, {"SPF-01": "fail", "SPF-14": "warn"},
        remedy=False,
    ),
    "an alias with other data": Sick("DNS-04", "fail", changed((DOMAIN, "CNAME", ["other.example"])), remedy=False),
    "a zone that is an alias": Sick(
        "DNS-04", "fail",
        {**without(DOMAIN), DOMAIN: [{"CNAME": "other.example"}], "other.example": healthy()[DOMAIN]}, remedy=False,
    ),
    "a zone that is an alias of nothing": Sick(
        "DNS-04", "fail",
        {**without(DOMAIN), DOMAIN: [{"CNAME": "other.example"}], "other.example": healthy()[DOMAIN][:4]},
        {}, {"SPF-01": "fail"}, remedy=False,
    ),
    **{
        f"an alias with other data at {name}": Sick("DNS-04", "fail", alias_at(name), remedy=False)
        for name in (f"_mta-sts.{DOMAIN}", f"_smtp._tls.{DOMAIN}", "mx.acme.example", "ns1.acme.example",
                     "mail.acme.example")
    },
    "two aliases": Sick(
        "DNS-04", "fail",
        {**without(f"_dmarc.{DOMAIN}"), f"_dmarc.{DOMAIN}": [{"CNAME": "d.example"}, {"CNAME": "e.example"}],
         "d.example": [{"TXT": DMARC}]}, remedy=False,
    ),
    # ── SPF
    "no SPF": Sick("SPF-01", "fail", with_spf("something else")),
    "no SPF, and no known address": Sick("SPF-01", "fail", with_spf(), {"ips": ()}),
    "a space before SPF": Sick("SPF-01", "fail", with_spf(f" {SPF}")),
    "a semicolon behind the version of SPF": Sick("SPF-01", "fail", with_spf(SPF.replace("spf1", "spf1;"))),
    "SPF in quotes": Sick("SPF-01", "fail", with_spf(f'"{SPF}"')),
    "two SPF records": Sick("SPF-01", "fail", with_spf(SPF, "v=spf1 ip4:198.51.100.7 ~all")),
    "a mechanism that is none": Sick("SPF-02", "fail", with_spf("v=spf1 ipv4:192.0.2.1 -all")),
    "a bare address": Sick("SPF-02", "fail", with_spf("v=spf1 192.0.2.1 -all")),
    "commas": Sick("SPF-02", "fail", with_spf("v=spf1 ip4:192.0.2.1,include:esp.example -all")),
    "a wrong prefix": Sick("SPF-02", "fail", with_spf("v=spf1 ip4:192.0.2.1/33 -all")),
    "letters in another order": Sick("SPF-02", "fail", with_spf(f"v=spf1 {IP} inlcude:esp.example -all")),
    "all with a letter less": Sick("SPF-02", "fail", with_spf(f"v=spf1 {IP} -al")),
    "nothing that can be read": Sick("SPF-02", "fail", with_spf("v=spf1 foo bar:baz -all")),
    "nothing that can be read, and no known address": Sick(
        "SPF-02", "fail", with_spf("v=spf1 foo bar:baz -all"), {"ips": ()}
    ),
    "redirect twice": Sick("SPF-02", "fail", with_spf(f"v=spf1 {IP} redirect=esp.example redirect=mx.example")),
    "an include that cannot be read": Sick(
        "SPF-02", "fail", {**healthy(), "esp.example": [{"TXT": "v=spf1 foo -all"}]}, remedy=False
    ),
    "a redirect that cannot be read": Sick("SPF-02", "fail", led_to(f"v=spf1 {IP} foo -all")),
    "a redirect with +all": Sick("SPF-06", "fail", led_to(f"v=spf1 {IP} +all")),
    "a redirect without an end": Sick("SPF-06", "warn", led_to(f"v=spf1 {IP}")),
    "ptr behind an include": Sick(
        "SPF-07", "warn", led_to(f"v=spf1 {IP} ptr -all", "v=spf1 include:_spf.acme.example -all")
    ),
    "an include behind a redirect that leads nowhere": Sick(
        "SPF-08", "fail", led_to(f"v=spf1 {IP} include:no.example -all")
    ),
    "a network behind a redirect": Sick("SPF-12", "warn", led_to(f"v=spf1 {IP} ip4:10.0.0.0/15 -all")),
    "nine questions": Sick("SPF-03", "warn", includes(9), remedy=False),
    "eleven questions": Sick("SPF-03", "fail", includes(11), remedy=False),
    "eleven questions below an include": Sick("SPF-03", "fail", chain(), remedy=False),
    "three names that do not exist": Sick(
        "SPF-04", "fail", with_spf(f"v=spf1 {IP} a:no1.example a:no2.example mx:no3.example -all")
    ),
    "three names that do not exist, and no known address": Sick(
        "SPF-04", "fail", with_spf("v=spf1 a:no1.example a:no2.example mx:no3.example -all"), {"ips": ()}
    ),
    "eleven exchanges": Sick("SPF-05", "fail", exchanges(11), remedy=False),
    "eleven names of a client": Sick("SPF-05", "fail", pointers(11), too={"SPF-07": "warn"}, remedy=False),
    "+all": Sick("SPF-06", "fail", with_spf(f"v=spf1 {IP} +all")),
    "+all alone": Sick("SPF-06", "fail", with_spf("v=spf1 +all")),
    "+all alone, and no known address": Sick("SPF-06", "fail", with_spf("v=spf1 +all"), {"ips": ()}),
    "an include of +all": Sick("SPF-06", "fail", {**healthy(), "esp.example": [{"TXT": "v=spf1 +all"}]}),
    "an include of +all below an include": Sick(
        "SPF-06", "fail",
        {**healthy(), "esp.example": [{"TXT": "v=spf1 include:two.example -all"}],
         "two.example": [{"TXT": "v=spf1 all"}]}, remedy=False,
    ),
    "?all": Sick("SPF-06", "warn", with_spf(f"v=spf1 {IP} ?all")),
    "no all": Sick("SPF-06", "warn", with_spf(f"v=spf1 {IP}")),
    "terms behind all": Sick("SPF-06", "warn", with_spf(f"v=spf1 {IP} -all include:esp.example")),
    "redirect beside all": Sick("SPF-06", "warn", with_spf(f"v=spf1 {IP} -all redirect=esp.example")),
    "a redirect to no end": Sick(
        "SPF-06", "warn",
        {**with_spf("v=spf1 redirect=esp.example"), "esp.example": [{"TXT": f"v=spf1 {IP}"}]}, remedy=False,
    ),
    "ptr": Sick("SPF-07", "warn", with_spf(f"v=spf1 {IP} ptr:acme.example -all")),
    "ptr alone": Sick("SPF-07", "warn", with_spf("v=spf1 ptr:acme.example -all")),
    "ptr alone, and no known address": Sick("SPF-07", "warn", with_spf("v=spf1 ptr -all"), {"ips": ()}),
    "ptr below an include": Sick(
        "SPF-07", "warn", {**healthy(), "esp.example": [{"TXT": "v=spf1 ptr -all"}]}, remedy=False
    ),
    "an include of nothing": Sick("SPF-08", "fail", with_spf(f"v=spf1 {IP} include:gone.example -all")),
    "an include of nothing alone": Sick("SPF-08", "fail", with_spf("v=spf1 include:gone.example -all")),
    "an include of nothing alone, and no known address": Sick(
        "SPF-08", "fail", with_spf("v=spf1 include:gone.example -all"), {"ips": ()}
    ),
    "a redirect to nothing": Sick("SPF-08", "fail", with_spf(f"v=spf1 {IP} redirect=gone.example")),
    "an include of nothing below an include": Sick(
        "SPF-08", "fail", {**healthy(), "esp.example": [{"TXT": "v=spf1 include:gone.example -all"}]}, remedy=False
    ),
    "an include of itself": Sick("SPF-09", "fail", with_spf(f"v=spf1 {IP} include:acme.example -all")),
    "an include of itself alone": Sick("SPF-09", "fail", with_spf("v=spf1 include:acme.example -all"), {"ips": ()}),
    "an include that leads back": Sick(
        "SPF-09", "fail", {**healthy(), "esp.example": [{"TXT": "v=spf1 include:acme.example -all"}]}
    ),
    "an include that runs in a circle": Sick(
        "SPF-09", "fail",
        {**healthy(), "esp.example": [{"TXT": "v=spf1 include:two.example -all"}],
         "two.example": [{"TXT": "v=spf1 include:esp.example -all"}]}, remedy=False,
    ),
    "a long record": Sick(
        "SPF-10", "warn", with_spf("v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(1, 40)) + " -all"),
        remedy=False,
    ),
    "an address that is not allowed": Sick("SPF-11", "fail", with_spf("v=spf1 ip4:198.51.100.0/24 -all")),
    "an address of IPv6 that is not allowed": Sick(
        "SPF-11", "fail", changed(("mail.acme.example", "TXT", [f"v=spf1 {IP} ip6:2001:db8::1 -all"])),
        {"ips": (ip_address("192.0.2.1"), ip_address("2001:db8::1"))},
    ),
    "a HELO name that is not allowed": Sick(
        "SPF-11", "fail", changed(("mail.acme.example", "TXT", ["v=spf1 -all"]))
    ),
    "half the world": Sick("SPF-12", "warn", with_spf(f"v=spf1 {IP} ip4:10.0.0.0/8 -all")),
    "half the world of IPv6": Sick("SPF-12", "warn", with_spf(f"v=spf1 {IP} ip6:2001::/16 -all")),
    "half the world below an include": Sick(
        "SPF-12", "warn", {**healthy(), "esp.example": [{"TXT": "v=spf1 ip4:10.0.0.0/8 -all"}]}, remedy=False
    ),
    "Sender ID": Sick("SPF-13", "warn", with_spf(SPF, "spf2.0/pra include:esp.example -all"), remedy=False),
    "a return path of somebody else": Sick(
        "SPF-14", "warn", elsewhere(), {"mail_from": "esp-bounce.example"}, remedy=False
    ),
    # ── DKIM
    "no key": Sick("DK-01", "fail", without(KEY_NAME), {"keys": _KEYS}),
    "no key, and none known": Sick("DK-01", "fail", without(KEY_NAME), remedy=False),
    "two keys": Sick("DK-01", "fail", with_key(_DKIM, record_text(small_rsa_key())), {"keys": _KEYS}),
    "the version is not first": Sick("DK-02", "fail", with_key(f"k=rsa; v=DKIM1; p={_P}")),
    "another version": Sick("DK-02", "fail", with_key(f"v=DKIM2; p={_P}"), {"keys": _KEYS}),
    "an unknown kind": Sick("DK-02", "fail", with_key(f"v=DKIM1; k=dsa; p={_P}"), {"keys": _KEYS}),
    "no p": Sick("DK-02", "fail", with_key("v=DKIM1; k=rsa"), {"keys": _KEYS}),
    "half a key": Sick("DK-02", "fail", with_key(f"v=DKIM1; k=rsa; p={_P[:200]}"), {"keys": _KEYS}),
    "a revoked key": Sick("DK-03", "fail", with_key("v=DKIM1; p="), {"keys": _KEYS}),
    "1024 bits": Sick("DK-04", "warn", with_key(record_text(small_rsa_key())), remedy=False),
    "an odd Ed25519 key": Sick("DK-05", "fail", with_key("v=DKIM1; k=ed25519; p=AAAA"), {"keys": _KEYS}),
    "only Ed25519": Sick("DK-05", "warn", healthy(), {"selectors": ("s2",)}, remedy=False),
    "sha1 only": Sick("DK-06", "fail", with_key(f"v=DKIM1; h=sha1; p={_P}")),
    "not for email": Sick("DK-06", "fail", with_key(f"v=DKIM1; s=tlsrpt; p={_P}")),
    "a test": Sick("DK-06", "warn", with_key(f"v=DKIM1; t=y:s; p={_P}")),
    "another key": Sick("DK-07", "fail", with_key(record_text(other_key())), {"keys": _KEYS}, {"DK-05": "warn"}),
    "a proof that fails": Sick(
        "DK-08", "fail", with_key(f"v=DKIM1; s=tlsrpt; p={_P}"), {"keys": _KEYS}, {"DK-06": "fail"}, remedy=False
    ),
    "a sample without a signature": Sick("DK-09", "fail", healthy(), {"sample": _MARKETING}, remedy=False),
    "From is signed once": Sick(
        "DK-09", "warn", healthy(),
        {"sample": signed(f"c=relaxed/relaxed; d={DOMAIN}; {_H.replace('from:from', 'from')}")}, remedy=False,
    ),
    "the way out is not signed": Sick(
        "DK-09", "fail", healthy(), {"sample": signed(f"c=relaxed/relaxed; d={DOMAIN}; h=from:from")}, remedy=False
    ),
    "l=": Sick(
        "DK-09", "warn", healthy(), {"sample": signed(f"c=relaxed/relaxed; d={DOMAIN}; {_H}; l=2")}, remedy=False
    ),
    "simple": Sick("DK-09", "warn", healthy(), {"sample": signed(f"d={DOMAIN}; {_H}")}, remedy=False),
    "ends soon": Sick(
        "DK-09", "warn", healthy(), {"sample": signed(f"c=relaxed/relaxed; d={DOMAIN}; {_H}; t=1000; x=2000")},
        remedy=False,
    ),
    "signed by somebody else": Sick(
        "DK-09", "fail", healthy(), {"sample": signed(f"c=relaxed/relaxed; d=esp.example; {_H}")}, remedy=False
    ),
    "an old key": Sick("DK-10", "warn", healthy(), {"key_dates": {SELECTOR: 0.0}}, remedy=False),
    "quotes in a key": Sick("DK-11", "fail", with_key(f'"{_DKIM}"')),
    "backslashes in a key": Sick("DK-11", "fail", with_key(_DKIM.replace(";", "\\;"))),
    "spaces in a key": Sick("DK-11", "fail", with_key(f"v=DKIM1; p={_P[:200]} {_P[200:]}")),
    "spaces in nothing but a key": Sick("DK-11", "fail", with_key(f"p={_P[:200]} {_P[200:]}")),
    # ── DMARC
    "no DMARC": Sick("DM-01", "fail", without(f"_dmarc.{DOMAIN}")),
    "two DMARC records": Sick("DM-02", "fail", with_dmarc(DMARC, "v=DMARC1; p=none")),
    "the version in lower case": Sick("DM-03", "fail", with_dmarc(DMARC.replace("DMARC1", "dmarc1"))),
    "no semicolon": Sick("DM-03", "fail", with_dmarc(DMARC.replace("DMARC1;", "DMARC1"))),
    "quotes around DMARC": Sick("DM-03", "fail", with_dmarc(f'"{DMARC}"')),
    "a policy that is none": Sick("DM-03", "fail", with_dmarc(DMARC.replace("p=reject;", "p=rejected;", 1))),
    "commas for semicolons": Sick("DM-03", "fail", with_dmarc(DMARC.replace(";", ","))),
    "commas behind the version": Sick("DM-03", "fail", with_dmarc(DMARC.replace("; np", ", np"))),
    "the version is not the first": Sick("DM-03", "fail", with_dmarc(f"{DMARC[10:]}; v=DMARC1")),
    "another version of DMARC": Sick("DM-03", "fail", with_dmarc(DMARC.replace("DMARC1", "DMARC2"))),
    "no version": Sick("DM-03", "fail", with_dmarc(DMARC[10:])),
    "two policies": Sick("DM-03", "fail", with_dmarc(f"{DMARC}; p=none")),
    "an alignment that is none": Sick("DM-03", "warn", with_dmarc(f"{DMARC}; adkim=loose")),
    "a policy for subdomains that is none": Sick("DM-03", "fail", with_dmarc(f"{DMARC}; sp=rejected!")),
    "no policy, no reports": Sick("DM-04", "fail", with_dmarc("v=DMARC1; adkim=r"), after=("warn",)),
    "no policy": Sick("DM-04", "warn", with_dmarc("v=DMARC1; rua=mailto:a@acme.example")),
    "p=none": Sick("DM-04", "warn", with_dmarc(DMARC.replace("p=reject", "p=none", 1))),
    "a weak sp": Sick("DM-05", "warn", with_dmarc(f"{DMARC}; sp=none")),
    "a weak np": Sick("DM-05", "warn", with_dmarc(DMARC.replace("np=reject", "np=none"))),
    "t=y": Sick("DM-06", "warn", with_dmarc(f"{DMARC}; t=y")),
    "pct": Sick("DM-07", "warn", with_dmarc(f"{DMARC}; pct=50")),
    "ri": Sick("DM-07", "warn", with_dmarc(f"{DMARC}; ri=3600; rf=afrf")),
    "no rua": Sick("DM-08", "warn", with_dmarc("v=DMARC1; p=reject")),
    "rua without mailto": Sick("DM-08", "warn", with_dmarc("v=DMARC1; p=reject; rua=reports@acme.example")),
    "rua with slashes": Sick("DM-08", "warn", with_dmarc(DMARC.replace("mailto:", "mailto://"))),
    "rua with a size": Sick("DM-08", "warn", with_dmarc(f"{DMARC}!10m")),
    "rua by https": Sick("DM-08", "warn", with_dmarc("v=DMARC1; p=reject; rua=https://acme.example/r")),
    "reports to nobody": Sick("DM-08", "warn", with_dmarc(DMARC.replace("@acme", "@no.acme"))),
    "reports to somebody and to nobody": Sick(
        "DM-08", "warn", with_dmarc(f"{DMARC},mailto:x@no.acme.example,mailto:y@mail.acme.example")
    ),
    "reports to others": Sick("DM-09", "fail", reports_to("reports.example")),
    "an odd fo": Sick("DM-10", "warn", with_dmarc(f"{DMARC}; fo=x")),
    "an odd ruf": Sick("DM-10", "warn", with_dmarc(f"{DMARC}; ruf=a@acme.example")),
    "strict and elsewhere": Sick(
        "DM-11", "fail", subdomain(), {"mail_from": "bounce.acme.example", "selectors": ()}
    ),
    "nothing is aligned": Sick(
        "DM-11", "fail", elsewhere(), {"mail_from": "esp-bounce.example", "selectors": ()}, remedy=False
    ),
    "DMARC at the domain": Sick(
        "DM-12", "fail", {**without(f"_dmarc.{DOMAIN}"), DOMAIN: [*healthy()[DOMAIN], {"TXT": DMARC}]}
    ),
    "the domain written twice": Sick(
        "DM-12", "fail", {**without(f"_dmarc.{DOMAIN}"), f"_dmarc.{DOMAIN}.{DOMAIN}": [{"TXT": DMARC}]}
    ),
    "SPF where DMARC belongs": Sick("DM-12", "fail", with_dmarc(SPF)),
    "SPF beside DMARC": Sick("DM-12", "fail", with_dmarc(SPF, DMARC), remedy=False),
    "DMARC at the domain, too": Sick(
        "DM-12", "fail", {**healthy(), DOMAIN: [*healthy()[DOMAIN], {"TXT": DMARC}]}, remedy=False
    ),
    "a registry": Sick("DM-13", "warn", with_dmarc(f"{DMARC}; psd=y")),
}  # fmt: skip
