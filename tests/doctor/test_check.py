"""What becomes of what a check sees, and who is asked how often."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from postroad.doctor.check import MAX_SHOWN, Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checkup import check_domain
from postroad.doctor.questions import SharedResolver
from postroad.doctor.remedy import txt
from postroad.doctor.subject import Subject
from postroad.errors import ConfigurationError
from postroad.lint.finding import Finding, Level
from postroad.lookup import Answer, RecordType, Status, found
from postroad.net.dns.zone import Zone

RECORD = txt("acme.example", "v=spf1 -all")


def finding(look: Callable[[Examination], Sight]) -> Finding:
    check = Check("X-01", Area.SPF, "rule", "RFC 1", look)
    zone = Zone({"acme.example": [{"TXT": "TIMEOUT"}], "b.example": [{"A": "192.0.2.1"}]})
    (one,) = asyncio.run(check_domain(Subject(domain="acme.example"), zone, checks=[check]))
    return one


def test_the_gravest_decides_and_comes_first() -> None:
    async def look(examination: Examination) -> Sight:
        yield Seen(Level.PASS, "fine")
        yield Seen(Level.WARN, "odd", (RECORD,))
        yield Seen(Level.FAIL, "bad", (RECORD,))

    assert finding(look) == Finding("X-01", Level.FAIL, "bad; odd", "rule", "RFC 1", RECORD.line)


def test_what_is_fine_is_told_where_nothing_else_is() -> None:
    async def look(examination: Examination) -> Sight:
        yield Seen(Level.PASS, "this is fine")

    assert finding(look) == Finding("X-01", Level.PASS, "this is fine", "rule", "RFC 1")


def test_many_things_are_counted() -> None:
    async def look(examination: Examination) -> Sight:
        for number in range(MAX_SHOWN + 3):
            yield Seen(Level.WARN, f"n{number}")

    assert finding(look).seen.endswith(f"n{MAX_SHOWN - 1}; and 3 more")


def test_what_is_seen_twice_is_told_once() -> None:
    async def look(examination: Examination) -> Sight:
        for _ in examination.subject.domain:
            yield Seen(Level.WARN, "odd")

    assert finding(look).seen == "odd"


def test_a_check_with_nothing_to_look_at_says_why() -> None:
    async def look(examination: Examination) -> Sight:
        if not examination.subject.ips:
            raise NotApplicable("nothing is given")
        yield Seen(Level.PASS, "fine")

    assert (finding(look).level, finding(look).seen) == (Level.INFO, "not checked: nothing is given")


def test_a_question_without_an_answer_ends_a_check_as_unknown() -> None:
    async def look(examination: Examination) -> Sight:
        yield Seen(Level.FAIL, "bad")
        await examination.ask("acme.example", RecordType.TXT)
        yield Seen(Level.FAIL, "worse")

    one = finding(look)
    assert (one.level, one.publish) == (Level.UNKNOWN, None)
    assert one.seen == "no answer from the DNS: TXT acme.example: timeout (the zone says so)"


def test_it_is_unknown_also_where_the_answer_was_only_looked_at() -> None:
    async def look(examination: Examination) -> Sight:
        await examination.resolver.lookup("acme.example", RecordType.TXT)
        yield Seen(Level.FAIL, "bad")

    assert finding(look).level is Level.UNKNOWN


def test_what_is_asked_aside_decides_nothing() -> None:
    async def look(examination: Examination) -> Sight:
        answer = await examination.aside.lookup("acme.example", RecordType.TXT)
        yield Seen(Level.WARN, answer.status.value)

    assert (finding(look).level, finding(look).seen) == (Level.WARN, "timeout")


def test_what_a_terminal_obeys_is_escaped() -> None:
    async def look(examination: Examination) -> Sight:
        yield Seen(Level.WARN, "a\x1b[31m\u202eb")

    assert finding(look).seen == "a\\x1b[31m\\u202eb"
    assert excerpt(b"\xff\x00" + 400 * b"x").isprintable()


class Counting:
    """Answers when it is let, and knows how often it was asked and how much was under way at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.under_way = 0
        self.most = 0
        self.full = asyncio.Event()  # three are under way
        self.let = asyncio.Event()

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        self.asked.append(name)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == 3:
            self.full.set()
        await self.let.wait()
        self.under_way -= 1
        return found(name, kind, [b"text"])


def test_each_question_is_asked_once_and_few_at_a_time() -> None:
    async def ask() -> Counting:
        counting = Counting()
        shared = SharedResolver(counting, at_once=3)
        names = [f"n{number % 10}.example" for number in range(40)]
        tasks = [asyncio.create_task(shared.lookup(name, RecordType.TXT)) for name in names]
        await counting.full.wait()
        counting.let.set()
        answers = await asyncio.gather(*tasks)
        assert [one.name for one in answers] == names
        assert all(one.status is Status.FOUND for one in answers)
        return counting

    counting = asyncio.run(ask())
    assert sorted(counting.asked) == [f"n{number}.example" for number in range(10)]
    assert counting.most == 3


def test_names_come_in_any_spelling() -> None:
    one = Subject(
        domain="Bücher.Example.",
        mail_from="bounce@Mail.Example",
        selectors=("S1", "s2._domainkey.xn--bcher-kva.example"),
    )
    assert (one.domain, one.mail_from, one.selectors) == ("xn--bcher-kva.example", "mail.example", ("s1", "s2"))
    assert one.spf_domains == ("mail.example",)
    spelt = ("s1._domainkey", "s1", "S1._DomainKey.acme.example.")
    assert Subject(domain="acme.example", selectors=spelt).selectors == ("s1",)
    assert Subject(domain="acme.example", helo="Mail.acme.example").spf_domains == ("acme.example", "mail.acme.example")
    assert Subject(domain="acme.example", helo="[192.0.2.1]").spf_domains == ("acme.example",)


def test_an_address_of_ipv4_in_the_clothes_of_ipv6_is_one_of_ipv4() -> None:
    given = (ip_address("::ffff:192.0.2.10"), ip_address("192.0.2.10"), ip_address("2001:db8::1"))
    assert Subject(domain="acme.example", ips=given).ips == (ip_address("192.0.2.10"), ip_address("2001:db8::1"))


@pytest.mark.parametrize("text", ["192.0.2.1", "[192.0.2.1]", "2001:db8::1"])
def test_an_address_is_no_domain(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"domain: .* is an address") as refused:
        Subject(domain=text)
    assert "--ip" in str(refused.value.advice)
