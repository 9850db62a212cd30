"""Generated zones, judged by pyspf as well: both come to the same result.

pyspf asks through its global hook ``DNSLookup``; it is given the same zone. Where the two read RFC 7208 differently,
the generator stays clear of it, and says which section settles it.
"""

import asyncio
import random  # noqa: TID251 - seeded, so that what was found is found again
import warnings
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from postroad.lookup import Mx, Record, RecordType
from postroad.mailauth.spf.check import check
from postroad.mailauth.spf.questions import Limits
from postroad.mailauth.spf.verdict import Outcome, SpfVerdict
from postroad.net.dns.zone import Zone

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of newer Pythons, about escapes in its documentation
    import spf

NAMES = ("acme.example", "a.acme.example", "b.example", "mail.b.example", "c.example")
FAILING = ("slow.example", "broken.example")
NOWHERE = ("no.example", "no.b.example", "bare.example")  # the last one exists, without addresses
IPV4 = ("192.0.2.1", "192.0.2.9", "198.51.100.1")
IPV6 = ("2001:db8::1", "2001:db8:0:1::1")
ZONES = 6  # of an example

# Only %{l} and %{s} get delimiters here: pyspf joins the parts of the others with what parted them; §7.3 says dots.
# %{p} stands nowhere here: pyspf looks it up while it reads, and counts that; §4.6.4 counts terms, once evaluated.
SPECS = (
    *NAMES, *NOWHERE, "%{d}", "%{o}", "%{h}", "%{d2}", "mail.%{d}", "%{l}.%{d2}", "%{l1r-}.b.example", "%{D}",
    "a.%{o2}", "%{ir}.%{v}.%{o}", "%{dr}.b.example", "%%.b.example", "%_.b.example", "%{sr-}.%{o}",
)  # fmt: skip
PREFIXES = ("", "", "", "/24", "//64", "/24//64", "/0", "//0", "/32//128")
PREFIXES4 = ("", "/24", "/32", "/0")
PREFIXES6 = ("", "/64", "/128", "/0")
# An exists without a domain stands among the others, without a qualifier: with one, pyspf takes it for right (§5.7).
WRONG = (
    "include", "ip4", "ip6:x", "moo", "a:museum", "a:192.0.2.1", "exists:%{x}", "all:x", "ptr:", "ip4:192.0.2.1:25",
    "a/33", "mx/24/64", "a//129", "a/08", "ip4:192.0.2.1/33", "ip4:192.0.2.1/024", "ip6:::/129", "include:b.example/24",
)  # fmt: skip
# At most one modifier: pyspf refuses every one that is repeated; §6 says so of redirect and exp alone.
OTHERS = ("exists", "exp=why.example", "exp=no.example", "x=y", "x=%{d}", "x=%q", "exp=", "exp=museum", "y.z=a:b/c")


class Generator:
    """Zones and senders, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._one = self._random.choice

    def zone(self) -> dict[str, list[object]]:
        zone: dict[str, list[object]] = {"why.example": [{"TXT": self._one(("%{i} is %{d}", "no %{x}", "%{c} %{r}"))}]}
        for name in NAMES:
            zone[f"l.{name}"] = [{"CNAME": self._one(NAMES)}]
            zone[name] = self._records(name)
        for ip in IPV4 + IPV6:
            # Nothing fails behind a PTR record: pyspf makes a temperror of it; §5.5 lets the mechanism not match.
            zone[ip_address(ip).reverse_pointer] = [{"PTR": name} for name in self._some(NAMES + NOWHERE, 3)]
        zone["bare.example"] = [{"TXT": "nothing"}]
        return {**zone, "slow.example": ["TIMEOUT"], "broken.example": ["SERVFAIL"]}

    def sender(self) -> tuple[str, str, str]:
        """The address, HELO, and MAIL FROM."""
        mail_from = (
            "",
            "l@acme.example",
            "l-m-n@acme.example",
            "@acme.example",
            "acme.example",
            "x@b.example",
            "x@no.example",
        )
        helo = (*NAMES, *NOWHERE, "localhost", "[192.0.2.1]")
        return self._one((*IPV4, *IPV6, "::ffff:192.0.2.1")), self._one(helo), self._one(mail_from)

    def _some(self, choices: Sequence[str], most: int) -> list[str]:
        return self._random.sample(choices, self._random.randint(1, most))

    def _records(self, name: str) -> list[object]:
        # Some of every kind, for aliases lead here: behind one pyspf counts what is void twice (§4.6.4: one question).
        hosts = enumerate(self._some(NAMES * 3 + NOWHERE + FAILING, 3))
        return [
            {"TXT": self._policy(name)},
            *({"A": ip} for ip in self._some(IPV4, 2)),
            *({"AAAA": ip} for ip in self._some(IPV6, 2)),
            *({"MX": [preference, host]} for preference, host in hosts),
        ]

    def _policy(self, name: str) -> str:
        # None leads to the domain itself: pyspf refuses that while it reads, even if a term before it matches (§4.6).
        elsewhere = [other for other in NAMES * 4 + NOWHERE + FAILING if other != name]
        terms = [
            self._one(("", "", "+", "-", "~", "?")) + self._mechanism(elsewhere)
            for _ in range(self._random.randint(0, 6))
        ]
        terms += [self._one(OTHERS)] if self._random.random() < 0.3 else []
        self._random.shuffle(terms)
        if self._random.random() < 0.4:
            terms.append(f"redirect={self._one(elsewhere)}")
        return " ".join(["v=spf1", *terms]) + self._one(("", "", " ", "  ~all"))

    def _mechanism(self, elsewhere: Sequence[str]) -> str:
        if self._random.random() < 0.015:
            return self._one(WRONG)
        return self._one(
            (
                "all",
                "ptr",
                f"ip4:{self._one(IPV4)}{self._one(PREFIXES4)}",
                f"ip6:{self._one(IPV6)}{self._one(PREFIXES6)}",
                f"{self._one(('a', 'mx'))}{self._one(PREFIXES)}",
                f"{self._one(('a', 'mx'))}:{self._one(SPECS)}{self._one(PREFIXES)}",
                f"{self._one(('exists', 'ptr'))}:{self._one(SPECS)}",
                f"include:{self._one(elsewhere)}",
            )
        )


def as_pyspf_has_it(record: Record) -> Any:
    if isinstance(record, bytes):
        return (record,)
    return (record.preference, record.host) if isinstance(record, Mx) else str(record)


def feed(zone: Zone) -> Any:
    """What takes the place of pyspf's own look-ups."""

    def look_up(
        name: str, kind: str, strict: object = True, timeout: float = 20
    ) -> Iterator[tuple[tuple[str, str], Any]]:
        answer = zone.answer(name, RecordType[kind])
        if answer.status.temporary:
            raise spf.TempError("no answer")
        owner = name
        for alias in answer.aliases:
            yield (owner, "CNAME"), alias
            owner = alias
        for record in answer.records:
            yield (owner, kind), as_pyspf_has_it(record)

    return look_up


def by_pyspf(zone: Zone, ip: str, helo: str, mail_from: str) -> tuple[str, str]:
    with patch.object(spf, "DNSLookup", feed(zone)):
        query = spf.query(ip, mail_from, helo, timeout=120)
        query.set_default_explanation("DEFAULT")
        result, _, explanation = query.check()
        return result, explanation if result == "fail" else "DEFAULT"


@given(st.integers(0, 2**32 - 1))
def test_pyspf_comes_to_the_same(seed: int) -> None:
    generator = Generator(seed)
    for _ in range(ZONES):
        records, (ip, helo, mail_from) = generator.zone(), generator.sender()
        zone = Zone(records)
        verdict = asyncio.run(check(ip_address(ip), helo, mail_from, zone))
        ours = str(verdict.result), verdict.explanation or "DEFAULT"
        theirs = by_pyspf(zone, ip, helo, mail_from)
        assert ours == theirs or counts_unused_redirects(verdict, theirs[0]), (ip, helo, mail_from, records, verdict)


def counts_unused_redirects(verdict: SpfVerdict, theirs: str) -> bool:
    """pyspf counts a redirect when it reads one; §4.6.4 counts terms that are evaluated, and §6.1 evaluates it last."""
    read = sum(" redirect=" in step.term for step in verdict.trace if step.outcome is Outcome.RECORD)
    followed = sum(step.outcome is Outcome.FOLLOWED for step in verdict.trace)
    return theirs == "permerror" and verdict.lookups + read - followed > Limits().lookups
