"""The DNS that tests of other programs hand in."""

import asyncio

from postroad.lookup import Mx, RecordType, Resolver, Status
from postroad.testing import FakeDns


def test_it_answers_as_told_and_remembers_what_it_was_asked() -> None:
    dns = FakeDns({"acme.example": [{"MX": [10, "mail.acme.example"]}, "TIMEOUT"]})
    resolver: Resolver = dns

    async def ask() -> None:
        assert (await resolver.lookup("acme.example", RecordType.MX)).exchanges == (Mx(10, "mail.acme.example"),)
        assert (await resolver.lookup("acme.example", RecordType.A)).status is Status.TIMEOUT

    asyncio.run(ask())
    assert dns.asked == [("acme.example", RecordType.MX), ("acme.example", RecordType.A)]
