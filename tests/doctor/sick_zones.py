"""Zones in which something is wrong that takes more than one other record."""

from typing import Any, Final

from tests.doctor.zones import DMARC, SPF, healthy, with_dmarc, with_spf

IP: Final = "ip4:192.0.2.1"


def without(*names: str) -> dict[str, list[Any]]:
    return {name: entries for name, entries in healthy().items() if name not in names}


def alias_at(name: str) -> dict[str, list[Any]]:
    """Records that answer as before, beside an alias."""
    return {**healthy(), name: [*healthy().get(name, []), {"CNAME": "other.example"}, {"TXT": "x"}]}


def includes(number: int) -> dict[str, list[Any]]:
    zone = with_spf(f"v=spf1 {IP} {' '.join(f'include:i{n}.example' for n in range(number))} -all")
    return {**zone, **{f"i{n}.example": [{"TXT": "v=spf1 ip4:203.0.113.7 -all"}] for n in range(number)}}


def led_to(text: str, top: str = "v=spf1 redirect=_spf.acme.example") -> dict[str, list[Any]]:
    """A policy that stands below the domain, where its owner publishes it, too."""
    return {**with_spf(top), "_spf.acme.example": [{"TXT": text}]}


def chain() -> dict[str, list[Any]]:
    """One include that leads to eleven more questions."""
    zone = with_spf(f"v=spf1 {IP} include:big.example -all")
    hosts = [f"h{n}.example" for n in range(11)]
    big = "v=spf1 " + " ".join(f"a:{host}" for host in hosts) + " -all"
    return {**zone, "big.example": [{"TXT": big}], **{host: [{"A": "203.0.113.9"}] for host in hosts}}


def exchanges(number: int) -> dict[str, list[Any]]:
    zone = with_spf(f"v=spf1 {IP} mx:many.example -all")
    zone["many.example"] = [{"MX": [10, f"m{n}.example"]} for n in range(number)]
    return {**zone, **{f"m{n}.example": [{"A": "203.0.113.9"}] for n in range(number)}}


def pointers(number: int) -> dict[str, list[Any]]:
    zone = with_spf(f"v=spf1 {IP} ptr -all")
    zone["1.2.0.192.in-addr.arpa"] = [{"PTR": f"p{n}.acme.example"} for n in range(number)]
    return zone


def subdomain() -> dict[str, list[Any]]:
    zone = with_dmarc(f"{DMARC}; aspf=s")
    zone["bounce.acme.example"] = [{"TXT": SPF}, {"MX": [10, "mx.acme.example"]}]
    return zone


def elsewhere() -> dict[str, list[Any]]:
    zone = healthy()
    zone["esp-bounce.example"] = [{"SOA": "a. b. 1 2 3 4 5"}, {"TXT": "v=spf1 ip4:192.0.2.1 -all"}]
    return zone


def reports_to(host: str) -> dict[str, list[Any]]:
    zone = with_dmarc(DMARC.replace("reports@acme.example", f"r@{host}"))
    zone[host] = [{"MX": [10, "mx.acme.example"]}]
    return zone
