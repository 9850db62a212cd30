"""In whose zone a name lies."""

from postroad.doctor.check import Examination
from postroad.doctor.extent import Extent
from postroad.lookup import Answer, RecordType, Status


def up_from(name: str) -> list[str]:
    """The name, and those above it but the top-level domain, whose zone is nobody's who sends mail."""
    labels = name.split(".")
    return [".".join(labels[first:]) for first in range(max(1, len(labels) - 1))]


async def zone_above(name: str, examination: Examination) -> Answer | None:
    """The answer with the SOA record of the zone that a name lies in; ``None``: no name above it has one.

    A server says no more to a question for SOA than whose zone it is, for any name inside (RFC 2308 §3). The port
    shows answers alone, so the names above are asked instead.

    Raises:
        Unanswered: nothing was learnt.
    """
    for one in up_from(name):
        answer = await examination.ask(one, RecordType.SOA)
        if answer.status is Status.FOUND:
            return answer
    return None


async def delegated(name: str, examination: Examination) -> bool:
    """Whether the zone of a name can be judged: a file in which neither an SOA nor an NS record stands at the name or
    above it leaves out where the zone begins, and nothing follows from that.

    Raises:
        Unanswered: nothing was learnt.
    """
    if examination.extent is Extent.WORLD or await zone_above(name, examination) is not None:
        return True
    return any([(await examination.ask(one, RecordType.NS)).status is Status.FOUND for one in up_from(name)])
