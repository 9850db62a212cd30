"""What strangers may put into headers, messages and the DNS for mail authentication, and what the linter looks at."""

import asyncio
from collections.abc import Sequence

from postroad.lint.check import RULES, check_message
from postroad.mailauth.arc.validate import validate
from postroad.mailauth.dmarc.alignment import Identifier, Mechanism
from postroad.mailauth.dmarc.author import evaluate_from
from postroad.mailauth.dmarc.record import Policy, is_dmarc_record, read_record
from postroad.mailauth.results.read import Unreadable, read_arc_instance, read_results
from postroad.mailauth.results.write import header_field
from postroad.testing.fake_dns import FakeDns
from tests.lint.clean import MARKETING, TRANSACTIONAL
from tests.mailauth.arc.foreign_chain import chain, dns

RECORDS = (
    b"v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=r; psd=n; t=y; fo=1:d:s",
    b"v=DMARC1; p=none; rua=mailto:a@example.com!10m,https://example.com/in; ruf=mailto:f@example.net; pct=50; x=1",
    b"v=DMARC1",
    b"v = DMARC1 ; psd = y ; p = none ;",
)
RESULTS = (
    b' mx.example.com 1; spf=pass smtp.mailfrom="a b"@example.net;\r\n\tdkim=fail (2048-bit key) reason="x"',
    b" foo.example.net (foobar) 1 (baz); dkim (Because (I) like it) / 1 = (wait) fail policy (a) . expired = 1",
    b" i=2; lists.example.org; arc=pass; dmarc=pass action=none header.from=b.example",
    b" example.org 1; none",
)
FROMS = (
    b"Ann <ann@acme.example>",
    b"ann@a.example, bob@b.example",
    b'"x" <a@xn--bcher-kva.example>',
    b"group: a@b.example;",
)


def chains() -> Sequence[bytes]:
    return (chain(1), chain(2))


def letters() -> Sequence[bytes]:
    return (TRANSACTIONAL, MARKETING)


def check_record(data: bytes) -> None:
    """A record or none; each tag that is kept means something."""
    record = read_record(data)
    assert (record is None) is not is_dmarc_record(data)
    if record is not None:
        assert {record.own_policy, record.subdomain_policy, record.absent_subdomain_policy} <= set(Policy)
        assert all(uri.host and uri.uri.isascii() and uri.uri.isprintable() for uri in (*record.rua, *record.ruf))


def check_verdict(data: bytes) -> None:
    """Whatever From and policy hold, there is one verdict, and only a fail has a wish."""
    first, _, rest = data.partition(b"\n")
    zone = FakeDns({f"_dmarc.{name}": [{"TXT": rest or first}] for name in ("acme.example", "a.example", "example")})
    signed = [
        Identifier(Mechanism.DKIM, "acme.example", "pass"),
        Identifier(Mechanism.SPF, first.decode("latin-1"), "pass"),
    ]
    result = asyncio.run(evaluate_from([first.decode("utf-8", "surrogateescape")], signed, zone))
    assert result.reason
    assert result.disposition is Policy.NONE or result.outcome == "fail"


def check_results(data: bytes) -> None:
    """What was read can be written, in ASCII and in lines, and is then read as the same."""
    value = data.decode("utf-8", "surrogateescape")
    read_arc_instance(value)
    found = read_results(value)
    if isinstance(found, Unreadable):
        return
    field = header_field(found)
    assert all(len(line) <= 998 for line in field.split(b"\r\n"))
    again = read_results(field.decode("ascii").partition(":")[2])
    assert not isinstance(again, Unreadable)
    assert [(one.method, one.result) for one in again.results] == [(one.method, one.result) for one in found.results]


def check_chain(data: bytes) -> None:
    """One status, and why."""
    result = asyncio.run(validate(data, dns(2), at=0.0))
    assert result.reason
    assert (result.oldest_pass is not None) == (result.status == "pass")


def check_lint(data: bytes) -> None:
    """A finding for each rule, which can be shown."""
    findings = check_message(data)
    assert [one.id for one in findings] == [rule.id for rule in RULES]
    assert all(one.seen.isprintable() for one in findings)
