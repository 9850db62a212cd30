"""A DNS for tests: the records that the test names, and nothing else; no question leaves the machine."""

from collections.abc import Mapping

from postroad.lookup import Answer, RecordType
from postroad.net.dns.zone import Zone


class FakeDns(Zone):
    """A ``Resolver`` over a mapping, as ``--dns`` takes it; ``asked`` tells what it was asked, in order.

    >>> FakeDns({"acme.example": [{"MX": [10, "mail.acme.example"]}, "TIMEOUT"]})

    Raises:
        ConfigurationError: an entry is no record; the sentence names it.
    """

    def __init__(self, records: Mapping[str, object] | None = None) -> None:
        super().__init__(records)
        self.asked: list[tuple[str, RecordType]] = []

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        self.asked.append((name, kind))
        return await super().lookup(name, kind)
