"""What the DNS says of the names of the sending hosts, for the checks of this folder."""

from collections.abc import Iterator

from postroad.doctor.check import Examination, NotApplicable
from postroad.doctor.subject import Address
from postroad.lookup import RecordType


def sending_hosts(examination: Examination) -> tuple[Address, ...]:
    """The addresses that send.

    Raises:
        NotApplicable: none is known.
    """
    if not examination.subject.ips:
        raise NotApplicable("no sending host is known (--ip)")
    return examination.subject.ips


async def pointers(ip: Address, examination: Examination) -> tuple[str, ...]:
    """The names that an address has.

    Raises:
        Unanswered: nothing was learnt.
    """
    names = (await examination.ask(ip.reverse_pointer, RecordType.PTR)).names
    return tuple(dict.fromkeys(one.lower() for one in names))  # RFC 2181 §5: no record is there twice


def kind_of(ip: Address) -> RecordType:
    """In which records the address itself stands."""
    return RecordType.A if ip.version == 4 else RecordType.AAAA


def octets_of(ip: Address) -> Iterator[str]:
    """The address in the forms that providers make names of."""
    if ip.version == 4:
        parts = str(ip).split(".")
        # Also without the first octet, which all addresses of a provider share.
        for order in (parts, parts[::-1], parts[1:], parts[:0:-1]):
            yield from (mark.join(order) for mark in "-._x")
        yield "".join(f"{int(part):03}" for part in parts)
        yield f"{int(ip):08x}"
    else:
        yield from (ip.exploded.replace(":", mark) for mark in ("-", "", "."))
        yield str(ip).replace(":", "-").strip("-")
