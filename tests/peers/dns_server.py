"""A name server on loopback, by UDP and TCP: answers from a zone as ``--dns`` has it, and misbehaves on command."""

import asyncio
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from postroad.lookup import Answer, Mx, Record, RecordType, Status, Tlsa
from postroad.net.dns.zone import Zone
from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.stoppable import Stoppable
from tests.peers.waiting import PATIENCE

NEGATIVE_TTL = 60  # seconds
MAX_SIZE = 65535  # octets of a message


class Fault(Enum):
    """How a server may answer otherwise than it should."""

    SILENCE = auto()
    TRUNCATED = auto()  # by UDP; by TCP the whole answer comes
    GARBAGE = auto()
    WRONG_ID = auto()  # and then the right answer
    WRONG_QUESTION = auto()  # and then the right answer
    ONLY_WRONG_ID = auto()
    SERVFAIL = auto()
    REFUSED = auto()
    HELD = auto()  # until release()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it came."""

    name: str
    kind: str
    by: str  # udp or tcp


@dataclass(slots=True)
class _Script:
    zone: Zone
    faults: Mapping[str, Fault]
    asked: list[Asked] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


class DnsServer(Stoppable):
    """A running server in a thread of the test's process. ``faults`` names how it answers for some names."""

    endpoint: Endpoint

    def __init__(
        self, records: Mapping[str, object], faults: Mapping[str, Fault] | None = None, host: str = LOOPBACK
    ) -> None:
        self._script = _Script(Zone(records), faults or {})
        self._tcp, self._udp = _both_sockets(host)
        self.endpoint = Endpoint(host, self._tcp.getsockname()[1])
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="dns-server")
        self._thread.start()
        assert self._ready.wait(PATIENCE), "the name server does not start"

    @property
    def zone(self) -> Zone:
        """What it answers from; records may be added."""
        return self._script.zone

    @property
    def asked(self) -> list[Asked]:
        """Every question so far."""
        return list(self._script.asked)

    def wait_for_question(self) -> None:
        """Block until one more question came than was waited for so far."""
        assert self._script.came.acquire(timeout=PATIENCE), "nobody asked"

    def release(self) -> None:
        """Answer what is held, and hold no more."""
        self._loop.call_soon_threadsafe(self._script.released.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve_tcp, sock=self._tcp)
        transport, _ = await self._loop.create_datagram_endpoint(lambda: _Udp(self._script), sock=self._udp)
        self._ready.set()
        await self._stopping.wait()
        server.close()
        transport.close()

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                for reply in await replies(self._script, await reader.readexactly(length), "tcp"):
                    writer.write(struct.pack("!H", len(reply)) + reply)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, script: _Script) -> None:
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # it is one
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.ensure_future(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        for reply in await replies(self._script, data, "udp"):
            self._transport.sendto(reply, addr)


async def replies(script: _Script, wire: bytes, by: str) -> list[bytes]:
    """What goes back for a question: usually one message."""
    query = dns.message.from_wire(wire)
    question = query.question[0]
    name = ".".join(label.decode("ascii") for label in question.name.labels[:-1])
    kind = dns.rdatatype.to_text(question.rdtype)
    script.asked.append(Asked(name, kind, by))
    script.came.release()
    fault = script.faults.get(name.lower())
    if fault is Fault.HELD:
        await script.released.wait()
    answer = script.zone.answer(name, RecordType[kind])
    if fault is Fault.SILENCE or answer.status is Status.TIMEOUT:
        return []
    response = _response(query, answer)
    if fault is Fault.GARBAGE:
        return [b"\0garbage" * 8]
    if fault in (Fault.SERVFAIL, Fault.REFUSED):
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.from_text(fault.name))
    return [*_wrong(response, fault), *_right(response, fault, by, query.payload)]


def _wrong(response: dns.message.Message, fault: Fault | None) -> list[bytes]:
    if fault in (Fault.WRONG_ID, Fault.ONLY_WRONG_ID):
        wire = response.to_wire(max_size=MAX_SIZE)
        return [bytes((wire[0] ^ 0xFF, wire[1])) + wire[2:]]
    if fault is Fault.WRONG_QUESTION:
        other = dns.message.make_response(dns.message.make_query("other.example", "A", id=response.id))
        return [other.to_wire()]
    return []


def _right(response: dns.message.Message, fault: Fault | None, by: str, payload: int) -> list[bytes]:
    if fault is Fault.ONLY_WRONG_ID:
        return []
    wire = response.to_wire(max_size=MAX_SIZE)
    if by == "udp" and (fault is Fault.TRUNCATED or len(wire) > max(payload, 512)):
        for section in (response.answer, response.authority):
            section.clear()
        response.flags |= dns.flags.TC
        wire = response.to_wire(max_size=MAX_SIZE)
    return [wire]


def _response(query: dns.message.Message, answer: Answer) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    if answer.status is Status.FAILED:
        response.set_rcode(dns.rcode.SERVFAIL)
        return response
    if answer.authentic and query.flags & dns.flags.AD:
        response.flags |= dns.flags.AD
    owner = query.question[0].name
    for alias in answer.aliases:
        response.answer.append(_rrset(owner, RecordType.CNAME, [alias], answer.ttl))
        owner = _name(alias)
    if answer.records:
        response.answer.append(_rrset(owner, answer.kind, answer.records, answer.ttl))
    else:
        if answer.status is Status.NO_NAME:
            response.set_rcode(dns.rcode.NXDOMAIN)
        top = dns.name.Name(owner.labels[-2:])
        soa = f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {NEGATIVE_TTL}"
        response.authority.append(_rrset(top, RecordType.SOA, [soa], 300))
    return response


def _rrset(
    owner: dns.name.Name, kind: RecordType, records: "list[str] | tuple[Record, ...]", ttl: float
) -> dns.rrset.RRset:
    rrset = dns.rrset.RRset(owner, dns.rdataclass.IN, dns.rdatatype.from_text(kind))
    for one in records:
        rrset.add(dns.rdata.from_text(dns.rdataclass.IN, rrset.rdtype, _text(kind, one)), int(ttl))
    return rrset


def _text(kind: RecordType, record: Record) -> str:
    """The record as in a zone file."""
    if isinstance(record, bytes):
        pieces = [record[at : at + 255] for at in range(0, len(record), 255)] or [b""]
        return " ".join('"' + "".join(f"\\{octet:03}" for octet in piece) + '"' for piece in pieces)
    if isinstance(record, Mx):
        return f"{record.preference} {_name(record.host).to_text()}"
    if isinstance(record, Tlsa):
        return f"{record.usage} {record.selector} {record.matching} {record.data.hex()}"
    if kind in (RecordType.CNAME, RecordType.NS, RecordType.PTR):
        return _name(str(record)).to_text()
    return str(record)


def _name(name: str) -> dns.name.Name:
    return dns.name.Name([*(label.encode("ascii") for label in name.split(".") if label), b""])


def _both_sockets(host: str) -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket on the same free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        tcp, udp = socket.socket(family, socket.SOCK_STREAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            tcp.bind((host, 0))
            udp.bind((host, tcp.getsockname()[1]))
        except OSError:  # somebody else has this one for UDP
            tcp.close()
            udp.close()
            continue
        return tcp, udp
