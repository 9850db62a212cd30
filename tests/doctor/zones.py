"""Zones for the doctor: one in which nothing is wrong, and what is changed in it."""

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from postroad.mailauth.dkim.keys import KeyKind, SigningKey, generate, read_key
from postroad.mailauth.dkim.record import record_text

Records = Mapping[str, Sequence[Mapping[str, Any] | str]]

DOMAIN: Final = "acme.example"
SPF: Final = "v=spf1 ip4:192.0.2.1 include:esp.example -all"
DMARC: Final = "v=DMARC1; p=reject; np=reject; rua=mailto:reports@acme.example"
SELECTOR: Final = "s1"
KEY_NAME: Final = f"{SELECTOR}._domainkey.{DOMAIN}"


@cache
def rsa_key() -> SigningKey:
    return generate()


@cache
def small_rsa_key() -> SigningKey:
    return generate(bits=1024)


@cache
def ed25519_key() -> SigningKey:
    return read_key(base64.b64encode(bytes(range(32))))


@cache
def other_key() -> SigningKey:
    return generate(KeyKind.ED25519)


def healthy() -> dict[str, list[Any]]:
    """A domain, its hosts, its provider: nothing is wrong."""
    return {
        DOMAIN: [
            {"SOA": "ns1.acme.example. hostmaster.acme.example. 1 7200 3600 1209600 3600"},
            {"NS": "ns1.acme.example"},
            {"NS": "ns2.acme.example"},
            {"DS": "12345 13 2 00"},
            {"MX": [10, "mx.acme.example"]},
            {"TXT": SPF},
            {"TXT": "some-site-verification=abc"},
        ],
        "ns1.acme.example": [{"A": "192.0.2.53"}],
        "ns2.acme.example": [{"A": "198.51.100.53"}],
        "mx.acme.example": [{"A": "192.0.2.25"}],
        "mail.acme.example": [{"A": "192.0.2.1"}, {"TXT": "v=spf1 a -all"}],
        "1.2.0.192.in-addr.arpa": [{"PTR": "mail.acme.example"}],
        f"_dmarc.{DOMAIN}": [{"TXT": DMARC}],
        KEY_NAME: [{"TXT": record_text(rsa_key())}],
        f"s2._domainkey.{DOMAIN}": [{"TXT": record_text(ed25519_key())}],
        "esp.example": [{"TXT": "v=spf1 ip4:203.0.113.0/24 -all"}],
    }


def changed(*changes: tuple[str, str, Sequence[Any]], of: dict[str, list[Any]] | None = None) -> dict[str, list[Any]]:
    """A zone, the healthy one if no other, with other records of a type at a name: ``(name, type, values)``."""
    zone = dict(healthy() if of is None else of)
    for name, kind, values in changes:
        kept = [one for one in zone.get(name, []) if not _is_of(one, kind)]
        zone[name] = [*kept, *({kind: value} for value in values)]
    return zone


def with_spf(*texts: str) -> dict[str, list[Any]]:
    return changed((DOMAIN, "TXT", texts))


def with_dmarc(*texts: str) -> dict[str, list[Any]]:
    return changed((f"_dmarc.{DOMAIN}", "TXT", texts))


def with_key(*texts: str) -> dict[str, list[Any]]:
    return changed((KEY_NAME, "TXT", texts))


def publish(zone: dict[str, list[Any]], lines: str) -> dict[str, list[Any]]:
    """The zone after somebody pasted these lines: TXT records of the same sort, and other records of the type, go."""
    result = {name: list(entries) for name, entries in zone.items()}
    for line in lines.splitlines():
        owner, class_, kind, text = line.split(" ", 3)
        assert owner.endswith(".")
        assert class_ == "IN"
        name, value = owner.removesuffix("."), _value(kind, text)
        kept = [one for one in result.get(name, []) if not (_is_of(one, kind) and _same_sort(one[kind], value))]
        result[name] = [*kept, {kind: value}]
        if name.startswith("_dmarc."):
            _take_away_strays(result, name)
    return result


def _take_away_strays(zone: dict[str, list[Any]], right: str) -> None:
    """Who moves a policy takes it from where it was."""
    for name in set(zone) - {right}:
        zone[name] = [one for one in zone[name] if not (_is_of(one, "TXT") and "v=DMARC1; p=" in str(one["TXT"]))]


def _value(kind: str, text: str) -> Any:
    # A foreign reader of zone files says what was written there.
    read = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text.strip("() "))
    if kind == "TXT":
        assert all(len(one) <= 255 for one in read.strings)  # type: ignore[attr-defined]  # of this type
        return b"".join(read.strings).decode("latin-1")  # type: ignore[attr-defined]  # as above
    return read.to_text()


def _is_of(entry: Any, kind: str) -> bool:
    return isinstance(entry, dict) and kind in entry


def _same_sort(old: Any, new: Any) -> bool:
    if not isinstance(new, str) or not isinstance(old, str):
        return True
    sorts = ("spf1", "dmarc1", "dkim1")
    return all((sort in old.lower()) == (sort in new.lower()) for sort in sorts) or "p=" in new
