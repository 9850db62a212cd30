"""The DNS itself, asked over real sockets: what comes back, and that nothing a server does is more than an answer."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

import pytest

from postroad.lookup import Answer, Mx, Record, RecordType, Status, Tlsa
from postroad.net.dns.resolver import DnsResolver
from postroad.net.dns.settings import DnsSettings, Nameserver, Trust
from tests.fakes import FakeClock
from tests.peers.dns_server import NEGATIVE_TTL, DnsServer, Fault
from tests.peers.endpoint import Endpoint

RECORDS: Mapping[str, object] = {
    "acme.example": [
        {"A": "192.0.2.1"},
        {"AAAA": "2001:db8::1"},
        {"MX": [10, "Mail.acme.example"]},
        {"TXT": ["v=spf1 ", '-all \x01"']},
        {"NS": "ns.acme.example"},
        {"SOA": "ns.acme.example. hostmaster.acme.example. 1 2 3 4 5"},
        {"DS": "1 13 2 00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF"},
    ],
    "_25._tcp.acme.example": [{"TLSA": "3 1 1 " + "00ff" * 16}],
    "1.2.0.192.in-addr.arpa": [{"PTR": "acme.example"}],
    "www.acme.example": [{"CNAME": "WEB.acme.example"}],
    "web.acme.example": [{"CNAME": "plain.example"}],
    "plain.example": [{"A": "192.0.2.2"}],
    "gone.example": [{"CNAME": "nowhere.example"}],
    "null.example": [{"MX": [0, ""]}],
    "long.example": [{"TXT": "x" * 3000}],
    "with space:/%.example": [{"A": "192.0.2.3"}],
    "fault.example": [{"A": "192.0.2.4"}],
    "xn--bcher-kva.example": [{"A": "192.0.2.5"}],
}


class StartDns(Protocol):
    def __call__(self, fault: Fault | None = None, host: str = "127.0.0.1") -> DnsServer: ...


@pytest.fixture
def start_dns() -> Iterator[StartDns]:
    """Start a server with ``RECORDS``, which answers so for ``fault.example``."""
    with ExitStack() as running:
        yield lambda fault=None, host="127.0.0.1": running.enter_context(
            DnsServer(RECORDS, {"fault.example": fault} if fault else {}, host)
        )


def settings(*servers: DnsServer | Endpoint, trust: Trust = Trust.TRUSTED, seconds: float = 20.0) -> DnsSettings:
    endpoints = [server.endpoint if isinstance(server, DnsServer) else server for server in servers]
    nameservers = tuple(Nameserver(*endpoint) for endpoint in endpoints)
    return DnsSettings(nameservers=nameservers, trust=trust, try_timeout=seconds, total_timeout=60.0)


def asked(name: str, kind: RecordType, how: DnsSettings) -> Answer:
    return asyncio.run(DnsResolver(how).lookup(name, kind))


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("acme.example", RecordType.A, (IPv4Address("192.0.2.1"),)),
        ("ACME.Example.", RecordType.AAAA, (IPv6Address("2001:db8::1"),)),
        ("acme.example", RecordType.MX, (Mx(10, "Mail.acme.example"),)),
        ("acme.example", RecordType.TXT, (b'v=spf1 -all \x01"',)),
        ("acme.example", RecordType.NS, ("ns.acme.example",)),
        ("acme.example", RecordType.SOA, ("ns.acme.example. hostmaster.acme.example. 1 2 3 4 5",)),
        ("acme.example", RecordType.DS, ("1 13 2 " + "00ff" * 16,)),
        ("_25._tcp.acme.example", RecordType.TLSA, (Tlsa(3, 1, 1, b"\0\xff" * 16),)),
        ("1.2.0.192.in-addr.arpa", RecordType.PTR, ("acme.example",)),
        ("www.acme.example", RecordType.CNAME, ("WEB.acme.example",)),
        ("null.example", RecordType.MX, (Mx(0, ""),)),
        ("with space:/%.example", RecordType.A, (IPv4Address("192.0.2.3"),)),
        ("bücher.example", RecordType.A, (IPv4Address("192.0.2.5"),)),
    ],
)
def test_records_come_as_values(start_dns: StartDns, name: str, kind: RecordType, records: tuple[Record, ...]) -> None:
    answer = asked(name, kind, settings(start_dns()))
    assert (answer.status, answer.records) == (Status.FOUND, records)
    assert answer.ttl == 300


def test_what_is_not_there_says_how_and_for_how_long(start_dns: StartDns) -> None:
    how = settings(start_dns())
    for name, status in (("plain.example", Status.NO_DATA), ("nowhere.example", Status.NO_NAME),
                         ("gone.example", Status.NO_NAME)):  # fmt: skip
        answer = asked(name, RecordType.AAAA, how)
        assert (answer.status, answer.ttl) == (status, NEGATIVE_TTL)  # RFC 2308 §5


def test_aliases_are_told(start_dns: StartDns) -> None:
    answer = asked("www.acme.example", RecordType.A, settings(start_dns()))
    assert [name.lower() for name in answer.aliases] == ["web.acme.example", "plain.example"]
    assert answer.addresses == (IPv4Address("192.0.2.2"),)


@pytest.mark.parametrize("name", ["a..example", f"{'a' * 64}.example", ".".join(["a" * 60] * 5), "\udc80", "ü" * 64])
def test_what_is_no_name_is_not_asked(start_dns: StartDns, name: str) -> None:
    server = start_dns()
    assert asked(name, RecordType.A, settings(server)).status is Status.NO_NAME
    assert server.asked == []


def test_authentic_is_what_a_trusted_resolver_says(start_dns: StartDns) -> None:
    server = start_dns()
    assert asked("acme.example", RecordType.MX, settings(server)).authentic
    assert not asked("acme.example", RecordType.MX, settings(server, trust=Trust.UNTRUSTED)).authentic
    assert not asked("plain.example", RecordType.A, settings(server)).authentic


def test_an_answer_that_was_cut_comes_by_tcp(start_dns: StartDns) -> None:
    server = start_dns(Fault.TRUNCATED)
    assert asked("fault.example", RecordType.A, settings(server)).status is Status.FOUND
    assert [one.by for one in server.asked] == ["udp", "tcp"]
    assert asked("long.example", RecordType.TXT, settings(server)).texts == (b"x" * 3000,)


@pytest.mark.parametrize("fault", [Fault.WRONG_ID, Fault.WRONG_QUESTION])
def test_what_answers_no_question_of_ours_is_as_if_it_had_not_come(start_dns: StartDns, fault: Fault) -> None:
    assert asked("fault.example", RecordType.A, settings(start_dns(fault))).addresses == (IPv4Address("192.0.2.4"),)


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.GARBAGE, Fault.ONLY_WRONG_ID])
def test_without_an_answer_it_is_a_timeout_after_the_tries(start_dns: StartDns, fault: Fault) -> None:
    server = start_dns(fault)
    answer = asked("fault.example", RecordType.A, settings(server, seconds=0.02))
    assert answer.status is Status.TIMEOUT
    assert answer.reason
    for _ in range(2):
        server.wait_for_question()


def test_the_whole_question_has_its_time(start_dns: StartDns) -> None:
    server = start_dns(Fault.SILENCE)
    how = DnsSettings(nameservers=(Nameserver(*server.endpoint),), try_timeout=60, total_timeout=0.05)
    assert asked("fault.example", RecordType.A, how).status is Status.TIMEOUT


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED])
def test_a_failure_is_no_verdict(start_dns: StartDns, fault: Fault) -> None:
    server = start_dns(fault)
    answer = asked("fault.example", RecordType.A, settings(server))
    assert (answer.status, answer.reason) == (Status.FAILED, fault.name)
    assert len(server.asked) == 1  # who has failed is not asked again


def test_the_next_server_is_asked(start_dns: StartDns) -> None:
    broken, good = start_dns(Fault.SERVFAIL), start_dns()
    assert asked("fault.example", RecordType.A, settings(broken, good)).status is Status.FOUND
    silent = start_dns(Fault.SILENCE)
    assert asked("fault.example", RecordType.A, settings(silent, good, seconds=1)).status is Status.FOUND


def test_nobody_at_home_is_no_exception() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = Endpoint(*closed.getsockname())
        assert asked("acme.example", RecordType.A, settings(nobody, seconds=0.02)).status is Status.TIMEOUT
    unreachable = DnsSettings(nameservers=(Nameserver("255.255.255.255"),))
    assert asked("acme.example", RecordType.A, unreachable).status is Status.FAILED


def test_by_ipv6(start_dns: StartDns) -> None:
    assert asked("acme.example", RecordType.A, settings(start_dns(host="::1"))).status is Status.FOUND


def test_answers_are_kept_and_failures_for_a_moment(start_dns: StartDns) -> None:
    server = start_dns(Fault.SERVFAIL)
    clock = FakeClock()
    resolver = DnsResolver(settings(server), clock)

    async def ask() -> list[int]:
        counts = []
        for later in (0, 4, 2, 300):
            clock.at += later
            for name in ("plain.example", "fault.example", "nowhere.example"):
                await resolver.lookup(name, RecordType.A)
                await resolver.lookup(name, RecordType.A)
            counts.append(len(server.asked))
        return counts

    assert asyncio.run(ask()) == [3, 3, 4, 7]


def test_who_asks_at_the_same_time_asks_once(start_dns: StartDns) -> None:
    server = start_dns(Fault.HELD)
    resolver = DnsResolver(settings(server))

    async def ask() -> None:
        first, *others = [asyncio.create_task(resolver.lookup("fault.example", RecordType.A)) for _ in range(5)]
        await asyncio.to_thread(server.wait_for_question)
        first.cancel()  # and the others go on
        server.release()
        assert [one.status for one in await asyncio.gather(*others)] == [Status.FOUND] * 4
        assert (await asyncio.gather(first, return_exceptions=True))[0].__class__ is asyncio.CancelledError

    asyncio.run(ask())
    assert len(server.asked) == 1


def test_one_resolver_serves_one_loop_after_the_other(start_dns: StartDns) -> None:
    resolver = DnsResolver(settings(start_dns()))
    for name in ("acme.example", "plain.example"):
        assert asyncio.run(resolver.lookup(name, RecordType.A)).status is Status.FOUND
